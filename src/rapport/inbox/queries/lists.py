"""The desk's lists of cases: one page at a time, by keyset, and how many cases each list holds.

Each list walks one partial index of ``inbox_case`` per brand and merges the brands, so a page costs the
same however many cases there are and however deep it lies. A case that moves up because of a new
message is not seen twice or missed further down: what lies after a cursor stays after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from django.db import connection
from django.utils.translation import gettext as _

from rapport.inbox.queries import cursors, rows, search
from rapport.inbox.queries.rows import CaseRow
from rapport.lib.errors import Invalid
from rapport.staff.access import brand_ids_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

View = Literal["mine", "unassigned", "all", "waiting", "snoozed", "closed"]
VIEWS: tuple[View, ...] = get_args(View)
COUNT_LIMIT = 1000
_LARGEST_PAGE = 200


@dataclass(frozen=True, kw_only=True)
class CaseFilters:
    """Which list, and what it is narrowed to.

    ``mine``, ``unassigned``, ``all`` and ``waiting`` hold open cases; with ``text``, ``all`` looks in
    cases of every state.
    """

    view: View = "all"
    brand_id: int | None = None
    channel_id: int | None = None
    tag_id: int | None = None
    assignee_id: int | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """``next_cursor`` is None on the last page. ``search_cut``: more messages matched than a search
    looks at, or wait to be read, so the list may lack cases. ``hits``: where a search found each case."""

    rows: tuple[CaseRow, ...]
    next_cursor: str | None
    search_cut: bool = False
    hits: Mapping[int, search.Hit] = field(default_factory=dict)


@dataclass(frozen=True)
class _Order:
    """How a list is sorted: ``column`` and then the id, both in the same direction."""

    column: Literal["last_message_at", "waiting_since"]
    ascending: bool = False

    def after(self) -> str:
        return f"(c.{self.column}, c.id) {'>' if self.ascending else '<'} (%(at)s, %(id)s)"

    def by(self, table: str, first: str = "") -> str:
        way = "ASC" if self.ascending else "DESC"
        return f"{first}{table}.{self.column} {way}, {table}.id {way}"


_WHERE: dict[View, str] = {
    "mine": "c.status = 'open' AND c.assignee_id = %(user)s",
    "unassigned": "c.status = 'open' AND c.assignee_id IS NULL",
    "all": "c.status = 'open'",
    "waiting": "c.status = 'open' AND c.waiting_since IS NOT NULL",
    # The second half says what case_not_open says, in the planner's words.
    "snoozed": "c.status = 'snoozed' AND NOT c.status = 'open'",
    "closed": "c.status = 'closed' AND NOT c.status = 'open'",
}
_NEWEST, _LONGEST_WAITING = _Order("last_message_at"), _Order("waiting_since", ascending=True)


def list_cases(*, user: User, filters: CaseFilters, after: str | None = None, limit: int = 50) -> CasePage:
    """One page of a list, among the brands whose cases ``user`` may see.

    ``limit`` is 1 to 200 rows. Raises Invalid for an unknown view or a cursor that this list did not
    give out, and NotFound for a brand the user may not see.
    """
    if filters.view not in VIEWS:
        raise Invalid(_("There is no such list."))
    limit = min(max(limit, 1), _LARGEST_PAGE)
    order = _LONGEST_WAITING if filters.view == "waiting" else _NEWEST
    place = f"cases.{filters.view}"
    brand_ids = _brand_ids(user, filters.brand_id)
    params: dict[str, Any] = {"user": user.id, "brands": brand_ids, "limit": limit + 1}
    conditions = _conditions(filters, params)
    if after:
        params["at"], params["id"] = cursors.decode(place=place, cursor=after)
        conditions.append(order.after())
    found = search.Matches(case_ids=None)
    if filters.text.strip():
        query = search.parse_query(filters.text)
        found = search.matching_cases(user=user, query=query, brand_ids=brand_ids)
        params |= found.params
        conditions += found.conditions
    if found.case_ids is not None:
        params["found"] = list(found.case_ids)
        conditions.append("c.id = ANY(%(found)s)")
    if not brand_ids or found.case_ids == ():
        return CasePage(rows=(), next_cursor=None, search_cut=found.cut)
    page = _page(conditions, order, params, unassigned=filters.view == "unassigned")
    cursor = None
    if len(page) > limit:
        page = page[:limit]
        last_id, last_at = page[-1]
        cursor = cursors.encode(place=place, at=last_at, row_id=last_id)
    shown = [case_id for case_id, _at in page]
    return CasePage(
        rows=rows.case_rows(shown),
        next_cursor=cursor,
        search_cut=found.cut,
        hits={case_id: found.hits[case_id] for case_id in shown if case_id in found.hits},
    )


def _brand_ids(user: User, brand_id: int | None) -> list[int]:
    if brand_id is None:
        return brand_ids_for(user, Permission.VIEW_CASES)
    require(user, brand_id, Permission.VIEW_CASES)
    return [brand_id]


def _conditions(filters: CaseFilters, params: dict[str, Any]) -> list[str]:
    conditions = ["c.brand_id = b.id"]
    if filters.view == "all" and filters.text.strip():
        conditions.append("c.status <> 'merged'")
    else:
        conditions.append(_WHERE[filters.view])
    if filters.channel_id is not None:
        conditions.append("c.channel_id = %(channel)s")
        params["channel"] = filters.channel_id
    if filters.assignee_id is not None:
        conditions.append("c.assignee_id = %(assignee)s")
        params["assignee"] = filters.assignee_id
    if filters.tag_id is not None:
        conditions.append(
            "EXISTS (SELECT FROM inbox_case_tags t WHERE t.case_id = c.id AND t.tag_id = %(tag)s)"
        )
        params["tag"] = filters.tag_id
    return conditions


def page_sql(conditions: Sequence[str], order: _Order, *, unassigned: bool) -> str:
    """The statement of a page: ids and sort keys. One index walk for each brand, merged."""
    # PostgreSQL does not see that a column which IS NULL is constant; named first in the order it
    # matches the index, and the walk needs no sort.
    first = "c.assignee_id, " if unassigned else ""
    return f"""
        SELECT page.id, page.{order.column}
        FROM unnest(%(brands)s::bigint[]) AS b(id)
        CROSS JOIN LATERAL (
            SELECT c.id, c.{order.column} FROM inbox_case c
            WHERE {" AND ".join(conditions)}
            ORDER BY {order.by("c", first)} LIMIT %(limit)s
        ) AS page
        ORDER BY {order.by("page")} LIMIT %(limit)s
    """  # noqa: S608 - every piece is written above; values are parameters


def _page(
    conditions: Sequence[str], order: _Order, params: dict[str, Any], *, unassigned: bool
) -> list[tuple[int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(page_sql(conditions, order, unassigned=unassigned), params)
        return [(row[0], row[1]) for row in cursor.fetchall()]


_COUNT = """(SELECT count(*) FROM (
    SELECT FROM inbox_case c WHERE c.brand_id = ANY(%%(brands)s) AND %s LIMIT %%(limit)s
) AS counted)"""


def view_counts(*, user: User, brand_id: int | None = None) -> dict[str, int]:
    """How many cases each view holds, counted to 1000 at most, so that it is never slow."""
    brand_ids = _brand_ids(user, brand_id)
    counts = [_COUNT % _WHERE[view] for view in VIEWS]
    params: dict[str, Any] = {"brands": brand_ids, "user": user.id, "limit": COUNT_LIMIT}
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(counts), params)
        return dict(zip(VIEWS, cursor.fetchone(), strict=True))
