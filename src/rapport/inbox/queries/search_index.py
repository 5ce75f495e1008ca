"""Asking the index of terms: a search as a text search query, and its texts newest first, a stretch at a time.

The index answers "which rows have this term and lie in this block" in time that depends on the block, not on
how often the term occurs; but each further block that is asked for makes every row dearer. So PostgreSQL's own
estimate of how many rows fit says how long the first stretch is: a block or a few for a word that is everywhere,
some regions for one that is frequent, and all there is for one that is not. Each further stretch is four times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from django.db import connection

from rapport.inbox.queries.search_parse import Words
from rapport.inbox.words import BLOCK, REGION, SOURCES, Source, block_term, read, region_term
from rapport.lib import terms
from rapport.lib.pg import array

# Texts looked at in one step, and ids that a statement brings for several.
STEP_LIMIT = 1000
_FETCHED: Final = 2000
# Texts not read yet that a search looks through; a long import may leave more.
UNREAD_LIMIT = 1000
# Words that the beginning of one may stand for.
ENDINGS = 64
# Of blocks or regions in one stretch. So few rows are brought by looking for the terms alone; of a time that is
# narrowed to, which the newest blocks may have nothing of, more.
_MOST_UNITS: Final = 8
_FEW_ROWS: Final = 20_000
_FEW_OF_A_TIME: Final = 60_000
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
_GUESS = "EXPLAIN (FORMAT JSON) SELECT FROM {table} WHERE words @@ %(query)s::tsquery"
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


def newest_first(
    source: Source, query: str, *, but: set[int], of_a_time: bool = False
) -> Iterator[list[int]]:
    """The rows of a source that fit ``query``, in steps of at most ``STEP_LIMIT``, without the ones of ``but``.
    ``of_a_time``: it is narrowed to one.

    Whoever has enough stops asking; there is one statement for each stretch, and one for each 2,000 rows of it.
    """
    with connection.cursor() as cursor:
        cursor.execute(source.sql(_NEWEST))
        row = cursor.fetchone()
        below = row[0] + 1 if row else 0
        # In ids: where, if they lay evenly, twice a step of them would be.
        fitting = _estimate(source, query) if below > BLOCK else 0
        few = _FEW_OF_A_TIME if of_a_time else _FEW_ROWS
        length = below if fitting <= few else max(below * 2 * STEP_LIMIT // fitting, 1)
        while below > 0:
            lowest, stretch = _stretch(below, length)
            parts = [query, stretch] if stretch else [query]
            fetched = max(_FETCHED, STEP_LIMIT)
            cursor.execute(source.sql(_STEP), {"query": " & ".join(parts), "below": below, "limit": fetched})
            ids = [row[0] for row in cursor.fetchall()]
            if len(ids) >= fetched:
                below = ids[-1]
            else:
                below, length = lowest, length * 4
            for start in range(0, len(ids), STEP_LIMIT):
                yield [row_id for row_id in ids[start : start + STEP_LIMIT] if row_id not in but]


def _stretch(below: int, length: int) -> tuple[int, str]:
    """The least id of a stretch of at least so many ids, and the query for it, "" for all there is."""
    for unit, term in ((BLOCK, block_term), (REGION, region_term)):
        first, last = max(below - length, 0) // unit, (below - 1) // unit
        if first > 0 and last - first < _MOST_UNITS:
            return first * unit, any_of(term(number * unit) for number in range(first, last + 1))
    return 0, ""


def _estimate(source: Source, query: str) -> int:
    """How many rows fit ``query``, as PostgreSQL guesses from its statistics of terms."""
    with connection.cursor() as cursor:
        cursor.execute(source.sql(_GUESS), {"query": query})
        (plan,) = cursor.fetchone()
    return int(plan[0]["Plan"]["Plan Rows"])
