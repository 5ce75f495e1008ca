"""Reading messages, notes and names for search, behind the ingest.

Cutting a text into terms and putting them into an index costs several times what storing it costs.
So writers only leave a note of what is new (by trigger), and this catches up in large batches. Until
then search looks at the noted texts themselves: see ``queries/search.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from rapport.lib import terms
from rapport.lib.normalise import normalise
from rapport.lib.pg import array

# One reader at a time: two could store an older and a newer wording in the wrong order.
_LOCK = (0x52_57, 1)
# Rows lie in blocks of so many by id, and blocks in regions; each row's terms name both. A search takes the newest
# first, so that a word that is everywhere costs no more than a rare one.
BLOCK = 1 << 14
REGION = BLOCK << 4
FIRST_YEAR, LAST_YEAR = 1990, 2099


def block_term(row_id: int) -> str:
    """The term of the block that a row lies in."""
    return f"k:{row_id // BLOCK}"


def region_term(row_id: int) -> str:
    """The term of the region that a row lies in."""
    return f"kk:{row_id // REGION}"


def month_term(moment: datetime) -> str:
    """The term of a time's month (UTC); years before 1990 and after 2099 are taken for those."""
    return f"d:{min(max(moment.year, FIRST_YEAR), LAST_YEAR)}{moment.month:02}"


@dataclass(frozen=True)
class Source:
    """One kind of text that is searched: ``table`` holds the terms under ``key``, and ``index`` finds them.
    ``texts`` reads of the rows ``ids``: id, the parts of the text, media, channel, time in UTC."""

    table: str
    key: str
    index: str
    texts: str

    def sql(self, statement: str) -> str:
        """A statement about any of the tables, made one about this."""
        return statement.replace("{table}", self.table).replace("{key}", self.key)


MESSAGES = Source(
    "inbox_messagewords",
    "message_id",
    "words_of_messages",
    "SELECT m.id, ARRAY[m.text, coalesce(m.facts->>'subject', '')], m.media, m.channel_id, m.sent_at AT TIME ZONE 'UTC' "
    "FROM inbox_message m WHERE m.id = ANY(%(ids)s)",
)
IDENTITIES = Source(
    "inbox_identitywords",
    "identity_id",
    "words_of_identities",
    "SELECT i.id, ARRAY[i.handle, i.name, c.name], NULL::jsonb, NULL::bigint, NULL::timestamp "
    "FROM contacts_identity i JOIN contacts_contact c ON c.id = i.contact_id WHERE i.id = ANY(%(ids)s)",
)
NOTES = Source(
    "inbox_notewords",
    "note_id",
    "words_of_notes",
    "SELECT n.id, ARRAY[n.text], NULL::jsonb, NULL::bigint, n.created_at AT TIME ZONE 'UTC' "
    "FROM inbox_note n WHERE n.id = ANY(%(ids)s)",
)
SOURCES = (MESSAGES, IDENTITIES, NOTES)
_STORE = """
    INSERT INTO {table} ({key}, words)
    SELECT id, vector::tsvector FROM unnest(%(ids)s::bigint[], %(vectors)s::text[]) AS t(id, vector) ORDER BY id
    ON CONFLICT ({key}) DO UPDATE SET words = excluded.words
"""


@dataclass(frozen=True)
class Read:
    """The terms of some texts: their ids, their vectors as literals, and the words that may be typed by
    their beginning."""

    ids: list[int]
    vectors: list[str]
    words: set[str]


def read(source: Source, ids: Sequence[int]) -> Read:
    """The terms of these rows as they are now."""
    found = Read([], [], set())
    if not ids:
        return found
    with connection.cursor() as cursor:
        cursor.execute(source.texts, {"ids": list(ids)})
        for row_id, texts, kept, channel_id, at in cursor.fetchall():
            media = json.loads(kept) if kept else []
            parts = [text for text in (*texts, *_alt_texts(media)) if text]
            found.ids.append(row_id)
            found.vectors.append(terms.vector(parts, _facts(row_id, media, channel_id, at)))
            for part in parts:
                found.words.update(filter(terms.may_go_on, normalise(part).split()))
                found.words.update(tag for tag in terms.tags(part) if len(tag) <= terms.LONGEST_BEGUN)
    return found


def _alt_texts(media: Iterable[Mapping[str, Any]]) -> list[str]:
    return [alt for one in media if isinstance(alt := one.get("alt"), str)]


def _facts(
    row_id: int, media: Iterable[Mapping[str, Any]], channel_id: int | None, at: datetime | None
) -> set[str]:
    facts = {block_term(row_id), region_term(row_id)}
    if at is not None:
        facts.add(month_term(at))
    if channel_id is not None:
        facts.add(f"c:{channel_id}")
    return facts | {"h:image" if one.get("kind") == "image" else "h:file" for one in media}


def read_words(*, limit: int = 5000) -> int:
    """Read up to ``limit`` texts, oldest request first; returns how many, 0 also while another reads."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        if not cursor.fetchone()[0]:
            return 0
        # What is edited after this and before its text is read leaves another note, and is read again.
        cursor.execute(
            "DELETE FROM inbox_wordswanted WHERE id IN (SELECT id FROM inbox_wordswanted ORDER BY id LIMIT %s) "
            "RETURNING message_id, identity_id, note_id",
            [limit],
        )
        taken = cursor.fetchall()
        for place, source in enumerate(SOURCES):
            _store(source, sorted({row[place] for row in taken} - {None}))
    return len(taken)


def _store(source: Source, ids: Sequence[int]) -> None:
    found = read(source, ids)
    if not found.ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(source.sql(_STORE), {"ids": array(found.ids), "vectors": array(found.vectors)})
        cursor.execute(
            "INSERT INTO inbox_knownword (word) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            [array(sorted(found.words))],
        )


def catch_up(*, batches: int = 20) -> int:
    """Read until nothing is left, or for so many batches; returns how many texts."""
    total = 0
    for _batch in range(batches):
        taken = read_words()
        total += taken
        if not taken:
            break
    if total:
        _settle()
    return total


def _settle() -> None:
    """Sort what was read into the indexes, where every search would else go through it entry by entry."""
    with connection.cursor() as cursor:
        for source in SOURCES:
            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [source.index])
