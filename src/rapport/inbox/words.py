"""Reading messages and names for search, behind the ingest.

Cutting a text into words and putting them into an index costs several times what storing it costs.
So writers only leave a note of what is new (by trigger), and this catches up in large batches. Until
then search looks at the noted texts themselves: see ``queries/search.py``.
"""

from __future__ import annotations

from django.db import connection, transaction

# One reader at a time: two could store an older and a newer wording in the wrong order.
_LOCK = (0x52_57, 1)

_READ = """
WITH taken AS MATERIALIZED (
    DELETE FROM inbox_wordswanted
    WHERE id IN (SELECT id FROM inbox_wordswanted ORDER BY id LIMIT %(limit)s)
    RETURNING message_id, identity_id
), said AS (
    INSERT INTO inbox_messagewords (message_id, brand_id, words)
    SELECT m.id, m.brand_id, to_tsvector('simple', rapport_search_words(m.text))
    FROM inbox_message m WHERE m.id IN (SELECT message_id FROM taken)
    ON CONFLICT (message_id) DO UPDATE SET words = excluded.words
), named AS (
    INSERT INTO inbox_identitywords (identity_id, words)
    SELECT i.id, to_tsvector('simple', rapport_search_words(i.handle || ' ' || i.name))
    FROM contacts_identity i WHERE i.id IN (SELECT identity_id FROM taken)
    ON CONFLICT (identity_id) DO UPDATE SET words = excluded.words
)
SELECT count(*) FROM taken
"""


def read_words(*, limit: int = 5000) -> int:
    """Read up to ``limit`` texts, oldest first; returns how many, 0 also while another reads."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_READ, {"limit": limit})
        return int(cursor.fetchone()[0])


def catch_up(*, batches: int = 20) -> int:
    """Read until nothing is left, or for so many batches; returns how many texts."""
    total = 0
    for _batch in range(batches):
        read = read_words()
        total += read
        if not read:
            break
    return total
