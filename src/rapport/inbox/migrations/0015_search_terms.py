"""Search by terms of our own (``lib/terms.py``), which Python makes, instead of a function in the database.

What is in the index is dropped and everything is wanted anew, the newest messages first: the job
``read_words`` fills it while the desk works, and until it has, a search says that it saw only a part.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

FORWARD = r"""
TRUNCATE inbox_messagewords, inbox_identitywords;
DROP TRIGGER words_changed ON contacts_identity;
DROP TRIGGER words_changed ON inbox_message;
DROP FUNCTION inbox_want_words_again();
DROP FUNCTION rapport_search_words(text);

CREATE FUNCTION inbox_want_words_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'inbox_message' THEN
        INSERT INTO inbox_wordswanted (message_id) VALUES (NEW.id);
    ELSIF TG_TABLE_NAME = 'contacts_identity' THEN
        INSERT INTO inbox_wordswanted (identity_id) VALUES (NEW.id);
    ELSIF TG_TABLE_NAME = 'contacts_contact' THEN
        INSERT INTO inbox_wordswanted (identity_id) SELECT id FROM contacts_identity WHERE contact_id = NEW.id;
    ELSE
        INSERT INTO inbox_wordswanted (note_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER words_changed AFTER UPDATE OF text, media ON inbox_message
    FOR EACH ROW WHEN ((OLD.text, OLD.media) IS DISTINCT FROM (NEW.text, NEW.media))
    EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF handle, name, contact_id ON contacts_identity
    FOR EACH ROW WHEN ((OLD.handle, OLD.name, OLD.contact_id) IS DISTINCT FROM (NEW.handle, NEW.name, NEW.contact_id))
    EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF name ON contacts_contact
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_wanted AFTER INSERT ON inbox_note
    FOR EACH ROW EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF text ON inbox_note
    FOR EACH ROW WHEN (OLD.text IS DISTINCT FROM NEW.text) EXECUTE FUNCTION inbox_want_words_again();

TRUNCATE inbox_wordswanted;
INSERT INTO inbox_wordswanted (identity_id) SELECT id FROM contacts_identity ORDER BY id DESC;
INSERT INTO inbox_wordswanted (note_id) SELECT id FROM inbox_note ORDER BY id DESC;
INSERT INTO inbox_wordswanted (message_id) SELECT id FROM inbox_message ORDER BY id DESC;
"""


class Migration(migrations.Migration):

    dependencies = [
        ("contacts", "0002_longer_ids"),
        ("inbox", "0014_casework"),
    ]

    operations = [
        migrations.RemoveField(model_name="messagewords", name="brand"),
        migrations.AddField(model_name="wordswanted", name="note_id", field=models.BigIntegerField(null=True)),
        migrations.CreateModel(
            name="KnownWord",
            fields=[
                ("word", models.CharField(db_collation="C", max_length=40, primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name="NoteWords",
            fields=[
                ("note", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="words", serialize=False, to="inbox.note")),
                ("words", django.contrib.postgres.search.SearchVectorField()),
            ],
            options={
                "indexes": [django.contrib.postgres.indexes.GinIndex(fields=["words"], name="words_of_notes")],
            },
        ),
        migrations.RunSQL(FORWARD, elidable=False),
    ]
