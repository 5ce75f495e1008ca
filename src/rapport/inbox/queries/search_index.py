"""Asking the index of terms: a search as a text search query, and its texts newest first, block by block.

The index answers "which rows have this term and lie in this block" in time that depends on the block, not on
how often the term occurs. So the newest few blocks are asked first, then four times as many below them, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db import connection

from rapport.inbox.queries.search_parse import Words
from rapport.inbox.words import BLOCK, SOURCES, Source, read
from rapport.lib import terms
from rapport.lib.pg import array

# Texts looked at in one step.
STEP_LIMIT = 1200
# Texts not read yet that a search looks through; a long import may leave more.
UNREAD_LIMIT = 1000
# Words that the beginning of one may stand for.
ENDINGS = 64
_FIRST_BLOCKS, _MOST_BLOCKS = 4, 64
_LAST_CHARACTER = "\U0010ffff"
Endings = Mapping[str, Sequence[str]]

_ENDINGS = """
    SELECT p.begun, array(
        SELECT k.word FROM inbox_knownword k
        WHERE k.word >= p.begun AND k.word < p.begun || %(last)s ORDER BY length(k.word), k.word LIMIT %(limit)s
    ) FROM unnest(%(begun)s::text[]) AS p(begun)
"""
_NEWEST = "SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1"
# The sum keeps the planner from walking the primary key, along which most rows do not fit.
_STEP = """
    WITH fitting AS MATERIALIZED (
        SELECT {key} AS id FROM {table} WHERE words @@ %(query)s::tsquery AND {key} + 0 < %(below)s
    )
    SELECT id FROM fitting ORDER BY id DESC LIMIT %(limit)s
"""
_FITTING = """
    SELECT id FROM unnest(%(ids)s::bigint[], %(vectors)s::text[]) AS t(id, vector)
    WHERE vector::tsvector @@ %(query)s::tsquery ORDER BY id DESC
"""
_UNREAD = "SELECT message_id, identity_id, note_id FROM inbox_wordswanted ORDER BY id DESC LIMIT %s"


def endings(wanted: Iterable[Words]) -> Endings:
    """The words in use that begin as the ones that go on do, the shortest first, at most ``ENDINGS`` of each."""
    begun = sorted({one.terms[-1] for one in wanted if one.goes_on})
    if not begun:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ENDINGS, {"begun": array(begun), "last": _LAST_CHARACTER, "limit": ENDINGS})
        return dict(cursor.fetchall())


def tsquery(
    wanted: Iterable[Words], excluded: Iterable[Words], facts: Iterable[str], known: Endings | None
) -> str:
    """A search of one text: every ``wanted``, no ``excluded``, every fact. ``known``: what beginnings stand for
    in the index; None to ask a vector, where a beginning costs nothing."""
    parts = [_one(words, known) for words in wanted]
    parts += [f"!{_one(words, known)}" for words in excluded]
    return " & ".join([*parts, *facts])


def any_of(facts: Iterable[str]) -> str:
    """A text search query for texts with any of these facts; of none, one that finds nothing."""
    return f"({' | '.join(map(terms.quoted, facts)) or terms.quoted('nothing:')})"


def _one(words: Words, known: Endings | None) -> str:
    if not words.goes_on:
        return terms.phrase(words.terms)
    *before, last = words.terms
    if known is None:
        ends = f"{terms.quoted(last)}:*"
    else:
        ends = f"({' | '.join(map(terms.quoted, {last, *known.get(last, ())}))})"
    return f"({' <-> '.join([*map(terms.quoted, before), ends])})"


class Unread:
    """The newest texts that are not read yet, by source. ``cut``: there are more."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_UNREAD, [UNREAD_LIMIT])
            rows = cursor.fetchall()
        self.cut = len(rows) >= UNREAD_LIMIT
        self.ids: dict[Source, set[int]] = {
            source: {row[place] for row in rows} - {None} for place, source in enumerate(SOURCES)
        }

    def fitting(self, source: Source, query: str) -> list[int]:
        """Those that fit ``query``, newest first."""
        found = read(source, sorted(self.ids[source]))
        if not found.ids:
            return []
        with connection.cursor() as cursor:
            cursor.execute(
                _FITTING, {"ids": array(found.ids), "vectors": array(found.vectors), "query": query}
            )
            return [row[0] for row in cursor.fetchall()]


def newest_first(source: Source, query: str, *, but: set[int]) -> Iterator[list[int]]:
    """The rows of a source that fit ``query``, in steps of at most ``STEP_LIMIT``, without the ones of ``but``.

    A step is one statement; there are as many as there are powers of four in the number of blocks, and one
    for each ``STEP_LIMIT`` rows. Whoever has enough stops asking.
    """
    with connection.cursor() as cursor:
        cursor.execute(source.sql(_NEWEST))
        row = cursor.fetchone()
    below, blocks = (row[0] + 1 if row else 0), _FIRST_BLOCKS
    while below > 0:
        span = query
        lowest = 0
        if blocks <= _MOST_BLOCKS:
            top = (below - 1) // BLOCK
            lowest = max(top - blocks + 1, 0) * BLOCK
            span += f" & {any_of(f'k:{number}' for number in range(lowest // BLOCK, top + 1))}"
        with connection.cursor() as cursor:
            cursor.execute(source.sql(_STEP), {"query": span, "below": below, "limit": STEP_LIMIT})
            ids = [row[0] for row in cursor.fetchall()]
        if len(ids) >= STEP_LIMIT:
            below = ids[-1]
        else:
            below, blocks = lowest, blocks * 4
        yield [row_id for row_id in ids if row_id not in but]
