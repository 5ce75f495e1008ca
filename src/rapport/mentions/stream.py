"""The stream of mentions: one page of it, why each was found, and how many wait in each state."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rapport.lib.errors import Invalid
from rapport.mentions.models import Match, MentionState
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

COUNTED: Final = 1000  # of each state; what is beyond it is "999+"
LARGEST_PAGE: Final = 200
# Where no index has what the list is narrowed to, a page looks at so many and the next one goes on from there.
LOOKED: Final = 10_000
# While nothing is found it looks on by itself, so many times; then whoever reads is told how far, and decides.
LOOKS: Final = 5


@dataclass(frozen=True)
class _Order:
    label: str | Promise
    columns: tuple[str, ...]  # all descending, each list of the table's indexes ends in them
    casts: tuple[str, ...]


ORDERS: Final[Mapping[str, _Order]] = {
    "newest": _Order(gettext_lazy("Newest first"), ("m.sent_at", "m.id"), ("timestamptz", "bigint")),
    "relevance": _Order(
        gettext_lazy("Most relevant first"),
        ("m.relevance", "m.sent_at", "m.id"),
        ("smallint", "timestamptz", "bigint"),
    ),
    "reach": _Order(
        gettext_lazy("Widest reach first"),
        ("m.reach", "m.sent_at", "m.id"),
        ("bigint", "timestamptz", "bigint"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class StreamFilters:
    """What the list shows; empty asks for nothing. ``text``: words of the post, as they are written."""

    state: str = MentionState.NEW
    order: str = "newest"
    brand_id: int | None = None
    query_id: int | None = None
    kind: str = ""
    network: str = ""
    lang: str = ""
    since: datetime | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Which query found a mention, by which version, and where: [part, start, end, term] each."""

    query_id: int
    name: str
    number: int
    why: tuple[tuple[str, int, int, str], ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """What matched, each once, in the order of the text."""
        return tuple(dict.fromkeys(term for _part, _start, _end, term in self.why))


@dataclass(frozen=True, kw_only=True)
class MentionRow:
    """One line of the list."""

    id: int
    version: int
    state: str
    brand_name: str
    network: str
    author: str
    author_name: str
    title: str
    text: str
    lang: str
    sent_at: datetime
    relevance: int
    reach: int
    copies: int
    case_id: int | None
    deleted: bool
    found: tuple[Found, ...] = field(default=())


@dataclass(frozen=True)
class MentionPage:
    """``looked``: through how many mentions, where nothing was found so far and there are more."""

    rows: tuple[MentionRow, ...]
    next_cursor: str | None
    looked: int = 0


def list_mentions(
    *, user: User, filters: StreamFilters, after: str | None = None, limit: int = 40
) -> MentionPage:
    """One page of the mentions of this person's brands, copies left out, in two statements.

    ``after`` is the page before's ``next_cursor``. A page of a list that is narrowed may be short and still have a next
    one (see :data:`LOOKED`); where it would be empty, it looks on, :data:`LOOKS` times in all. Raises Invalid for a
    cursor that is none.
    """
    looked = 0
    while True:
        page = _look(user=user, filters=filters, after=after, limit=limit)
        if page.rows or page.next_cursor is None:
            return page
        looked += LOOKED
        if looked >= LOOKS * LOOKED:
            return replace(page, looked=looked)
        after = page.next_cursor


def _look(*, user: User, filters: StreamFilters, after: str | None, limit: int) -> MentionPage:
    """A page from one place on, which ends where :data:`LOOKED` were looked at."""
    limit = max(1, min(limit, LARGEST_PAGE))
    order = ORDERS.get(filters.order, ORDERS["newest"])
    brands = brand_ids_for(user, Permission.VIEW_CASES)
    if filters.brand_id is not None:
        brands = [one for one in brands if one == filters.brand_id]
    states = [filters.state] if filters.state in MentionState.values else list(MentionState.values)
    by_query = filters.query_id is not None and order is ORDERS["newest"]
    where, params = _where(filters, by_query=by_query)
    since = ["m.sent_at >= %(since)s"] if filters.since is not None else []
    behind: list[str] = []
    if after:
        values = _cursor_values(after, order)
        slots = ", ".join(f"%(after{n})s::{cast}" for n, cast in enumerate(order.casts))
        behind.append(f"({', '.join(order.columns)}) < ({slots})")
        params |= {f"after{n}": value for n, value in enumerate(values)}
    if order is ORDERS["newest"]:
        behind += since  # the index ends there
    else:
        where += since
    sort = ", ".join(f"{column} DESC" for column in order.columns)
    source, size = _ORDERED, "look" if where else "limit"
    if by_query:
        source, size = _OF_QUERY, "look"
        of_match = {"m.sent_at": "x.sent_at", "m.id": "x.mention_id"}
        for column, ours in of_match.items():
            sort = sort.replace(column, ours)
            behind = [one.replace(column, ours) for one in behind]
    looked = (
        source.replace("-- from there", "".join(f" AND {one}" for one in behind))
        .replace("-- in order", sort)
        .replace("-- so many", f"%({size})s")
    )
    plain = ", ".join(f"{column} DESC" for column in order.columns)
    sql = (
        _LIST.replace("-- looked at", looked)
        .replace("-- joined", _JOIN_POST if _needs_post(filters) else "")
        .replace("-- narrowed", " AND ".join(where) or "true")
        .replace("-- order of looked", plain.replace("m.", "l."))
        .replace("-- order of page", plain)
        .replace("-- order of all", plain.replace("m.", "one."))
    )
    given = {**params, "brands": brands, "states": states, "limit": limit + 1, "look": LOOKED, "size": 0}
    given["size"] = given[size]
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found_rows = cursor.fetchall()
    end = found_rows[0][-4:]
    rows = [row for row in found_rows if row[0] is not None]
    more, rows = len(rows) > limit, rows[:limit]
    found = found_of([row[0] for row in rows])
    page = tuple(
        MentionRow(
            id=row[0], version=row[1], state=row[2], brand_name=row[3], network=row[4], author=row[5],
            author_name=row[6], title=row[7], text=row[8], lang=row[9], sent_at=row[10], relevance=row[11],
            reach=row[12], copies=row[13], case_id=row[14], deleted=row[15], found=found.get(row[0], ()),
        )
        for row in rows
    )  # fmt: skip
    if more:
        last = page[-1]
        return MentionPage(page, _cursor_of(order, last.id, last.sent_at, last.relevance, last.reach))
    further = size == "look" and end[0] is not None
    return MentionPage(page, _cursor_of(order, *end) if further else None)


# Each brand and state is read from an index in the list's order and gives at most so many, whatever the planner
# thinks of how many brands and states there are; they are merged.
_ORDERED = """
SELECT m.* FROM unnest(%(brands)s::bigint[]) AS brand(id) CROSS JOIN unnest(%(states)s::text[]) AS state(name)
CROSS JOIN LATERAL (
    SELECT m.* FROM mentions_mention m
    WHERE m.brand_id = brand.id AND m.state = state.name AND m.folded_into_id IS NULL
    -- from there
    ORDER BY
    -- in order
    LIMIT
    -- so many
) m ORDER BY
-- in order
LIMIT
-- so many
"""
# What one query found, in the order of its matches; brands and states are asked of what was looked at.
_OF_QUERY = """
SELECT m.* FROM (
    SELECT x.mention_id, x.sent_at FROM mentions_match x WHERE x.query_id = %(query)s
    -- from there
    ORDER BY
    -- in order
    LIMIT
    -- so many
) x CROSS JOIN LATERAL (SELECT * FROM mentions_mention WHERE id = x.mention_id OFFSET 0) m
"""
_LIST = """
WITH looked AS MATERIALIZED (
-- looked at
), page AS (
    SELECT m.* FROM looked m
    -- joined
    WHERE
    -- narrowed
    ORDER BY
    -- order of page
    LIMIT %(limit)s
)
SELECT one.id, one.version, one.state, b.name, p.network, p.author, p.author_name, p.title, p.text, p.lang,
       one.sent_at, one.relevance, one.reach, one.copies, one.case_id, p.deleted_at IS NOT NULL,
       stop.id, stop.sent_at, stop.relevance, stop.reach
FROM (SELECT) always
LEFT JOIN (
    SELECT l.* FROM looked l ORDER BY
    -- order of looked
    OFFSET %(size)s - 1 LIMIT 1
) stop ON true
LEFT JOIN (
    page one JOIN mentions_post p ON p.id = one.post_id JOIN brands_brand b ON b.id = one.brand_id
) ON true
ORDER BY
-- order of all
"""
_JOIN_POST = "JOIN mentions_post mp ON mp.id = m.post_id"


def _needs_post(filters: StreamFilters) -> bool:
    return bool(filters.network or filters.lang or filters.text)


def _where(filters: StreamFilters, *, by_query: bool) -> tuple[list[str], dict[str, Any]]:
    """What is asked of each that is looked at, as SQL of ours with values beside it."""
    where: list[str] = []
    params: dict[str, Any] = {"query": filters.query_id, "since": filters.since}
    if by_query:
        where += [
            "m.brand_id = ANY(%(brands)s::bigint[])",
            "m.state = ANY(%(states)s::text[])",
            "m.folded_into_id IS NULL",
        ]
    elif filters.query_id is not None:
        where.append(
            "EXISTS (SELECT FROM mentions_match x WHERE x.mention_id = m.id AND x.query_id = %(query)s)"
        )
    if filters.kind:
        where.append("m.kinds @> ARRAY[%(kind)s]::varchar[]")
        params["kind"] = filters.kind
    if filters.network:
        where.append("mp.network = %(network)s")
        params["network"] = filters.network
    if filters.lang:
        where.append("mp.lang = %(lang)s")
        params["lang"] = filters.lang
    if filters.text:
        where.append("mp.deleted_at IS NULL")  # its words are nobody's to find
    for number, word in enumerate(filters.text.split()[:8]):
        where.append(
            f"strpos(lower(mp.title || ' ' || mp.text || ' ' || mp.author || ' ' || mp.author_name), "
            f"lower(%(word{number})s)) > 0"
        )
        params[f"word{number}"] = word
    return where, params


def _cursor_of(order: _Order, mention_id: int, sent_at: datetime, relevance: int, reach: int) -> str:
    values: dict[str, Any] = {
        "m.sent_at": sent_at.isoformat(),
        "m.id": mention_id,
        "m.relevance": relevance,
        "m.reach": reach,
    }
    return json.dumps([values[column] for column in order.columns], separators=(",", ":"))


def _cursor_values(cursor: str, order: _Order) -> list[Any]:
    """A cursor's values, each of the kind that its column has."""
    problem = _("This part of the list cannot be found. Go back to its beginning.")
    try:
        values = json.loads(cursor[:200])
    except ValueError as error:
        raise Invalid(problem) from error
    if not isinstance(values, list) or len(values) != len(order.casts):
        raise Invalid(problem)
    for value, cast in zip(values, order.casts, strict=True):
        if cast == "timestamptz":
            good = isinstance(value, str) and _is_time(value)
        else:
            good = type(value) is int and abs(value) < (1 << 15 if cast == "smallint" else 1 << 63)
        if not good:
            raise Invalid(problem)
    return values


def _is_time(value: str) -> bool:
    try:
        moment = parse_datetime(value)
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None


def found_of(mention_ids: Sequence[int]) -> dict[int, tuple[Found, ...]]:
    """Which queries found these, by mention, in one statement."""
    found: dict[int, list[Found]] = {}
    matches = (
        Match.objects.filter(mention_id__in=mention_ids, query__deleted_at__isnull=True)
        .order_by("query__name", "query_id")
        .values_list("mention_id", "query_id", "query__name", "version__number", "why")
    )
    for mention_id, query_id, name, number, why in matches:
        one = Found(query_id=query_id, name=name, number=number, why=_why(why))
        found.setdefault(mention_id, []).append(one)
    return {key: tuple(value) for key, value in found.items()}


def _why(stored: object) -> tuple[tuple[str, int, int, str], ...]:
    rows = stored if isinstance(stored, list) else []
    return tuple((str(part), int(start), int(end), str(term)) for part, start, end, term in rows)


def state_counts(*, user: User, brand_id: int | None = None) -> dict[str, int]:
    """How many mentions of this person's brands are in each state, copies left out; COUNTED means "or more"."""
    brands = brand_ids_for(user, Permission.VIEW_CASES)
    if brand_id is not None:
        brands = [one for one in brands if one == brand_id]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT state.name, sum(counted.n) FROM unnest(%(brands)s::bigint[]) AS brand(id)
            CROSS JOIN unnest(%(states)s::text[]) AS state(name)
            CROSS JOIN LATERAL (
                SELECT count(*) AS n FROM (
                    SELECT FROM mentions_mention m
                    WHERE m.brand_id = brand.id AND m.state = state.name AND m.folded_into_id IS NULL
                    LIMIT %(most)s
                ) few
            ) counted GROUP BY state.name
            """,
            {"brands": brands, "states": list(MentionState.values), "most": COUNTED},
        )
        return {state: min(int(n), COUNTED) for state, n in cursor.fetchall()}


def new_count(*, user: User, most: int = COUNTED) -> int:
    """How many new mentions wait, at most ``most``: for the entry in the navigation of every page."""
    brands = brand_ids_for(user, Permission.VIEW_CASES)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM mentions_mention WHERE brand_id = ANY(%s::bigint[]) "
            "AND state = 'new' AND folded_into_id IS NULL LIMIT %s) few",
            [brands, most],
        )
        return int(cursor.fetchone()[0])
