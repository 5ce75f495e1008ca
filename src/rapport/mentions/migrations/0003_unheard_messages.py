"""What channels hear is noted for listening, as it is for search (inbox 0005): no writer can forget it.

Private messages and the brands' own are never mentions. While nobody listens nothing is noted; a query that is saved
looks back by itself.
"""

from django.db import migrations, models

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

    dependencies = [
        ('inbox', '0019_regions_of_terms'),
        ('mentions', '0002_acts_and_orders'),
    ]

    operations = [
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
        migrations.AddField(
            model_name='mention',
            name='fold_key',
            field=models.CharField(
                blank=True, db_default='', default='', help_text='Equal for what may be folded: see likeness.py.',
                max_length=40,
            ),
        ),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(
                condition=models.Q(('folded_into__isnull', True), models.Q(('fold_key', ''), _negated=True)),
                fields=['brand', 'fold_key', 'sent_at'],
                name='mention_heads',
            ),
        ),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(
                condition=models.Q(('fold_key', ''), _negated=True),
                fields=['brand', 'fold_key'],
                name='mention_alike',
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
