"""Threads, messages, cases and what search reads; who looks at a case is in a table that a crash empties."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from rapport.inbox.migrations._triggers import BACKWARD, FORWARD
from rapport.lib.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('inbox', '0001_initial'),
        ('inbox', '0002_initial'),
        ('inbox', '0004_tag_without_case'),
        ('inbox', '0005_search'),
        ('inbox', '0006_settled'),
        ('inbox', '0007_lighter_indexes'),
        ('inbox', '0008_message_by_identity'),
        ('inbox', '0009_copies_unchecked'),
        ('inbox', '0010_more_of_a_message'),
        ('inbox', '0011_messages_by_arrival'),
        ('inbox', '0012_longer_ids'),
        ('inbox', '0013_lists_and_mentions'),
        ('inbox', '0014_casework'),
        ('inbox', '0015_search_terms'),
        ('inbox', '0016_following'),
        ('inbox', '0017_looking_and_passing'),
        ('inbox', '0018_read_receipts'),
        ('inbox', '0019_regions_of_terms'),
    ]

    initial = True

    dependencies = [
        ('brands', '0100_beginning'),
        ('contacts', '0100_beginning'),
        ('staff', '0100_beginning'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='BrandReason',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('label', models.CharField(max_length=60)),
                    ('retired_at', models.DateTimeField(null=True)),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='close_reasons', to='brands.brand')),
                ],
                options={
                    'ordering': ['label'],
                    'constraints': [models.UniqueConstraint(models.F('brand'), django.db.models.functions.text.Upper('label'), name='reason_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='BulkAct',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('what', models.CharField(max_length=20)),
                    ('data', models.JSONField(default=dict)),
                    ('before', models.JSONField(default=dict)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('actor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
            ),
            migrations.CreateModel(
                name='CaseLook',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('case_id', models.BigIntegerField()),
                    ('user_id', models.BigIntegerField()),
                    ('screen', models.CharField(max_length=16)),
                    ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('writing', models.CharField(blank=True, db_default='', default='', max_length=5)),
                    ('typed_at', models.DateTimeField(null=True)),
                    ('reply_began_at', models.DateTimeField(null=True)),
                    ('reply_typed_at', models.DateTimeField(null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('case_id', 'user_id', 'screen'), name='case_look_once')],
                },
            ),
            migrations.CreateModel(
                name='IdentityWords',
                fields=[
                    ('identity', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='contacts.identity')),
                    ('words', django.contrib.postgres.search.SearchVectorField()),
                ],
                options={
                    'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['words'], name='words_of_identities')],
                },
            ),
            migrations.CreateModel(
                name='KnownWord',
                fields=[
                    ('word', models.CharField(db_collation='C', max_length=40, primary_key=True, serialize=False)),
                ],
            ),
            migrations.CreateModel(
                name='MessageChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('message_external_id', models.CharField(max_length=500)),
                    ('kind', models.CharField(choices=[('edited', 'Edited'), ('deleted', 'Deleted'), ('reposted', 'Reposted'), ('liked', 'Liked'), ('withdrawn', 'Withdrawn'), ('hidden', 'Hidden'), ('shown', 'Shown again')], max_length=10)),
                    ('at', models.DateTimeField()),
                    ('external_id', models.CharField(blank=True, db_default='', default='', max_length=500)),
                    ('text', models.TextField(blank=True, db_default='', default='')),
                    ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.channel')),
                    ('identity', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contacts.identity')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('channel', 'message_external_id', 'kind', 'at', 'external_id'), name='message_change_once')],
                },
            ),
            migrations.CreateModel(
                name='Receipt',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('thread_key', models.CharField(max_length=500)),
                    ('reader_external_id', models.CharField(max_length=500)),
                    ('kind', models.CharField(choices=[('read', 'Read'), ('delivered', 'Delivered')], max_length=10)),
                    ('message_external_id', models.CharField(blank=True, db_default='', default='', max_length=500)),
                    ('until', models.DateTimeField(null=True)),
                    ('at', models.DateTimeField()),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.channel')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('message_external_id', ''), _negated=True), fields=['channel', 'message_external_id'], name='receipt_waiting')],
                    'constraints': [models.UniqueConstraint(fields=('channel', 'thread_key', 'reader_external_id', 'kind', 'message_external_id'), name='receipt_once')],
                },
            ),
            migrations.CreateModel(
                name='SavedView',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=80)),
                    ('view', models.CharField(max_length=20)),
                    ('filters', models.JSONField(default=dict)),
                    ('position', models.PositiveIntegerField(default=0)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('deleted_at', models.DateTimeField(null=True)),
                    ('brand', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to='brands.brand')),
                    ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['position', 'id'],
                    'indexes': [models.Index(fields=['owner', 'position', 'id'], name='saved_view_own'), models.Index(condition=models.Q(('brand__isnull', False)), fields=['brand', 'position', 'id'], name='saved_view_shared')],
                },
            ),
            migrations.CreateModel(
                name='Tag',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=60)),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='brands.brand')),
                ],
                options={
                    'ordering': ['name'],
                    'constraints': [models.UniqueConstraint(models.F('brand'), django.db.models.functions.text.Upper('name'), name='tag_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='Thread',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('visibility', models.CharField(choices=[('public', 'Public'), ('private', 'Private')], max_length=10)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.brand')),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.channel')),
                    ('merged_into', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.thread')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('merged_into__isnull', False)), fields=['merged_into'], name='thread_merged')],
                },
            ),
            migrations.CreateModel(
                name='WordsWanted',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('message_id', models.BigIntegerField(null=True)),
                    ('identity_id', models.BigIntegerField(null=True)),
                    ('note_id', models.BigIntegerField(null=True)),
                ],
            ),
            migrations.CreateModel(
                name='Case',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('status', models.CharField(choices=[('open', 'Open'), ('snoozed', 'Snoozed'), ('closed', 'Closed'), ('merged', 'Merged')], default='open', max_length=10)),
                    ('priority', models.PositiveSmallIntegerField(choices=[(1, 'Low'), (2, 'Normal'), (3, 'High'), (4, 'Urgent')], db_default=2, default=2)),
                    ('visibility', models.CharField(choices=[('public', 'Public'), ('private', 'Private')], max_length=10)),
                    ('preview', models.CharField(blank=True, help_text='One line of the newest message.', max_length=200)),
                    ('lang', models.CharField(blank=True, max_length=16)),
                    ('opened_at', models.DateTimeField()),
                    ('waiting_since', models.DateTimeField(null=True)),
                    ('last_message_at', models.DateTimeField()),
                    ('snoozed_until', models.DateTimeField(null=True)),
                    ('closed_at', models.DateTimeField(null=True)),
                    ('close_reason', models.CharField(blank=True, choices=[('answered', 'Answered'), ('no_reply_needed', 'No reply needed'), ('spam', 'Spam'), ('duplicate', 'Duplicate'), ('elsewhere', 'Handled elsewhere'), ('imported', 'Answered before it was imported')], db_default='', default='', max_length=20)),
                    ('version', models.PositiveIntegerField(db_default=1, default=1)),
                    ('assignee', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='cases', to=settings.AUTH_USER_MODEL)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='brands.brand')),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='brands.channel')),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='contacts.contact')),
                    ('merged_into', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.case')),
                    ('team', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='cases', to='staff.team')),
                    ('settled_at', models.DateTimeField(help_text='What had arrived when the case was last closed was dealt with, answered or not.', null=True)),
                    ('tags', models.ManyToManyField(blank=True, related_name='cases', to='inbox.tag')),
                ],
                options={
                    'indexes': [models.Index(models.F('brand'), models.OrderBy(models.F('last_message_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('status', 'open')), name='case_open_recent'), models.Index(models.F('brand'), models.F('assignee'), models.OrderBy(models.F('last_message_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('status', 'open')), name='case_open_assignee'), models.Index(models.F('brand'), models.Func(models.F('waiting_since'), output_field=models.DateTimeField(), template="coalesce(%(expressions)s, 'infinity'::timestamptz)"), models.F('id'), condition=models.Q(('status', 'open')), name='case_open_wait'), models.Index(models.F('brand'), django.db.models.expressions.CombinedExpression(models.F('priority'), '*', models.Value(-1)), models.Func(models.F('waiting_since'), output_field=models.DateTimeField(), template="coalesce(%(expressions)s, 'infinity'::timestamptz)"), models.F('id'), condition=models.Q(('status', 'open')), name='case_open_urgent'), models.Index(models.F('brand'), models.F('team'), models.OrderBy(models.F('last_message_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('status', 'open'), ('team__isnull', False)), name='case_open_team'), models.Index(models.F('brand'), models.F('status'), models.OrderBy(models.F('last_message_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('status', 'open'), _negated=True), name='case_not_open'), models.Index(models.F('brand'), models.OrderBy(models.F('last_message_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('close_reason', 'spam'), ('status', 'closed')), name='case_spam'), models.Index(models.F('channel'), models.F('status'), models.OrderBy(models.F('last_message_at'), descending=True), models.OrderBy(models.F('id'), descending=True), name='case_by_channel'), models.Index(condition=models.Q(('merged_into__isnull', False)), fields=['merged_into'], name='case_merged'), models.Index(condition=models.Q(('status', 'snoozed')), fields=['snoozed_until'], name='case_snoozed')],
                },
            ),
            migrations.CreateModel(
                name='Message',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('external_id', models.CharField(max_length=500)),
                    ('parent_external_id', models.CharField(max_length=500, null=True)),
                    ('thread_key', models.CharField(max_length=500, null=True)),
                    ('own', models.BooleanField()),
                    ('from_brand', models.BooleanField(help_text="Written by any brand's account here, so not a contact's voice.")),
                    ('automatic', models.BooleanField(db_default=False, default=False, help_text='Neither asks nor answers: written by a machine, or kept for context only.')),
                    ('visibility', models.CharField(choices=[('public', 'Public'), ('private', 'Private')], max_length=10)),
                    ('text', models.TextField()),
                    ('lang', models.CharField(blank=True, max_length=16)),
                    ('url', models.CharField(blank=True, max_length=1000)),
                    ('media', models.JSONField(default=list, help_text='[{url | file, kind, alt, name, type}]')),
                    ('sent_at', models.DateTimeField()),
                    ('arrived_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('edited_at', models.DateTimeField(null=True)),
                    ('deleted_at', models.DateTimeField(null=True)),
                    ('repost_count', models.PositiveIntegerField(db_default=0, default=0)),
                    ('brand', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.brand')),
                    ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.channel')),
                    ('identity', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='contacts.identity')),
                    ('user', models.ForeignKey(db_index=False, help_text='The agent who wrote it here.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('thread', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='inbox.thread')),
                    ('context', models.BooleanField(db_default=False, default=False, help_text='Not said to us; kept so that the thread can be read.')),
                    ('facts', models.JSONField(db_default={}, default=dict, help_text='What only some networks know; see networks/events.py.')),
                    ('hidden_at', models.DateTimeField(null=True)),
                    ('like_count', models.PositiveIntegerField(db_default=0, default=0)),
                    ('parted', models.BooleanField(db_default=False, default=False, help_text='A colleague began a thread of its own with it, whatever it answers.')),
                ],
                options={
                    'indexes': [models.Index(fields=['thread', 'sent_at', 'id'], name='message_in_thread'), models.Index(fields=['identity', 'thread'], name='message_by_identity'), models.Index(condition=models.Q(('parent_external_id__isnull', False)), fields=['channel', 'parent_external_id'], name='message_by_parent'), models.Index(condition=models.Q(('thread_key__isnull', False)), fields=['channel', 'thread_key'], name='message_by_key'), models.Index(condition=models.Q(('parted', True)), fields=['channel', 'thread_key'], name='message_parted'), django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['arrived_at'], name='message_arrival')],
                    'constraints': [models.UniqueConstraint(fields=('channel', 'external_id'), name='message_once_per_channel')],
                },
            ),
            migrations.CreateModel(
                name='Turn',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField()),
                    ('asked_at', models.DateTimeField()),
                    ('answered_at', models.DateTimeField(null=True)),
                    ('response_s', models.PositiveIntegerField(null=True)),
                    ('brand', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.brand')),
                    ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.channel')),
                    ('thread', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='turns', to='inbox.thread')),
                    ('user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['brand', 'asked_at'], name='turn_by_time')],
                    'constraints': [models.UniqueConstraint(fields=('thread', 'number'), name='turn_once')],
                },
            ),
            migrations.CreateModel(
                name='CaseEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('opened', 'Opened'), ('received', 'Customer wrote'), ('replied', 'Replied'), ('noted', 'Note added'), ('assigned', 'Assigned'), ('prioritised', 'Priority changed'), ('tagged', 'Tagged'), ('untagged', 'Tag removed'), ('snoozed', 'Snoozed'), ('woke', 'Back from snooze'), ('closed', 'Closed'), ('reopened', 'Reopened'), ('merged', 'Merged'), ('parted', 'Taken out again'), ('split', 'Split'), ('linked', 'Linked'), ('unlinked', 'Link removed')], max_length=20)),
                    ('at', models.DateTimeField()),
                    ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('data', models.JSONField(db_default={}, default=dict)),
                    ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('brand', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.brand')),
                    ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='inbox.case')),
                    ('message', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.message')),
                ],
                options={
                    'indexes': [models.Index(fields=['case', 'at', 'id'], name='case_event_history'), models.Index(fields=['brand', 'kind', 'at'], name='case_event_figures')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('message__isnull', False)), fields=('case', 'kind', 'message'), name='case_event_once_per_message')],
                },
            ),
            migrations.CreateModel(
                name='CaseFollow',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('muted', models.BooleanField(db_default=False, default=False)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='follows', to='inbox.case')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='follows', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('muted', False)), fields=['user', 'case'], name='case_followed')],
                    'constraints': [models.UniqueConstraint(fields=('user', 'case'), name='case_follow_once')],
                },
            ),
            migrations.CreateModel(
                name='CaseLink',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('made_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('one', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inbox.case')),
                    ('other', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inbox.case')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('one', 'other'), name='case_link_once'), models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='case_link_older_first')],
                },
            ),
            migrations.CreateModel(
                name='CaseMerge',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('moved', models.JSONField()),
                    ('made_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.case')),
                    ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inbox.case')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('source',), name='case_merged_once')],
                },
            ),
            migrations.CreateModel(
                name='CaseSeen',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('message_id', models.BigIntegerField()),
                    ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inbox.case')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'case'), name='case_seen_once')],
                },
            ),
            migrations.CreateModel(
                name='CaseThread',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='case_threads', to='inbox.case')),
                    ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contacts.contact')),
                    ('thread', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='case_threads', to='inbox.thread')),
                    ('settled_at', models.DateTimeField(help_text="As a case's: what had been dealt with when this came to the case from another.", null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('thread', 'contact'), name='one_case_per_contact_and_thread')],
                },
            ),
            migrations.CreateModel(
                name='MessageWords',
                fields=[
                    ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='inbox.message')),
                    ('words', django.contrib.postgres.search.SearchVectorField()),
                ],
                options={
                    'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['words'], name='words_of_messages')],
                },
            ),
            migrations.CreateModel(
                name='Note',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.TextField()),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('author', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='inbox.case')),
                ],
            ),
            migrations.CreateModel(
                name='CaseHandover',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('done_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='handovers', to='inbox.case')),
                    ('former', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('made_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('note', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='handover', to='inbox.note')),
                    ('person', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('team', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='staff.team')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('done_at__isnull', True)), fields=['case', 'id'], name='handover_open')],
                },
            ),
            migrations.CreateModel(
                name='Mention',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('seen_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mentions', to='inbox.case')),
                    ('note', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='inbox.note')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['user', 'case'], name='mention_of_user'), models.Index(condition=models.Q(('seen_at__isnull', True)), fields=['user', 'case'], name='mention_unread')],
                    'constraints': [models.UniqueConstraint(fields=('note', 'user'), name='mention_once_per_note')],
                },
            ),
            migrations.CreateModel(
                name='NoteWords',
                fields=[
                    ('note', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='inbox.note')),
                    ('words', django.contrib.postgres.search.SearchVectorField()),
                ],
                options={
                    'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['words'], name='words_of_notes')],
                },
            ),
        ]),
        migrations.RunSQL('ALTER TABLE inbox_caselook SET UNLOGGED', migrations.RunSQL.noop),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
