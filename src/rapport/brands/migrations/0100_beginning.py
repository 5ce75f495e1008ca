import django.db.models.deletion
import rapport.lib.crypto
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('brands', '0001_initial'),
        ('brands', '0002_real_networks'),
        ('brands', '0003_renewal_silence_streams'),
        ('brands', '0004_hook_key'),
        ('brands', '0005_hours_of_a_brand'),
    ]

    initial = True

    dependencies = [
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Brand',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('slug', models.SlugField(max_length=60, unique=True)),
                    ('name', models.CharField(max_length=120)),
                    ('colour', models.CharField(blank=True, help_text='A CSS colour for public pages.', max_length=32)),
                    ('time_zone', models.CharField(default='UTC', max_length=64)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('hours', models.JSONField(blank=True, db_default={}, default=dict, help_text='Published hours, offered to each new channel; {} for none.')),
                ],
                options={
                    'ordering': ['name'],
                },
            ),
            migrations.CreateModel(
                name='Channel',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('network', models.CharField(max_length=40)),
                    ('external_id', models.CharField(help_text="The account's id on the network.", max_length=200)),
                    ('handle', models.CharField(max_length=200)),
                    ('name', models.CharField(blank=True, max_length=200)),
                    ('role', models.CharField(choices=[('main', 'Main'), ('support', 'Support'), ('status', 'Status'), ('ideas', 'Ideas'), ('careers', 'Careers'), ('executive', 'Executive')], default='main', max_length=20)),
                    ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('disconnected', 'Disconnected')], default='active', max_length=20)),
                    ('signature', models.CharField(choices=[('none', 'Not signed'), ('initials', 'Initials, as ^MK'), ('name', 'First name')], default='initials', max_length=20)),
                    ('credentials', rapport.lib.crypto.EncryptedJSONField(null=True)),
                    ('settings', models.JSONField(blank=True, default=dict)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('polled', models.BooleanField(default=False, help_text='Whether the listener polls it.')),
                    ('cursor', models.JSONField(blank=True, default=dict)),
                    ('next_poll_at', models.DateTimeField(blank=True, null=True)),
                    ('poll_lease_until', models.DateTimeField(blank=True, null=True)),
                    ('last_event_at', models.DateTimeField(blank=True, null=True)),
                    ('last_ok_at', models.DateTimeField(blank=True, null=True)),
                    ('last_error', models.TextField(blank=True)),
                    ('last_error_at', models.DateTimeField(blank=True, null=True)),
                    ('failures', models.PositiveIntegerField(default=0, help_text='Failed calls in a row.')),
                    ('open_until', models.DateTimeField(blank=True, help_text='Circuit breaker: no call before this time, then one probe.', null=True)),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='channels', to='brands.brand')),
                    ('backfill', models.JSONField(blank=True, db_default={}, default=dict)),
                    ('credentials_expire_at', models.DateTimeField(blank=True, null=True)),
                    ('hide_deleted', models.BooleanField(db_default=True, default=True, help_text='Whether the words of a deleted message are hidden from us.')),
                    ('hours', models.JSONField(blank=True, default=dict, help_text='Published hours: {"mon": [["09:00", "17:00"]], …}; {} for none.')),
                    ('profile', models.JSONField(blank=True, db_default={}, default=dict)),
                    ('profile_read_at', models.DateTimeField(blank=True, null=True)),
                    ('pushed_at', models.DateTimeField(blank=True, help_text='When a webhook or stream last brought something.', null=True)),
                    ('stream_cursor', models.JSONField(blank=True, db_default={}, default=dict)),
                    ('stream_lease_until', models.DateTimeField(blank=True, help_text='Its stream is open until then.', null=True)),
                    ('streamed', models.BooleanField(db_default=False, default=False, help_text='Whether its stream is read.')),
                    ('credentials_given_at', models.DateTimeField(blank=True, help_text='When these credentials were stored: how long they live follows from it.', null=True)),
                    ('renew_lease_until', models.DateTimeField(blank=True, help_text='Somebody renews the credentials; nobody else may before this time.', null=True)),
                    ('silent_after', models.DurationField(blank=True, help_text='Longer without a message is unusual here; null: too little history.', null=True)),
                    ('stream_retry_at', models.DateTimeField(blank=True, help_text='Its stream broke and is not opened again before this time.', null=True)),
                    ('hook_key', models.CharField(db_default='', default='', editable=False, help_text='Equal for channels whose deliveries are verified with the same secrets.', max_length=64)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('polled', True), ('state', 'active')), fields=['next_poll_at'], name='channel_poll_due'), models.Index(fields=['network', 'external_id'], name='channel_account'), models.Index(fields=['network', 'hook_key'], name='channel_hook_key')],
                    'constraints': [models.UniqueConstraint(fields=('brand', 'network', 'external_id'), name='channel_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='Alert',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('disconnected', 'Disconnected'), ('expiring', 'Credentials end soon'), ('silent', 'Silent longer than usual'), ('failing', 'Calls fail'), ('late', 'Not listened to')], max_length=20)),
                    ('detail', models.JSONField(db_default={}, default=dict)),
                    ('began_at', models.DateTimeField()),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('told_at', models.DateTimeField(help_text='When the leads were written to.', null=True)),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='brands.channel')),
                ],
                options={
                    'indexes': [models.Index(fields=['channel', 'began_at'], name='alert_of_channel')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('channel', 'kind'), name='alert_open_once')],
                },
            ),
            migrations.CreateModel(
                name='Allowance',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('budget', models.CharField(max_length=40)),
                    ('left', models.FloatField()),
                    ('counted_at', models.DateTimeField()),
                    ('told_until', models.DateTimeField(null=True)),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='allowances', to='brands.channel')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('channel', 'budget'), name='allowance_once')],
                },
            ),
        ]),
    ]
