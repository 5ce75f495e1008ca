"""What search reads, and the triggers that tell it what to read.

``rapport_search_words`` puts spaces around every character of the scripts that are written without
spaces, and turns punctuation into spaces, because PostgreSQL's parser would take ``a/b`` for a file
and ``foo.bar`` for a host. Ranges: Thai and Lao, Myanmar, Khmer, CJK radicals to kana and bopomofo,
ideographs, compatibility ideographs, half-width kana, ideographs of the second and third plane.
Only the first 50,000 characters are read: a text search vector may hold a megabyte.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

FORWARD = r"""
CREATE OR REPLACE FUNCTION rapport_search_words(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN pg_catalog.octet_length(words) = pg_catalog.char_length(words) THEN words
    ELSE pg_catalog.regexp_replace(
        words,
        '([\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2E80-\u2FDF\u3005-\u30FF\u3105-\u312F\u31F0-\u31FF'
        '\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\uFF66-\uFF9F\U00020000-\U0003FFFF])', ' \1 ', 'g')
    END
    FROM (SELECT pg_catalog.translate(
        pg_catalog.left(words, 50000),
        './\-:@_#&+%?=~*|<>()[]{}!;,"''¿¡«»‹›„‚‘’“”…–—·•。，、！？：；「」『』（）【】《》・',
        pg_catalog.repeat(' ', 64))) AS plain(words)
$$;

CREATE FUNCTION inbox_want_message_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox_wordswanted (message_id) SELECT id FROM added;
    RETURN NULL;
END $$;
CREATE FUNCTION inbox_want_identity_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox_wordswanted (identity_id) SELECT id FROM added;
    RETURN NULL;
END $$;
CREATE FUNCTION inbox_want_words_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'inbox_message' THEN
        INSERT INTO inbox_wordswanted (message_id) VALUES (NEW.id);
    ELSE
        INSERT INTO inbox_wordswanted (identity_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER words_wanted AFTER INSERT ON inbox_message
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION inbox_want_message_words();
CREATE TRIGGER words_wanted AFTER INSERT ON contacts_identity
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION inbox_want_identity_words();
CREATE TRIGGER words_changed AFTER UPDATE OF text ON inbox_message
    FOR EACH ROW WHEN (OLD.text IS DISTINCT FROM NEW.text) EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF handle, name ON contacts_identity
    FOR EACH ROW WHEN ((OLD.handle, OLD.name) IS DISTINCT FROM (NEW.handle, NEW.name))
    EXECUTE FUNCTION inbox_want_words_again();

INSERT INTO inbox_wordswanted (identity_id) SELECT id FROM contacts_identity;
INSERT INTO inbox_wordswanted (message_id) SELECT id FROM inbox_message;
"""
BACKWARD = """
DROP TRIGGER words_changed ON contacts_identity;
DROP TRIGGER words_wanted ON contacts_identity;
DROP TRIGGER words_changed ON inbox_message;
DROP TRIGGER words_wanted ON inbox_message;
DROP FUNCTION inbox_want_words_again();
DROP FUNCTION inbox_want_identity_words();
DROP FUNCTION inbox_want_message_words();
DROP FUNCTION rapport_search_words(text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('brands', '0001_initial'),
        ('contacts', '0001_initial'),
        ('inbox', '0004_tag_without_case'),
    ]

    operations = [
        migrations.CreateModel(
            name='WordsWanted',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message_id', models.BigIntegerField(null=True)),
                ('identity_id', models.BigIntegerField(null=True)),
            ],
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
            name='MessageWords',
            fields=[
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='inbox.message')),
                ('words', django.contrib.postgres.search.SearchVectorField()),
                ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='brands.brand')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['words'], name='words_of_messages')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
