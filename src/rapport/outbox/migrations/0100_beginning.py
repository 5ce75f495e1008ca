import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('outbox', '0001_initial'),
        ('outbox', '0002_initial'),
        ('outbox', '0003_files_edits_deletions'),
        ('outbox', '0004_drafts'),
        ('outbox', '0005_saved_replies'),
        ('outbox', '0006_later_and_in_several_posts'),
    ]

    initial = True

    dependencies = [
        ('brands', '0100_beginning'),
        ('inbox', '0100_beginning'),
        ('media', '0001_initial'),
        ('staff', '0100_beginning'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Draft',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('field', models.CharField(choices=[('reply', 'Reply'), ('note', 'Note')], max_length=10)),
                    ('text', models.TextField(blank=True, default='')),
                    ('revision', models.BigIntegerField(default=0)),
                    ('typed_at', models.DateTimeField()),
                    ('sent', models.TextField(blank=True, default='')),
                    ('sent_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inbox.case')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'case', 'field'), name='draft_once')],
                },
            ),
            migrations.CreateModel(
                name='DraftAside',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('field', models.CharField(choices=[('reply', 'Reply'), ('note', 'Note')], max_length=10)),
                    ('text', models.TextField()),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('dropped_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inbox.case')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['case', 'user'], name='draft_aside_of_case')],
                },
            ),
            migrations.CreateModel(
                name='Outgoing',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('visibility', models.CharField(choices=[('public', 'Public'), ('private', 'Private')], max_length=10)),
                    ('text', models.TextField(help_text='As it goes out, signature included.')),
                    ('idempotency_key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('form_key', models.UUIDField(help_text='Made by the form: a double submit is one reply.')),
                    ('state', models.CharField(choices=[('queued', 'Queued'), ('held', 'Held back'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('cancelled', 'Undone')], default='queued', max_length=10)),
                    ('not_before', models.DateTimeField()),
                    ('lease_until', models.DateTimeField(null=True)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('doubtful', models.BooleanField(default=False)),
                    ('error', models.TextField(blank=True, default='')),
                    ('close_after', models.BooleanField(default=False, help_text='Close the case as answered once it is sent.')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('sent_at', models.DateTimeField(null=True)),
                    ('author', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.brand')),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outgoing', to='inbox.case')),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='outgoing', to='brands.channel')),
                    ('in_reply_to', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.message')),
                    ('message', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outgoing', to='inbox.message')),
                    ('thread', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.thread')),
                    ('target', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.message')),
                    ('verb', models.CharField(choices=[('post', 'Post'), ('edit', 'Edit'), ('delete', 'Delete')], db_default='post', default='post', max_length=10)),
                    ('follows', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='next', to='outbox.outgoing')),
                    ('known_message', models.BigIntegerField(db_default=0, default=0)),
                    ('lead', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followers', to='outbox.outgoing')),
                    ('part', models.PositiveSmallIntegerField(db_default=1, default=1)),
                    ('parts', models.PositiveSmallIntegerField(db_default=1, default=1)),
                    ('scheduled_for', models.DateTimeField(null=True)),
                    ('snooze_until', models.DateTimeField(help_text='Put the case away until then once it is sent.', null=True)),
                    ('typed', models.TextField(db_default='', default='', help_text='As its author wrote it; of one post of several, its stretch.')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('state', 'queued')), fields=['not_before'], name='outgoing_due'), models.Index(condition=models.Q(('state', 'sending')), fields=['lease_until'], name='outgoing_leased'), models.Index(fields=['channel', 'id'], name='outgoing_of_channel'), models.Index(condition=models.Q(('lead__isnull', False)), fields=['lead'], name='outgoing_of_lead')],
                    'constraints': [models.UniqueConstraint(fields=('author', 'form_key'), name='outgoing_once_per_form')],
                },
            ),
            migrations.CreateModel(
                name='SavedReply',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=80)),
                    ('shortcut', models.CharField(blank=True, max_length=40)),
                    ('category', models.CharField(blank=True, max_length=60)),
                    ('words', models.TextField(blank=True)),
                    ('used', models.PositiveIntegerField(default=0, help_text='How often it was put into a reply.')),
                    ('version', models.PositiveIntegerField(default=1)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('changed_at', models.DateTimeField(auto_now_add=True)),
                    ('deleted_at', models.DateTimeField(null=True)),
                    ('brand', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_replies', to='brands.brand')),
                    ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='saved_replies', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name_plural': 'saved replies',
                    'indexes': [models.Index(condition=models.Q(('brand__isnull', False), ('deleted_at__isnull', True)), fields=['brand'], name='saved_reply_shared'), models.Index(fields=['owner'], name='saved_reply_own'), models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['deleted_at'], name='saved_reply_deleted')],
                    'constraints': [models.UniqueConstraint(models.F('brand'), django.db.models.functions.text.Upper('shortcut'), condition=models.Q(('brand__isnull', False), ('deleted_at__isnull', True), models.Q(('shortcut', ''), _negated=True)), name='saved_reply_shortcut_shared'), models.UniqueConstraint(models.F('owner'), django.db.models.functions.text.Upper('shortcut'), condition=models.Q(('brand__isnull', True), ('deleted_at__isnull', True), models.Q(('shortcut', ''), _negated=True)), name='saved_reply_shortcut_own')],
                },
            ),
            migrations.CreateModel(
                name='OutgoingFile',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveSmallIntegerField()),
                    ('alt', models.TextField(blank=True)),
                    ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='media.storedfile')),
                    ('outgoing', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='files', to='outbox.outgoing')),
                ],
                options={
                    'ordering': ['position'],
                    'constraints': [models.UniqueConstraint(fields=('outgoing', 'position'), name='outgoing_file_once')],
                },
            ),
            migrations.CreateModel(
                name='SavedReplyText',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('language', models.CharField(blank=True, max_length=16)),
                    ('text', models.TextField()),
                    ('reply', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='texts', to='outbox.savedreply')),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(fields=('reply', 'language'), name='saved_reply_text_once_per_language')],
                },
            ),
        ]),
    ]
