"""Saved queries and what they find. What channels hear is noted by triggers, as for search (inbox): no writer can forget it.

Private messages and the brands' own are never mentions. While nobody listens nothing is noted; a query that is saved
looks back by itself.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import rapport.lib.crypto
from django.conf import settings
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables

FORWARD = """
CREATE FUNCTION mentions_note_unheard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM mentions_query WHERE state = 'active' AND deleted_at IS NULL) THEN
        INSERT INTO mentions_unheard (message_id)
        SELECT id FROM added WHERE visibility = 'public' AND NOT own AND NOT from_brand;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION mentions_note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mentions_unheard (message_id) VALUES (NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER mentions_heard AFTER INSERT ON inbox_message
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mentions_note_unheard();
CREATE TRIGGER mentions_changed AFTER UPDATE OF text, deleted_at ON inbox_message
    FOR EACH ROW
    WHEN (NEW.visibility = 'public' AND NOT NEW.own AND NOT NEW.from_brand
          AND (OLD.text, OLD.deleted_at) IS DISTINCT FROM (NEW.text, NEW.deleted_at))
    EXECUTE FUNCTION mentions_note_changed();
"""
BACKWARD = """
DROP TRIGGER mentions_heard ON inbox_message;
DROP TRIGGER mentions_changed ON inbox_message;
DROP FUNCTION mentions_note_unheard();
DROP FUNCTION mentions_note_changed();
"""


class Migration(migrations.Migration):

    replaces = [
        ('mentions', '0001_initial'),
        ('mentions', '0002_acts_and_orders'),
        ('mentions', '0003_unheard_messages'),
        ('mentions', '0004_holidays_and_replays'),
        ('mentions', '0005_one_index_for_each_look'),
    ]

    initial = True

    dependencies = [
        ('brands', '0100_beginning'),
        ('inbox', '0100_beginning'),
        ('staff', '0100_beginning'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='AlertSetting',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('on', models.BooleanField(default=True)),
                    ('false_per_week', models.FloatField(default=0.2, help_text='Alerts by chance alone that are put up with, per query.')),
                    ('least', models.PositiveIntegerField(default=5, help_text='Fewer mentions in the window never alert.')),
                    ('muted_until', models.DateTimeField(null=True)),
                    ('webhook_url', models.CharField(blank=True, max_length=1000)),
                    ('emails', models.BooleanField(default=True)),
                    ('brand', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='alert_setting', to='brands.brand')),
                    ('country', models.CharField(blank=True, default='', help_text='ISO 3166: its public holidays are like Sundays.', max_length=2)),
                    ('replayed', models.JSONField(blank=True, db_default={}, default=dict, help_text='How many alerts each choice would have made: {at, least, alerts: {choice: n}}.')),
                ],
            ),
            migrations.CreateModel(
                name='CaseRule',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=80)),
                    ('asks', models.JSONField(default=dict)),
                    ('priority', models.PositiveSmallIntegerField(null=True)),
                    ('active', models.BooleanField(default=True)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='case_rules', to='brands.brand')),
                    ('created_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('team', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='staff.team')),
                ],
                options={
                    'ordering': ['brand', 'id'],
                },
            ),
            migrations.CreateModel(
                name='Denominator',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('source_key', models.CharField(max_length=40)),
                    ('at', models.DateTimeField(help_text='The beginning of the five minutes, UTC.')),
                    ('lang', models.CharField(blank=True, max_length=16)),
                    ('heard', models.PositiveBigIntegerField(default=0)),
                    ('matched', models.PositiveBigIntegerField(default=0)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('source_key', 'at', 'lang'), name='heard_once_per_time')],
                },
            ),
            migrations.CreateModel(
                name='Gone',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('network', models.CharField(max_length=40)),
                    ('external_id', models.CharField(max_length=500)),
                    ('edited_at', models.DateTimeField(help_text='Of the version; null: deleted.', null=True)),
                    ('until', models.DateTimeField(help_text='When it may be forgotten.')),
                ],
                options={
                    'indexes': [models.Index(fields=['until'], name='gone_until')],
                    'constraints': [models.UniqueConstraint(fields=('network', 'external_id'), name='gone_once')],
                },
            ),
            migrations.CreateModel(
                name='MentionAct',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('what', models.CharField(help_text='seen, spam or mute', max_length=8)),
                    ('number', models.PositiveIntegerField(help_text='Of mentions that somebody chose.')),
                    ('before', models.JSONField(default=dict)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('actor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['actor', '-id'], name='mention_act_of_actor')],
                },
            ),
            migrations.CreateModel(
                name='Mute',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('author', 'Author'), ('word', 'Word or phrase'), ('site', 'Website')], max_length=8)),
                    ('network', models.CharField(blank=True, help_text='Of an author; empty: on every network.', max_length=40)),
                    ('value', models.CharField(help_text='Normalised: a handle, a word or phrase, a domain.', max_length=200)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='mutes', to='brands.brand')),
                    ('created_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['brand', 'kind', 'value'],
                    'constraints': [models.UniqueConstraint(fields=('brand', 'kind', 'network', 'value'), name='mute_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='PartnerAccount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('network', models.CharField(blank=True, help_text='Empty: on every network.', max_length=40)),
                    ('handle', models.CharField(help_text='Without @, folded.', max_length=200)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='partner_accounts', to='brands.brand')),
                ],
                options={
                    'ordering': ['brand', 'handle'],
                    'constraints': [models.UniqueConstraint(fields=('brand', 'network', 'handle'), name='partner_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='QueriesChanged',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.BigIntegerField(default=0)),
                ],
            ),
            migrations.CreateModel(
                name='Source',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=20)),
                    ('name', models.CharField(max_length=80)),
                    ('options', models.JSONField(default=dict, help_text="As the kind's form asks: address, tags …")),
                    ('secrets', rapport.lib.crypto.EncryptedJSONField(null=True)),
                    ('state', models.CharField(choices=[('active', 'Listening'), ('paused', 'Paused')], default='active', max_length=8)),
                    ('cursor', models.JSONField(blank=True, db_default={}, default=dict)),
                    ('lease_until', models.DateTimeField(null=True)),
                    ('retry_at', models.DateTimeField(null=True)),
                    ('failures', models.PositiveIntegerField(db_default=0, default=0)),
                    ('last_heard_at', models.DateTimeField(null=True)),
                    ('last_error', models.TextField(blank=True)),
                    ('last_error_at', models.DateTimeField(null=True)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('deleted_at', models.DateTimeField(null=True)),
                ],
                options={
                    'ordering': ['name', 'id'],
                },
            ),
            migrations.CreateModel(
                name='Unheard',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('message_id', models.BigIntegerField()),
                ],
            ),
            migrations.CreateModel(
                name='Post',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('network', models.CharField(max_length=40)),
                    ('external_id', models.CharField(max_length=500)),
                    ('url', models.CharField(blank=True, max_length=1000)),
                    ('title', models.CharField(blank=True, max_length=1000)),
                    ('text', models.TextField()),
                    ('lang', models.CharField(blank=True, max_length=16)),
                    ('author_id_there', models.CharField(blank=True, help_text="The author's id on the network.", max_length=500)),
                    ('author', models.CharField(blank=True, help_text='A handle, without @.', max_length=200)),
                    ('author_name', models.CharField(blank=True, max_length=200)),
                    ('followers', models.BigIntegerField(null=True)),
                    ('verified', models.BooleanField(null=True)),
                    ('is_reply', models.BooleanField(null=True)),
                    ('is_quote', models.BooleanField(null=True)),
                    ('parent_external_id', models.CharField(blank=True, max_length=500)),
                    ('original_external_id', models.CharField(blank=True, help_text='Of a repost: what it repeats.', max_length=500)),
                    ('facts', models.JSONField(default=dict, help_text='What else a query may ask: media, tags, links, mentions …')),
                    ('likes', models.PositiveIntegerField(null=True)),
                    ('reposts', models.PositiveIntegerField(null=True)),
                    ('replies', models.PositiveIntegerField(null=True)),
                    ('sent_at', models.DateTimeField(help_text="By the network's clock; never later than it arrived.")),
                    ('arrived_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('edited_at', models.DateTimeField(null=True)),
                    ('deleted_at', models.DateTimeField(null=True)),
                    ('likeness', models.CharField(blank=True, help_text='Equal for texts that say the same: reposts and near-duplicates.', max_length=40)),
                    ('message', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='heard_as', to='inbox.message')),
                    ('source', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='mentions.source')),
                ],
                options={
                    'indexes': [models.Index(fields=['author', 'network'], name='post_of_author')],
                    'constraints': [models.UniqueConstraint(fields=('network', 'external_id'), name='post_once_per_network')],
                },
            ),
            migrations.CreateModel(
                name='Mention',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('state', models.CharField(choices=[('new', 'New'), ('seen', 'Seen'), ('case', 'Made a case'), ('spam', 'Spam'), ('muted', 'Muted')], default='new', max_length=6)),
                    ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=12), default=list, size=None)),
                    ('relevance', models.PositiveSmallIntegerField(default=0)),
                    ('reach', models.BigIntegerField(default=0, help_text="The author's followers, and those of who repeated it.")),
                    ('mood', models.SmallIntegerField(help_text='-100 to 100; null: not known.', null=True)),
                    ('needs_reply', models.BooleanField(null=True)),
                    ('copies', models.PositiveIntegerField(db_default=0, default=0, help_text='How many are folded into it.')),
                    ('sent_at', models.DateTimeField(help_text="The post's, for lists.")),
                    ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('handled_at', models.DateTimeField(null=True)),
                    ('version', models.PositiveIntegerField(db_default=1, default=1)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='brands.brand')),
                    ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='from_mentions', to='inbox.case')),
                    ('folded_into', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='folded', to='mentions.mention')),
                    ('handled_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('post', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='mentions.post')),
                    ('fold_key', models.CharField(blank=True, db_default='', default='', help_text='Equal for what may be folded: see likeness.py.', max_length=40)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('folded_into__isnull', True)), fields=['brand', 'state', '-sent_at', '-id'], name='mention_list'), models.Index(condition=models.Q(('folded_into__isnull', True)), fields=['brand', 'state', '-relevance', '-sent_at', '-id'], name='mention_by_relevance'), models.Index(condition=models.Q(('folded_into__isnull', True)), fields=['brand', 'state', '-reach', '-sent_at', '-id'], name='mention_by_reach'), models.Index(condition=models.Q(('folded_into__isnull', True), models.Q(('fold_key', ''), _negated=True)), fields=['fold_key', 'sent_at'], name='mention_first_alike'), models.Index(condition=models.Q(('fold_key', ''), _negated=True), fields=['fold_key'], name='mention_all_alike')],
                    'constraints': [models.UniqueConstraint(fields=('brand', 'post'), name='mention_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='Query',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=80)),
                    ('kind', models.CharField(choices=[('brand', 'Our brand'), ('competitor', 'A competitor'), ('topic', 'A topic')], default='brand', max_length=12)),
                    ('state', models.CharField(choices=[('active', 'Listening'), ('paused', 'Paused')], default='active', max_length=8)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('deleted_at', models.DateTimeField(null=True)),
                    ('backfill', models.JSONField(blank=True, db_default={}, default=dict)),
                    ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='listening_queries', to='brands.brand')),
                    ('created_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('version', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mentions.queryversion')),
                ],
                options={
                    'ordering': ['brand', 'name', 'id'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('brand', 'name'), name='query_name_once_per_brand')],
                },
            ),
            migrations.CreateModel(
                name='Alert',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(default='volume', help_text='volume or mood', max_length=8)),
                    ('began_at', models.DateTimeField(help_text="The beginning of what is unusual, by the network's clock.")),
                    ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('seen', models.PositiveIntegerField(help_text='Mentions so far.')),
                    ('expected', models.FloatField(help_text='What is normal for these hours.')),
                    ('about', models.JSONField(default=dict)),
                    ('acknowledged_at', models.DateTimeField(null=True)),
                    ('muted_until', models.DateTimeField(null=True)),
                    ('incident', models.CharField(blank=True, help_text='A link to where it is dealt with.', max_length=1000)),
                    ('verdict', models.CharField(blank=True, choices=[('right', 'It was right'), ('noise', 'It was noise')], max_length=8)),
                    ('told', models.JSONField(default=dict, help_text='How it was told: {way: time}.')),
                    ('acknowledged_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='brands.brand')),
                    ('verdict_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('query', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='mentions.query')),
                ],
                options={
                    'indexes': [models.Index(fields=['brand', '-began_at', '-id'], name='alert_list')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('brand', 'query', 'kind'), name='alert_once_per_event', nulls_distinct=False)],
                },
            ),
            migrations.CreateModel(
                name='QueryExample',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.TextField()),
                    ('must_match', models.BooleanField()),
                    ('post', models.JSONField(default=dict, help_text='What else is known of it: author, lang, network …')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('created_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('query', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='examples', to='mentions.query')),
                ],
                options={
                    'ordering': ['query', 'id'],
                },
            ),
            migrations.CreateModel(
                name='QueryVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveIntegerField(help_text='1, 2, 3 …')),
                    ('text', models.TextField(help_text='As it was written, options included.')),
                    ('canonical', models.TextField(help_text='The same, written by show().')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('created_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('query', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='mentions.query')),
                ],
                options={
                    'ordering': ['query', '-number'],
                    'constraints': [models.UniqueConstraint(fields=('query', 'number'), name='version_once_per_query')],
                },
            ),
            migrations.CreateModel(
                name='Match',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('why', models.JSONField(default=list)),
                    ('sent_at', models.DateTimeField(help_text="The post's, for counting.")),
                    ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('mention', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='matches', to='mentions.mention')),
                    ('query', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mentions.query')),
                    ('version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mentions.queryversion')),
                ],
                options={
                    'indexes': [models.Index(fields=['query', '-sent_at', 'mention'], name='match_of_query')],
                    'constraints': [models.UniqueConstraint(fields=('mention', 'query'), name='match_once_per_query')],
                },
            ),
        ]),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
