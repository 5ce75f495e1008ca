"""Words of a text for search, and contacts found by name and handle.

``rapport_search_words`` puts spaces around every character of the scripts that are written without
spaces, and turns punctuation into spaces, because PostgreSQL's parser would take ``a/b`` for a file
and ``foo.bar`` for a host. Ranges: Thai and Lao, Myanmar, Khmer, CJK radicals to kana and bopomofo,
ideographs, compatibility ideographs, half-width kana, ideographs of the second and third plane.
It calls only built-in functions by their full names, so that a restore can build the indexes.
"""

from django.db import migrations

FORWARD = r"""
CREATE FUNCTION rapport_search_words(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_replace(
        pg_catalog.translate(words,
            './\-:@_#&+%?=~*|<>()[]{}!;,"''¿¡«»‹›„‚‘’“”…–—·•。，、！？：；「」『』（）【】《》・',
            pg_catalog.repeat(' ', 64)),
        '([\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2E80-\u2FDF\u3005-\u30FF\u3105-\u312F\u31F0-\u31FF'
        '\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\uFF66-\uFF9F\U00020000-\U0003FFFF])', ' \1 ', 'g')
$$;
CREATE INDEX identity_words ON contacts_identity
    USING gin (to_tsvector('simple', rapport_search_words(handle || ' ' || name)));
CREATE INDEX contact_words ON contacts_contact
    USING gin (to_tsvector('simple', rapport_search_words(name)));
"""
BACKWARD = """
DROP INDEX contact_words;
DROP INDEX identity_words;
DROP FUNCTION rapport_search_words(text);
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
