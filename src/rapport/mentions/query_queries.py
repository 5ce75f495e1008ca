"""What is read of saved queries: lists with what they found lately, one query, its versions and what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.lib.errors import NotFound
from rapport.listening.parse import read
from rapport.listening.show import show_node
from rapport.listening.tree import And, Near, Node, Not, Or
from rapport.mentions.models import Match, Query, QueryVersion
from rapport.staff.access import brand_ids_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission


@dataclass(frozen=True)
class QueryRow:
    """A query in a list. ``week`` and ``month``: mentions of the last 7 and 30 days, by the network's clock."""

    query: Query
    week: int
    month: int
    last_at: datetime | None


@dataclass(frozen=True)
class Change:
    """A version beside the one before it: words that came and went. Neither: they are put together differently."""

    version: QueryVersion
    added: tuple[str, ...]
    removed: tuple[str, ...]
    first: bool


def access_query(
    *,
    user: User,
    query_id: int,
    permission: Permission = Permission.VIEW_CASES,
    deleted: bool = False,
) -> Query:
    """A query that ``user`` has ``permission`` for. Raises NotFound or NotAllowed; deleted ones only if asked for."""
    query = Query.objects.select_related("brand", "version").filter(id=query_id).first()
    if query is None:
        raise NotFound(_("There is no such query, or you may not see it."))
    require(user, query.brand_id, permission)
    if query.deleted_at is not None and not deleted:
        raise NotFound(_("This query was deleted."))
    return query


def queries_for(*, user: User, most: int, brand_id: int | None = None) -> list[QueryRow]:
    """The queries of a person's brands by brand and name, ``most`` at most."""
    brands = brand_ids_for(user, Permission.VIEW_CASES)
    if brand_id is not None:
        brands = [one for one in brands if one == brand_id]
    newest = Match.objects.filter(query=OuterRef("pk")).order_by("-sent_at").values("sent_at")[:1]
    found = list(
        Query.objects.filter(brand_id__in=brands, deleted_at=None)
        .select_related("brand", "version")
        .annotate(last_at=Subquery(newest))
        .order_by("brand__name", "name", "id")[:most]
    )
    counts = _found([one.pk for one in found], timezone.now())
    return [
        QueryRow(one, *counts.get(one.pk, (0, 0)), last_at=getattr(one, "last_at", None)) for one in found
    ]


def _found(query_ids: list[int], now: datetime) -> dict[int, tuple[int, int]]:
    """Mentions of the last 7 and 30 days of each query, read from one index."""
    rows = (
        Match.objects.filter(query_id__in=query_ids, sent_at__gte=now - timedelta(days=30))
        .values("query_id")
        .annotate(month=Count("id"), week=Count("id", filter=Q(sent_at__gte=now - timedelta(days=7))))
        .values_list("query_id", "week", "month")
    )
    return {query_id: (week, month) for query_id, week, month in rows}


def changes_of(query: Query, *, most: int) -> list[Change]:
    """The newest versions of a query with what each changed, newest first."""
    versions: QuerySet[QueryVersion] = query.versions.select_related("created_by").order_by("-number")
    found = list(versions[: most + 1])
    shown = found[:most]
    words = [_words(one) for one in found]
    changes = []
    for place, version in enumerate(shown):
        before = words[place + 1] if place + 1 < len(found) else {}
        changes.append(
            Change(
                version,
                tuple(one for one in words[place] if one not in before),
                tuple(one for one in before if one not in words[place]),
                first=place + 1 == len(found),
            )
        )
    return changes


def _words(version: QueryVersion) -> dict[str, None]:
    """What a version looks for, in its order; after "-" what it leaves out."""
    asked = read(version.text).query
    return {} if asked is None else dict.fromkeys(_leaves(asked.root, negated=False))


def _leaves(node: Node, *, negated: bool) -> Iterator[str]:
    match node:
        case And() | Or() | Near():
            for part in node.parts:
                yield from _leaves(part, negated=negated)
        case Not():
            yield from _leaves(node.part, negated=not negated)
        case _:
            yield f"-{show_node(node)}" if negated else show_node(node)
