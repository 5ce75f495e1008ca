import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import rapport.lib.crypto
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('practice', '0001_initial'),
        ('practice', '0002_post_pictures'),
        ('practice', '0003_readings'),
    ]

    initial = True

    dependencies = [
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Account',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('handle', models.CharField(help_text='Lower case, without the @.', max_length=40, unique=True)),
                    ('name', models.CharField(max_length=120)),
                    ('bio', models.CharField(blank=True, max_length=300)),
                    ('lang', models.CharField(blank=True, max_length=16)),
                    ('voice', models.CharField(blank=True, help_text='f or m, for texts with grammatical gender.', max_length=1)),
                    ('followers', models.PositiveIntegerField(default=0)),
                    ('is_company', models.BooleanField(default=False)),
                    ('is_bot', models.BooleanField(default=False)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ],
            ),
            migrations.CreateModel(
                name='Chaos',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('outage', models.BooleanField(default=False, verbose_name='Outage: every call fails with 503')),
                    ('duplicate_rate', models.FloatField(default=0, validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)], verbose_name='Share of events delivered twice')),
                    ('reorder_rate', models.FloatField(default=0, validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)], verbose_name='Share of events delivered out of order')),
                    ('lost_response_rate', models.FloatField(default=0, validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)], verbose_name='Share of posts accepted whose answer is lost')),
                    ('slow_ms', models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(60000)], verbose_name='Every call takes this much longer (milliseconds)')),
                    ('rate_limit', models.PositiveIntegerField(default=600, verbose_name='Calls per token and minute (0: no limit)')),
                    ('ignore_idempotency', models.BooleanField(default=False, verbose_name='Idempotency keys are ignored')),
                ],
                options={
                    'verbose_name_plural': 'chaos',
                    'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='practice_chaos_one_row')],
                },
            ),
            migrations.CreateModel(
                name='Post',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.CharField(max_length=500)),
                    ('visibility', models.CharField(choices=[('public', 'Public'), ('private', 'Private')], default='public', max_length=10)),
                    ('conversation', models.CharField(blank=True, max_length=60)),
                    ('lang', models.CharField(blank=True, max_length=16)),
                    ('client_ref', models.CharField(blank=True, help_text="The client's own name for it.", max_length=64)),
                    ('idempotency_key', models.CharField(max_length=64, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('edited_at', models.DateTimeField(null=True)),
                    ('deleted_at', models.DateTimeField(null=True)),
                    ('author', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='posts', to='practice.account')),
                    ('in_reply_to', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='replies', to='practice.post')),
                    ('recipient', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.account')),
                    ('root', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='thread', to='practice.post')),
                    ('mentions', models.ManyToManyField(blank=True, related_name='mentioned_in', to='practice.account')),
                ],
                options={
                    'indexes': [models.Index(fields=['root', 'id'], name='practice_post_thread'), models.Index(fields=['author', '-id'], name='practice_post_author'), models.Index(condition=models.Q(('client_ref', ''), _negated=True), fields=['author', 'client_ref'], name='practice_post_ref'), models.Index(condition=models.Q(('conversation', ''), _negated=True), fields=['conversation', 'id'], name='practice_post_dm')],
                    'constraints': [models.UniqueConstraint(fields=('author', 'idempotency_key'), name='practice_post_idempotent')],
                },
            ),
            migrations.CreateModel(
                name='StreamEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=40)),
                    ('payload', models.JSONField()),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.account')),
                ],
                options={
                    'indexes': [models.Index(fields=['account', 'id'], name='practice_stream')],
                },
            ),
            migrations.CreateModel(
                name='Subscription',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('url', models.URLField(max_length=500)),
                    ('secret', rapport.lib.crypto.EncryptedJSONField()),
                    ('active', models.BooleanField(default=True)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='practice.account')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('account', 'url'), name='practice_subscription_once')],
                },
            ),
            migrations.CreateModel(
                name='Token',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('token_hash', models.CharField(max_length=64, unique=True)),
                    ('label', models.CharField(blank=True, max_length=80)),
                    ('scope', models.CharField(choices=[('account', 'Account'), ('operator', 'Operator')], default='account', max_length=10)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('revoked_at', models.DateTimeField(null=True)),
                    ('window_start', models.DateTimeField(null=True)),
                    ('window_count', models.PositiveIntegerField(default=0)),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='practice.account')),
                ],
            ),
            migrations.CreateModel(
                name='Picture',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveSmallIntegerField()),
                    ('name', models.CharField(max_length=100)),
                    ('content_type', models.CharField(max_length=20)),
                    ('alt', models.CharField(blank=True, help_text='For those who cannot see it.', max_length=1000)),
                    ('sha256', models.CharField(max_length=64)),
                    ('content', models.BinaryField()),
                    ('post', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='practice.post')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('post', 'position'), name='practice_picture_place')],
                },
            ),
            migrations.CreateModel(
                name='Reading',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('conversation', models.CharField(max_length=60)),
                    ('at', models.DateTimeField()),
                    ('post', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.post')),
                    ('reader', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.account')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('conversation', 'reader'), name='practice_reading_once')],
                },
            ),
            migrations.CreateModel(
                name='Repost',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('author', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reposts', to='practice.account')),
                    ('post', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='reposts', to='practice.post')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('post', 'author'), name='practice_repost_once')],
                },
            ),
            migrations.CreateModel(
                name='Run',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('situation', models.CharField(max_length=80)),
                    ('step', models.CharField(choices=[('edit', 'Edits the post'), ('delete', 'Deletes the post'), ('join', 'Joins the thread'), ('repost', 'Passes the post on'), ('wait', 'Waits for an answer'), ('react', 'Reacts to the answer'), ('done', 'Done')], max_length=10)),
                    ('due_at', models.DateTimeField(null=True)),
                    ('turns', models.PositiveSmallIntegerField(default=0)),
                    ('impatience', models.PositiveSmallIntegerField(default=0)),
                    ('fill', models.JSONField(default=dict, help_text="What stands in the text's gaps this time.")),
                    ('seed', models.CharField(max_length=80)),
                    ('said', models.JSONField(default=list, help_text="Which of the situation's lines they have used.")),
                    ('number', models.PositiveIntegerField(help_text='Counts the situations; null for people who only join one.', null=True, unique=True)),
                    ('answer', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='practice.post')),
                    ('company', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.account')),
                    ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.account')),
                    ('post', models.ForeignKey(help_text='Their newest post.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.post')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('step', 'done'), _negated=True), fields=['due_at'], name='practice_run_due'), models.Index(condition=models.Q(('step', 'wait')), fields=['company'], name='practice_run_waiting')],
                },
            ),
            migrations.CreateModel(
                name='WebhookDelivery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('state', models.CharField(choices=[('pending', 'Waiting'), ('delivered', 'Delivered'), ('abandoned', 'Given up')], default='pending', max_length=10)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('not_before', models.DateTimeField(default=django.utils.timezone.now)),
                    ('last_error', models.CharField(blank=True, max_length=200)),
                    ('done_at', models.DateTimeField(null=True)),
                    ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='practice.streamevent')),
                    ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='practice.subscription')),
                ],
                options={
                    'verbose_name_plural': 'webhook deliveries',
                    'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['not_before'], name='practice_delivery_due')],
                },
            ),
        ]),
    ]
