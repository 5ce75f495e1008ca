"""What people are told. Triggers mark what happened, as search's do (inbox): no writer can forget it.

Old words that come with a channel's past or a file are no news to anybody.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables

FORWARD = """
CREATE FUNCTION notices_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'inbox_caseevent' THEN
        INSERT INTO notices_happening (event_id)
        SELECT id FROM added WHERE kind IN ('assigned', 'woke', 'noted');
    ELSIF TG_TABLE_NAME = 'inbox_message' THEN
        INSERT INTO notices_happening (message_id)
        SELECT id FROM added
        WHERE NOT own AND NOT from_brand AND NOT automatic AND NOT context AND sent_at > now() - interval '7 days';
    ELSE
        INSERT INTO notices_happening (mention_id) SELECT id FROM added;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION notices_mark_reply() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notices_happening (outgoing_id) VALUES (NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER notices_mark AFTER INSERT ON inbox_caseevent
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION notices_mark();
CREATE TRIGGER notices_mark AFTER INSERT ON inbox_message
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION notices_mark();
CREATE TRIGGER notices_mark AFTER INSERT ON inbox_mention
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION notices_mark();
CREATE TRIGGER notices_mark AFTER UPDATE OF state ON outbox_outgoing
    FOR EACH ROW WHEN (NEW.state IN ('failed', 'held') AND NEW.state IS DISTINCT FROM OLD.state)
    EXECUTE FUNCTION notices_mark_reply();
"""
BACKWARD = """
DROP TRIGGER notices_mark ON inbox_caseevent;
DROP TRIGGER notices_mark ON inbox_message;
DROP TRIGGER notices_mark ON inbox_mention;
DROP TRIGGER notices_mark ON outbox_outgoing;
DROP FUNCTION notices_mark();
DROP FUNCTION notices_mark_reply();
"""


class Migration(migrations.Migration):

    replaces = [
        ('notices', '0001_initial'),
        ('notices', '0002_alerts_of_queries'),
    ]

    initial = True

    dependencies = [
        ('brands', '0100_beginning'),
        ('inbox', '0100_beginning'),
        ('outbox', '0100_beginning'),
        ('staff', '0100_beginning'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Choice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('assigned', 'A case is given to me'), ('team', 'A case is given to my team'), ('named', 'Somebody names me in a note'), ('answered', 'The customer writes in a case of mine'), ('followed', 'The customer writes in a case that I follow'), ('noted', 'A colleague writes a note in a case that I follow'), ('failed', 'A reply of mine could not be sent'), ('held', 'A reply of mine is held back'), ('woke', 'The snooze of a case of mine is over'), ('taken', 'A case of mine is taken over or handed to somebody else'), ('alert', 'A listening query finds far more than usual, for leads')], max_length=10)),
                    ('desk', models.BooleanField()),
                    ('push', models.BooleanField()),
                    ('mail', models.BooleanField()),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'kind'), name='notice_choice_once')],
                },
            ),
            migrations.CreateModel(
                name='Device',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('endpoint', models.TextField()),
                    ('endpoint_sha256', models.CharField(max_length=64, unique=True)),
                    ('p256dh', models.CharField(max_length=100)),
                    ('auth', models.CharField(max_length=40)),
                    ('agent', models.CharField(blank=True, max_length=300)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('told_at', models.DateTimeField(null=True)),
                    ('error', models.CharField(blank=True, default='', max_length=300)),
                    ('session', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='staff.session')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='devices', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-created_at', '-id'],
                },
            ),
            migrations.CreateModel(
                name='Happening',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('event_id', models.BigIntegerField(null=True)),
                    ('message_id', models.BigIntegerField(null=True)),
                    ('mention_id', models.BigIntegerField(null=True)),
                    ('outgoing_id', models.BigIntegerField(null=True)),
                ],
            ),
            migrations.CreateModel(
                name='Notice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('assigned', 'A case is given to me'), ('team', 'A case is given to my team'), ('named', 'Somebody names me in a note'), ('answered', 'The customer writes in a case of mine'), ('followed', 'The customer writes in a case that I follow'), ('noted', 'A colleague writes a note in a case that I follow'), ('failed', 'A reply of mine could not be sent'), ('held', 'A reply of mine is held back'), ('woke', 'The snooze of a case of mine is over'), ('taken', 'A case of mine is taken over or handed to somebody else'), ('alert', 'A listening query finds far more than usual, for leads')], max_length=10)),
                    ('key', models.CharField(max_length=60)),
                    ('data', models.JSONField(default=dict, help_text='Ids of what it speaks of: message, note, to.')),
                    ('at', models.DateTimeField()),
                    ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('read_at', models.DateTimeField(null=True)),
                    ('in_desk', models.BooleanField(default=True)),
                    ('push_at', models.DateTimeField(null=True)),
                    ('mail_at', models.DateTimeField(null=True)),
                    ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='brands.brand')),
                    ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inbox.case')),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['user', 'case'], name='notice_of_case'), models.Index(models.F('user'), models.OrderBy(models.F('made_at'), descending=True), condition=models.Q(('in_desk', True)), name='notice_newest'), models.Index(condition=models.Q(('in_desk', True), ('read_at', None)), fields=['user', 'case'], name='notice_unread'), models.Index(condition=models.Q(('push_at__isnull', False)), fields=['push_at'], name='notice_push_due'), models.Index(condition=models.Q(('mail_at__isnull', False)), fields=['mail_at'], name='notice_mail_due'), models.Index(fields=['made_at'], name='notice_age')],
                    'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='notice_once')],
                },
            ),
            migrations.CreateModel(
                name='Preferences',
                fields=[
                    ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='notice_preferences', serialize=False, to=settings.AUTH_USER_MODEL)),
                    ('quiet', models.JSONField(default=dict)),
                    ('urgent_through', models.BooleanField(default=True)),
                    ('words', models.BooleanField(default=False, help_text='Pushes and e-mails may carry what customers and colleagues wrote.')),
                    ('mail_after', models.PositiveSmallIntegerField(default=15, help_text='Minutes.')),
                    ('mail_stopped', models.BooleanField(default=False)),
                ],
            ),
        ]),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
