"""The texts of a source that fit a search, newest first, in time that depends on how many are wanted.

Rows name their block and their region in the index (``inbox/words.py``), so the newest blocks are asked one by one
until there are enough rows, then whole regions, then what is left at once. PostgreSQL's statistics of terms say which
words to ask the index for: the rarest and those not much more frequent; what is everywhere is cheaper looked up in
the rows. A word that they do not know may have few rows, so these are asked for first. Whatever they say, every row
comes once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from rapport.inbox.queries.search_terms import Asked, Key
from rapport.inbox.words import BLOCK, MESSAGES, NOTES, REGION, Source, block_term, region_term
from rapport.lib import terms
from rapport.lib.pg import array

# Texts of one step.
STEP_LIMIT = 300
# The most that one statement fetches for several; in a walk each fetches twice as many as the one before.
_FETCHED: Final = 1200
# Of a word that so few rows have, all are looked at.
_FEW: Final = 500
# So many blocks and then regions are asked one by one; of words that have to be collected first, so many together.
_BLOCKS: Final = 40
_REGIONS: Final = 64
_TOGETHER: Final = 8
# The index is asked for so many words, and for none so many times as frequent as the rarest.
_KEYS: Final = 4
_FREQUENT: Final = 16
# Where rows of a source have their time; a walk over a time begins and ends near it.
_TIMES: Final = {MESSAGES: ("inbox_message", "sent_at"), NOTES: ("inbox_note", "created_at")}

_TOP = "SELECT coalesce((SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1), 0)"
# As parts that are computed apart, so that none is guessed for one of several workers.
_GUESS = "EXPLAIN (FORMAT JSON) WITH {parts} SELECT FROM {all}"
_GUESSED = "{name} AS MATERIALIZED (SELECT FROM {table} WHERE words @@ %({name})s::tsquery)"
# Any rows with the rarest word, and which of them fit, unless there are many.
_FEWEST = """
    WITH one AS MATERIALIZED (
        SELECT {key} AS id, words FROM {table} WHERE words @@ %(rarest)s::tsquery LIMIT %(limit)s
    )
    SELECT array(SELECT id FROM one WHERE words @@ %(whole)s::tsquery ORDER BY id DESC)
    WHERE (SELECT count(*) FROM one) < %(limit)s
"""
# The sum keeps the planner from walking the primary key, along which most rows do not fit.
_UNITS = """
    SELECT one.id FROM unnest(%(units)s::text[]) AS u(unit) CROSS JOIN LATERAL (
        SELECT {key} AS id FROM {table}
        WHERE words @@ u.unit::tsquery AND {conditions} AND {key} + 0 < %(below)s ORDER BY id DESC
    ) AS one LIMIT %(limit)s
"""
_OUTSIDE = """
    WITH fitting AS MATERIALIZED (
        SELECT {key} AS id FROM {table}
        WHERE {conditions} AND ({key} + 0 < %(low)s OR {key} + 0 >= %(high)s) AND {key} + 0 < %(below)s
    )
    SELECT id FROM fitting ORDER BY id DESC LIMIT %(limit)s
"""
# The last block whose first row is earlier than a moment, if rows lie in the order of their times.
_EARLIER = """
    WITH RECURSIVE search(low, high) AS (
        SELECT 0::bigint, %(top)s::bigint / %(block)s + 1
        UNION ALL
        SELECT CASE WHEN earlier THEN middle ELSE low END, CASE WHEN earlier THEN high ELSE middle END
        FROM search CROSS JOIN LATERAL (SELECT (low + high) / 2 AS middle) AS m CROSS JOIN LATERAL (
            SELECT coalesce(
                (SELECT {time} < %(moment)s FROM {of} WHERE id >= middle * %(block)s ORDER BY id LIMIT 1), false
            ) AS earlier
        ) AS e WHERE high - low > 1
    )
    SELECT min(high) - 1 FROM search
"""


def newest_first(
    source: Source,
    asked: Asked,
    *,
    but: set[int],
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[list[int]]:
    """The rows of a source that fit, in steps, without the ones of ``but``. Of a time, ``since`` and ``until``, the
    rows that lie near it come first.

    Whoever has enough stops asking: each step is a statement.
    """
    for ids in _Walk(source, asked).steps(since, until):
        yield [one for one in ids if one not in but]


class _Walk:
    """``ordered``: the keys, the rarest first; ``near``: those that the index is asked for, ``walked``: the ones it is
    asked for of each unit."""

    def __init__(self, source: Source, asked: Asked) -> None:
        self.source = source
        self.asked = asked
        self.limit = STEP_LIMIT
        with connection.cursor() as cursor:
            cursor.execute(source.sql(_TOP))
            self.top: int = cursor.fetchone()[0]
        rows, unknown = self._guesses()
        # Of two that are not known the longer is the rarer.
        self.ordered = sorted(asked.keys, key=lambda key: (rows[key], -max(map(len, key.terms), default=0)))
        rarest = rows[self.ordered[0]]
        self.few = rarest <= max(unknown, _FEW)
        self.near = [key for key in self.ordered if rows[key] <= rarest * _FREQUENT][:_KEYS]
        # What has to be collected would be collected again for each unit.
        self.walked = [key for key in self.near if not key.begun] or self.near[:1]

    def _guesses(self) -> tuple[dict[Key, int], int]:
        """How many rows have each key, as PostgreSQL guesses, and what it guesses of a word it does not know."""
        keys = self.asked.keys
        if self.top < BLOCK:
            return dict.fromkeys(keys, 0), 0
        asked = {f"k{number}": key.query for number, key in enumerate((*keys, Key(())))}
        parts = ", ".join(_GUESSED.replace("{name}", name) for name in asked)
        everything = " UNION ALL SELECT FROM ".join(asked)
        statement = _GUESS.replace("{parts}", parts).replace("{all}", everything)
        with connection.cursor() as cursor:
            cursor.execute(self.source.sql(statement), asked)
            (plan,) = cursor.fetchone()
        rows = {
            one["CTE Name"]: int(one["Plan Rows"]) for one in plan[0]["Plan"]["Plans"] if "CTE Name" in one
        }
        found = [rows[name] for name in asked]
        return dict(zip(keys, found, strict=False)), found[-1]

    def steps(self, since: datetime | None, until: datetime | None) -> Iterator[list[int]]:
        """All that fit, without end where there are many."""
        if self.few:
            ids = self._fewest()
            if ids is not None:
                yield from self._cut(ids)
                return
        top = self.top + 1
        low, high = self._bounds(since, until, top)
        below = high
        for size, term, many in ((BLOCK, block_term, _BLOCKS), (REGION, region_term, _REGIONS)):
            if below > low:
                last = max((below - 1) // size - many + 1, low // size)
                below = yield from self._units(size, term, last, below)
        yield from self._outside(below, high, top)

    def _fewest(self) -> list[int] | None:
        """The rows that fit, if few have the rarest word at all."""
        values: dict[str, Any] = {
            "whole": self.asked.whole,
            "rarest": self.ordered[0].query,
            "limit": _FEW + 1,
        }
        with connection.cursor() as cursor:
            cursor.execute(self.source.sql(_FEWEST), values)
            row = cursor.fetchone()
        return row[0] if row else None

    def _units(
        self, size: int, term: Callable[[int], str], last: int, below: int
    ) -> Generator[list[int], None, int]:
        """The rows of the units from ``below`` down to the number ``last``; returns how far it came."""
        together = _TOGETHER if self.walked[0].begun else 1
        while below > last * size:
            numbers = range((below - 1) // size, last - 1, -1)
            units = [
                " | ".join(terms.quoted(term(one * size)) for one in numbers[start : start + together])
                for start in range(0, len(numbers), together)
            ]
            ids = self._fetched(
                _UNITS, self.walked, {"units": array(units), "below": below, "limit": self.limit}
            )
            below = ids[-1] if len(ids) >= self.limit else last * size
            self.limit = min(self.limit * 2, _FETCHED)
            yield from self._cut(ids)
        return max(below, 0)

    def _outside(self, low: int, high: int, below: int) -> Iterator[list[int]]:
        """The rows outside of what was walked."""
        while low > 0 or below > high:
            ids = self._fetched(
                _OUTSIDE, self.near, {"low": low, "high": high, "below": below, "limit": _FETCHED}
            )
            yield from self._cut(ids)
            if len(ids) < _FETCHED:
                return
            below = ids[-1]

    def _fetched(self, statement: str, keys: Sequence[Key], params: Mapping[str, Any]) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(*self._statement(statement, keys, params))
            return [row[0] for row in cursor.fetchall()]

    def _statement(
        self, statement: str, keys: Sequence[Key], params: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """A statement in which the index is asked for ``keys``, and the rest is looked up in the rows."""
        rest = [key.query for key in self.ordered if key not in keys]
        rest += [self.asked.rest] if self.asked.rest else []
        conditions = [f"words @@ %(key_{number})s::tsquery" for number in range(len(keys))]
        # Said so, it is no question for the index.
        conditions += ["(words @@ %(rest)s::tsquery) IS TRUE"] if rest else []
        values = {**params, "rest": " & ".join(rest)}
        values |= {f"key_{number}": key.query for number, key in enumerate(keys)}
        statement = self.source.sql(statement).replace("{conditions}", " AND ".join(conditions))
        return statement, values

    def _cut(self, ids: list[int]) -> Iterator[list[int]]:
        for start in range(0, len(ids), STEP_LIMIT):
            yield ids[start : start + STEP_LIMIT]

    def _bounds(self, since: datetime | None, until: datetime | None, top: int) -> tuple[int, int]:
        """Between which ids the rows of a time probably lie, a block more on each side."""
        if self.source not in _TIMES or (since is None and until is None):
            return 0, top
        first = max(self._block_before(since) - 1, 0) if since is not None else 0
        last = self._block_before(until) + 2 if until is not None else top // BLOCK + 1
        return first * BLOCK, min(last * BLOCK, top)

    def _block_before(self, moment: datetime) -> int:
        table, time = _TIMES[self.source]
        statement = _EARLIER.replace("{of}", table).replace("{time}", time)
        with connection.cursor() as cursor:
            cursor.execute(statement, {"top": self.top, "block": BLOCK, "moment": moment})
            return int(cursor.fetchone()[0])
