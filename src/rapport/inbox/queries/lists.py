"""The desk's lists of cases: one page at a time, by keyset, and how many cases each list holds.

Each list walks one partial index of ``inbox_case`` per brand, team or channel and merges the walks, so a
page costs the same however many cases there are and however deep it lies. A case that moves up because
of a new message is not seen twice or missed further down: what lies after a cursor stays after it.

The lists of one's own open cases, of those one follows and of one's mentions are sorted when another order
than the newest is asked for: they are as short as what one person works on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import connection

from rapport.brands.models import Channel
from rapport.inbox.models import Tag
from rapport.inbox.queries import cursors, rows, search
from rapport.inbox.queries.filters import (
    ME,
    CaseFilters,
    Params,
    base_sql,
    by_channel,
    filter_sql,
    known_view,
    status_sql,
    team_ids_of,
)
from rapport.inbox.queries.rows import CaseRow
from rapport.inbox.queries.views import ORDERS, STATUS_SQL, Order
from rapport.lib.pg import array
from rapport.staff.access import brand_ids_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

_LARGEST_PAGE = 200
_FEW_TAGGED = 2000


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """``next_cursor`` is None on the last page. ``search_cut``: more messages matched than a search
    looks at, or wait to be read, so the list may lack cases. ``hits``: where a search found each case."""

    rows: tuple[CaseRow, ...]
    next_cursor: str | None
    search_cut: bool = False
    hits: Mapping[int, search.Hit] = field(default_factory=dict)


def list_cases(*, user: User, filters: CaseFilters, after: str | None = None, limit: int = 50) -> CasePage:
    """One page of a list, among the brands whose cases ``user`` may see.

    ``limit`` is 1 to 200 rows. Raises Invalid for an unknown view or a cursor that this list did not
    give out, and NotFound for a brand the user may not see.
    """
    known_view(filters)
    limit = min(max(limit, 1), _LARGEST_PAGE)
    place = f"cases.{filters.view}.{filters.order}"
    brand_ids = visible_brands(user, filters.brands)
    teams = team_ids_of(user, brand_ids) if filters.view == "teams" or ME in filters.teams else []
    params = Params(user, [team for team, _brand in teams])
    seek = cursors.decode_key(place=place, cursor=after) if after else None
    found = search.Matches(case_ids=None)
    if filters.text.strip():
        query = search.parse_query(filters.text)
        found = search.matching_cases(user=user, query=query, brand_ids=brand_ids)
    if filters.tags:
        # A tag is of one brand: nobody has to look through the cases of the others.
        brand_ids = sorted(
            set(
                Tag.objects.filter(id__in=filters.tags, brand_id__in=brand_ids).values_list(
                    "brand_id", flat=True
                )
            )
        )
        teams = [(team, brand_id) for team, brand_id in teams if brand_id in brand_ids]
    lanes = _lanes(filters, brand_ids, teams)
    if not lanes.brands or found.case_ids == ():
        return CasePage(rows=(), next_cursor=None, search_cut=found.cut)
    page = _page(_statement(filters, lanes, params, seek, found, limit + 1), params)
    cursor = None
    if len(page) > limit:
        page = page[:limit]
        last_id, key = page[-1]
        cursor = cursors.encode_key(place=place, key=key, row_id=last_id)
    shown = [case_id for case_id, _key in page]
    return CasePage(
        rows=rows.case_rows(shown, reader=user),
        next_cursor=cursor,
        search_cut=found.cut,
        hits={case_id: found.hits[case_id] for case_id in shown if case_id in found.hits},
    )


def visible_brands(user: User, wanted: Sequence[int] = ()) -> list[int]:
    """The brands whose cases a list holds. Raises NotFound for a wanted one that the user may not see."""
    allowed = brand_ids_for(user, Permission.VIEW_CASES)
    if not wanted:
        return allowed
    for brand_id in wanted:
        if brand_id not in allowed:
            require(user, brand_id, Permission.VIEW_CASES)
    return sorted(set(wanted))


@dataclass(frozen=True)
class _Lanes:
    """Where an index is entered: for each brand, or for each team or channel of one."""

    brands: list[int]
    others: list[int]
    column: str = ""

    def source(self, params: Params) -> str:
        brands = params.add(self.brands)
        if not self.column:
            return f"unnest({brands}::bigint[]) AS b(id)"
        return f"unnest({brands}::bigint[], {params.add(self.others)}::bigint[]) AS b(id, lane)"

    def where(self) -> list[str]:
        return ["c.brand_id = b.id", *([f"c.{self.column} = b.lane"] if self.column else [])]


def _lanes(filters: CaseFilters, brand_ids: list[int], teams: list[tuple[int, int]]) -> _Lanes:
    if by_channel(filters) and brand_ids:
        channels = Channel.objects.filter(brand_id__in=brand_ids)
        if filters.channels:
            channels = channels.filter(id__in=filters.channels)
        if filters.networks:
            channels = channels.filter(network__in=filters.networks)
        if filters.roles:
            channels = channels.filter(role__in=filters.roles)
        found = list(channels.values_list("id", "brand_id"))
        return _Lanes([brand for _id, brand in found], [one for one, _brand in found], "channel_id")
    if filters.view == "teams":
        return _Lanes([brand for _id, brand in teams], [one for one, _brand in teams], "team_id")
    return _Lanes(brand_ids, [])


def _statement(
    filters: CaseFilters,
    lanes: _Lanes,
    params: Params,
    seek: tuple[Sequence[str], int] | None,
    found: search.Matches,
    limit: int,
) -> str:
    order = ORDERS[filters.order]
    source = lanes.source(params)
    where = [*lanes.where(), *filter_sql(filters, params, channels_elsewhere=True)]
    if filters.view != "teams" or lanes.column != "team_id":
        where += base_sql(filters)
    if seek is not None:
        where.append(_after(order, seek, params))
    params.values |= found.params
    where += found.conditions
    statuses = filters.status_list
    walks = [STATUS_SQL[status] for status in statuses]
    walk = _WALK
    if found.case_ids is None and filters.tags and (tagged := _tagged(filters.tags)) is not None:
        found = replace(found, case_ids=tuple(tagged))
    if found.case_ids is not None:
        where.append(f"c.id = ANY({params.add(array(found.case_ids))}::bigint[])")
        walk = _HITS
    if found.case_ids is not None or filters.view in ("mentions", "following"):
        walks = [status_sql(statuses)]
    # PostgreSQL does not see that a column which IS NULL is constant; named first in the order it
    # matches the index, and the walk needs no sort.
    first = "c.assignee_id, " if filters.view == "unassigned" and filters.order == "newest" else ""
    return page_sql(order, source, [[*where, one] for one in walks], params.add(limit), first, walk)


def _tagged(tags: Sequence[int]) -> list[int] | None:
    """The cases with any of these tags, if they are so few that looking at each is quicker than walking along."""
    with connection.cursor() as cursor:
        cursor.execute(_TAGGED, [list(tags), _FEW_TAGGED + 1])
        ids = [row[0] for row in cursor.fetchall()]
    return ids if len(ids) <= _FEW_TAGGED else None


_TAGGED = "SELECT case_id FROM inbox_case_tags WHERE tag_id = ANY(%s::bigint[]) LIMIT %s"
# One index walk for each lane and state, merged.
_WALK = """
    SELECT walk.* FROM {source}
    CROSS JOIN LATERAL (
        SELECT c.id, {keys} FROM inbox_case c WHERE {where} ORDER BY {by} LIMIT {limit}
    ) AS walk
"""
# What a search found is fetched by its ids; what lies in which lane is looked at afterwards.
_HITS = (
    "SELECT c.id, {keys} FROM inbox_case c JOIN {source} ON true WHERE {where} ORDER BY {by} LIMIT {limit}"
)
_PAGE = "SELECT page.id, {names} FROM ({walks}) AS page ORDER BY {by} LIMIT {limit}"


def page_sql(
    order: Order,
    source: str,
    walks: Sequence[Sequence[str]],
    limit: str,
    first: str = "",
    walk: str = _WALK,
) -> str:
    """The statement of a page: ids and, as text, sort keys."""
    way = "ASC" if order.ascending else "DESC"
    names = [f"k{number}" for number, _key in enumerate(order.keys)]
    keys = ", ".join(f"{key} AS {name}" for (key, _type), name in zip(order.keys, names, strict=True))
    by = first + ", ".join(f"{key} {way}" for key in (*(key for key, _type in order.keys), "c.id"))
    parts = [
        walk.format(source=source, keys=keys, where=" AND ".join(where), by=by, limit=limit)
        for where in walks
    ]
    return _PAGE.format(
        names=", ".join(f"page.{name}::text" for name in names),
        walks=" UNION ALL ".join(parts),
        by=", ".join(f"page.{name} {way}" for name in (*names, "id")),
        limit=limit,
    )


def _after(order: Order, seek: tuple[Sequence[str], int], params: Params) -> str:
    key, row_id = seek
    columns = ", ".join(column for column, _type in order.keys)
    values = ", ".join(
        f"{params.add(value)}::{type_name}"
        for value, (_column, type_name) in zip(key, order.keys, strict=True)
    )
    return f"({columns}, c.id) {'>' if order.ascending else '<'} ({values}, {params.add(row_id)}::bigint)"


def _page(statement: str, params: Params) -> list[tuple[int, list[str]]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params.values)
        return [(row[0], list(row[1:])) for row in cursor.fetchall()]
