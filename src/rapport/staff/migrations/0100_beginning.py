import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('staff', '0001_initial'),
        ('staff', '0002_team_channels'),
        ('staff', '0003_people'),
        ('staff', '0004_keys_of_a_person'),
        ('staff', '0005_first_steps_put_away'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('brands', '0100_beginning'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='User',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('password', models.CharField(max_length=128, verbose_name='password')),
                    ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                    ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                    ('email', models.EmailField(max_length=254, unique=True)),
                    ('name', models.CharField(max_length=120)),
                    ('initials', models.CharField(help_text='Used in signatures, as in ^MK.', max_length=4)),
                    ('language', models.CharField(blank=True, max_length=10)),
                    ('availability', models.CharField(choices=[('available', 'Available'), ('away', 'Away')], default='available', max_length=20)),
                    ('is_active', models.BooleanField(default=True)),
                    ('is_bot', models.BooleanField(default=False, help_text='An automation: its messages never count as an answer.')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('away_reason', models.CharField(blank=True, db_default='', default='', max_length=80)),
                    ('away_until', models.DateTimeField(blank=True, help_text='Away ends by itself then; null: when they say so.', null=True)),
                    ('picture', models.CharField(blank=True, db_default='', default='', help_text='Which picture; empty: none.', max_length=16)),
                    ('seen_at', models.DateTimeField(blank=True, help_text='When they last did something, to the minute.', null=True)),
                    ('skills', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, db_default=[], default=list, size=None)),
                    ('speaks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), blank=True, db_default=[], default=list, help_text='Language codes.', size=None)),
                    ('time_zone', models.CharField(blank=True, db_default='', default='', help_text="Empty: the instance's.", max_length=64)),
                    ('keys', models.JSONField(blank=True, db_default={}, default=dict, help_text='Keys of their own: {off: those of one character, keys: {command: key}}.')),
                    ('start_put_away_at', models.DateTimeField(blank=True, help_text='When they put the first steps of the instance away.', null=True)),
                    ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                    ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ],
                options={
                    'ordering': ['name'],
                },
            ),
            migrations.CreateModel(
                name='Membership',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('role', models.CharField(choices=[('admin', 'Admin'), ('lead', 'Lead'), ('agent', 'Agent'), ('viewer', 'Viewer')], max_length=20)),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='brands.brand')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'brand'), name='one_role_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='Picture',
                fields=[
                    ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                    ('content_type', models.CharField(max_length=40)),
                    ('content', models.BinaryField()),
                ],
            ),
            migrations.CreateModel(
                name='Reversal',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('left', 'Somebody left'), ('team', 'A team was deleted')], max_length=10)),
                    ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('data', models.JSONField()),
                    ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
            ),
            migrations.CreateModel(
                name='Session',
                fields=[
                    ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                    ('session_data', models.TextField(verbose_name='session data')),
                    ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                    ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('user', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'session',
                    'verbose_name_plural': 'sessions',
                    'abstract': False,
                },
            ),
            migrations.CreateModel(
                name='Signature',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('initials', models.CharField(blank=True, max_length=4)),
                    ('name', models.CharField(blank=True, max_length=40)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='brands.brand')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='signatures', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'brand'), name='one_signature_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='Team',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=120)),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='teams', to='brands.brand')),
                    ('deleted_at', models.DateTimeField(blank=True, null=True)),
                    ('members', models.ManyToManyField(blank=True, related_name='teams', to=settings.AUTH_USER_MODEL)),
                    ('channels', models.ManyToManyField(blank=True, help_text="Channels that only these people answer from; a channel without teams is everybody's.", related_name='teams', to='brands.channel')),
                ],
                options={
                    'ordering': ['name'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('brand', 'name'), name='team_name_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='Invitation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('email', models.EmailField(max_length=254)),
                    ('role', models.CharField(choices=[('admin', 'Admin'), ('lead', 'Lead'), ('agent', 'Agent'), ('viewer', 'Viewer')], max_length=20)),
                    ('token_sha256', models.CharField(max_length=64, unique=True)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('renewed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When its present link was made.')),
                    ('expires_at', models.DateTimeField()),
                    ('mailed_at', models.DateTimeField(null=True)),
                    ('accepted_at', models.DateTimeField(null=True)),
                    ('revoked_at', models.DateTimeField(null=True)),
                    ('accepted_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='brands.brand')),
                    ('invited_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('teams', models.ManyToManyField(blank=True, related_name='+', to='staff.team')),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(fields=['invited_by', 'renewed_at'], name='invitations_by_person')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('accepted_at', None), ('revoked_at', None)), fields=('brand', 'email'), name='one_open_invitation')],
                },
            ),
        ]),
    ]
