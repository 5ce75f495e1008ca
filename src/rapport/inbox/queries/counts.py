"""How many cases the lists hold: one statement for all of them, and never a slow one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from rapport.inbox.queries.filters import CaseFilters, Params, base_sql, filter_sql, status_sql, team_ids_of
from rapport.inbox.queries.lists import visible_brands
from rapport.inbox.queries.views import VIEW_TABLE, VIEWS, View
from rapport.staff.models import User

COUNT_LIMIT = 1000
# A saved view is counted among this many cases of its list, so that a rare tag costs no more than a common one.
_CANDIDATES = 5000
_UNREAD = """(SELECT count(DISTINCT mention.case_id) FROM inbox_mention mention
    JOIN inbox_case c ON c.id = mention.case_id
    WHERE mention.user_id = %(user)s AND mention.seen_at IS NULL AND c.brand_id = ANY(%(brands)s))"""


@dataclass(frozen=True)
class Count:
    """``more``: it was not counted further."""

    n: int
    more: bool = False


@dataclass(frozen=True)
class Counts:
    """``saved``: in the order asked for; None for what costs too much to count."""

    views: dict[View, Count]
    saved: tuple[Count | None, ...]


def view_counts(*, user: User, brands: Sequence[int] = (), saved: Sequence[CaseFilters] = ()) -> Counts:
    """How many cases each list holds, counted to 1000 at most; of the mentions, those not seen yet.

    Of a saved view's cases those among the first five thousand of its list are counted. Not counted
    are closed cases, and what a search finds.
    """
    brand_ids = visible_brands(user, brands)
    params = Params(user, [team for team, _brand in team_ids_of(user, brand_ids)])
    params.values["brands"] = brand_ids
    counted = [view for view in VIEWS if VIEW_TABLE[view].counted]
    asked = [one for one in saved if _cheap(one)]
    wanted = [_view_sql(view, params) for view in counted] + [_saved_sql(one, params) for one in asked]
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(wanted), params.values)
        found = cursor.fetchone()
    views = {view: Count(n, n >= COUNT_LIMIT) for view, n in zip(counted, found, strict=False)}
    by_filters = {
        id(one): Count(matching, candidates > _CANDIDATES)
        for one, (matching, candidates) in zip(asked, found[len(counted) :], strict=True)
    }
    return Counts(views, tuple(by_filters.get(id(one)) for one in saved))


def _cheap(filters: CaseFilters) -> bool:
    return not filters.text.strip() and "closed" not in filters.status_list


_HELD = "(SELECT count(*) FROM (SELECT FROM inbox_case c WHERE {where} LIMIT {limit}) AS held)"


def _view_sql(view: View, params: Params) -> str:
    if view == "mentions":
        return _UNREAD
    where = _held(CaseFilters(view=view))
    return _HELD.format(where=" AND ".join(where), limit=params.add(COUNT_LIMIT))


_FITTING = """(
    SELECT ARRAY[count(*) FILTER (WHERE {narrowed}), count(*)]
    FROM (SELECT c.* FROM inbox_case c WHERE {where} LIMIT {limit}) AS c
)"""


def _saved_sql(filters: CaseFilters, params: Params) -> str:
    where = _held(filters)
    if filters.brands:
        where.append(f"c.brand_id = ANY({params.add(list(filters.brands))}::bigint[])")
    narrowed = " AND ".join(filter_sql(filters, params)) or "true"
    return _FITTING.format(narrowed=narrowed, where=" AND ".join(where), limit=params.add(_CANDIDATES + 1))


def _held(filters: CaseFilters) -> list[str]:
    return ["c.brand_id = ANY(%(brands)s)", status_sql(filters.status_list), *base_sql(filters)]
