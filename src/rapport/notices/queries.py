"""What somebody is told, folded by case."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, F
from django.db.models.functions import Coalesce
from django.utils.translation import ngettext

from rapport.lib.pg import array
from rapport.notices.kinds import BY_CUSTOMER, KINDS, Line, NoticeKind, says
from rapport.notices.models import Choice, Device, Notice, Preferences
from rapport.staff.access import brand_ids_for, brands_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

PAGE = 30


@dataclass(frozen=True)
class Told:
    """One line of a case: what happened, in words, and since when it is unread. ``data``: of the newest."""

    kind: NoticeKind
    sentence: str
    at: datetime
    unread: bool
    data: dict[str, Any]

    @property
    def icon(self) -> str:
        return KINDS[self.kind].icon


@dataclass
class CaseNews:
    """One case that somebody is told of, its lines the newest first. ``case_id`` is negative, and the notice's id,
    where no one case is behind it; ``contact`` is what it is about then."""

    case_id: int
    brand: str
    contact: str
    preview: str
    priority: int
    at: datetime
    unread: bool
    lines: list[Told] = field(default_factory=list)

    @property
    def notice_id(self) -> int | None:
        """The notice, where no one case is behind it."""
        return -self.case_id if self.case_id < 0 else None


@dataclass(frozen=True)
class NewsPage:
    """``after``: where the next page begins; None when there is none."""

    cases: tuple[CaseNews, ...]
    after: str | None


def unread_count(user: User) -> int:
    """How many cases have something that ``user`` has not seen; what is of no one case counts too. One query."""
    visible = brands_for(user, Permission.VIEW_CASES)
    found = Notice.objects.filter(user=user, in_desk=True, read_at=None, brand__in=visible)
    return int(found.aggregate(n=Count(Coalesce("case_id", -F("id")), distinct=True))["n"])


_PAGE_OF_CASES = """
SELECT coalesce(c.merged_into_id, c.id, -n.id) AS shown_id, max(n.made_at) AS at
FROM notices_notice n LEFT JOIN inbox_case c ON c.id = n.case_id
WHERE n.user_id = %(user)s AND n.in_desk AND n.brand_id = ANY(%(brands)s::bigint[])
  AND (NOT %(unread)s OR n.read_at IS NULL)
GROUP BY shown_id
HAVING %(before)s::timestamptz IS NULL OR (max(n.made_at), coalesce(c.merged_into_id, c.id, -n.id)) < (%(before)s, %(before_id)s)
ORDER BY at DESC, shown_id DESC LIMIT %(limit)s
"""
_LINES = """
SELECT coalesce(c.merged_into_id, c.id, -n.id), n.kind, n.actor_id, a.name, n.read_at IS NULL, count(*), max(n.made_at),
       (array_agg(n.data ORDER BY n.id DESC))[1]
FROM notices_notice n LEFT JOIN inbox_case c ON c.id = n.case_id
LEFT JOIN staff_user a ON a.id = n.actor_id
WHERE n.user_id = %(user)s AND n.brand_id = ANY(%(brands)s::bigint[])
  AND (n.case_id = ANY(%(cases)s::bigint[]) OR c.merged_into_id = ANY(%(cases)s::bigint[])
       OR n.case_id IS NULL AND n.id = ANY(%(apart)s::bigint[]))
  AND (%(ids)s::bigint[] IS NULL AND n.in_desk OR n.id = ANY(%(ids)s::bigint[]))
  AND (NOT %(unread)s OR n.read_at IS NULL)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 7 DESC
"""
_CASES = """
SELECT c.id, b.name, p.name, c.preview, c.priority, '{}'::jsonb
FROM inbox_case c JOIN brands_brand b ON b.id = c.brand_id JOIN contacts_contact p ON p.id = c.contact_id
WHERE c.id = ANY(%(cases)s::bigint[])
UNION ALL
SELECT -n.id, b.name, '', '', 0, n.data
FROM notices_notice n JOIN brands_brand b ON b.id = n.brand_id WHERE n.id = ANY(%(apart)s::bigint[])
"""


def news(*, user: User, unread: bool, after: str | None = None) -> NewsPage:
    """A page of the cases that ``user`` is told of in the desk, the newest first. Three queries."""
    before, before_id = _cursor(after)
    given: dict[str, Any] = {
        "user": user.pk,
        "brands": array(brand_ids_for(user, Permission.VIEW_CASES)),
        "unread": unread,
        "before": before,
        "before_id": before_id,
        "limit": PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAGE_OF_CASES, given)
        rows = cursor.fetchall()
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    found = _told(user, [row[0] for row in rows], unread=unread, ids=None)
    last = rows[-1] if more else None
    return NewsPage(tuple(found), f"{last[1].isoformat()}_{last[0]}" if last else None)


def news_of(*, user: User, notice_ids: Collection[int]) -> list[CaseNews]:
    """What of these notices ``user`` has still not seen and may still see, by case."""
    rows = Notice.objects.filter(
        user=user,
        id__in=notice_ids,
        read_at=None,
        brand_id__in=brand_ids_for(user, Permission.VIEW_CASES),
    ).values_list("id", "case_id", "case__merged_into_id")
    cases = sorted({merged or case_id or -pk for pk, case_id, merged in rows})
    return _told(user, cases, unread=True, ids=notice_ids)


def _told(
    user: User, case_ids: Sequence[int], *, unread: bool, ids: Collection[int] | None
) -> list[CaseNews]:
    if not case_ids:
        return []
    given: dict[str, Any] = {
        "user": user.pk,
        "brands": array(brand_ids_for(user, Permission.VIEW_CASES)),
        "cases": array(case_id for case_id in case_ids if case_id > 0),
        "apart": array(-case_id for case_id in case_ids if case_id < 0),
        "unread": unread,
        "ids": None if ids is None else array(ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CASES, given)
        facts = {row[0]: row for row in cursor.fetchall()}
        cursor.execute(_LINES, given)
        lines = cursor.fetchall()
    found: dict[int, CaseNews] = {}
    for case_id, kind, actor_id, name, is_unread, count, at, data in lines:
        _id, brand, contact, preview, priority, about = facts[case_id]
        many = int(_loaded(about).get("n", 1))
        if case_id < 0:
            contact = _loaded(about).get("name") or _cases(many)
        case = found.setdefault(
            case_id, CaseNews(case_id, brand, contact, preview, priority, at=at, unread=False)
        )
        case.unread |= is_unread
        by_customer = kind in BY_CUSTOMER
        own = actor_id is not None and _loaded(data).get("to") == actor_id
        line = Line(NoticeKind(kind), count, contact if by_customer else name or "", own, many)
        case.lines.append(Told(line.kind, says(line), at, is_unread, _loaded(data)))
    return sorted(found.values(), key=lambda one: (one.at, one.case_id), reverse=True)


def _cases(n: int) -> str:
    return ngettext("%(n)d case", "%(n)d cases", n) % {"n": n}


def _loaded(data: Any) -> dict[str, Any]:
    # Django's cursor leaves JSON as text.
    loaded = json.loads(data) if isinstance(data, str) else data
    return loaded if isinstance(loaded, dict) else {}


def _cursor(after: str | None) -> tuple[datetime | None, int]:
    """Where a page begins; the first one for what cannot be read."""
    moment, _sep, case_id = (after or "").partition("_")
    try:
        return datetime.fromisoformat(moment), int(case_id[:18])
    except ValueError:
        return None, 0


def preferences_of(user: User) -> Preferences:
    """What somebody chose, or the defaults; not stored by asking."""
    return Preferences.objects.filter(user=user).first() or Preferences(user=user)


def choices_of(user: User) -> dict[NoticeKind, frozenset[str]]:
    """For every kind the ways in which ``user`` is told."""
    chosen = {one.kind: one for one in Choice.objects.filter(user=user)}
    is_lead = bool(brand_ids_for(user, Permission.MANAGE_LISTENING))
    ways: dict[NoticeKind, frozenset[str]] = {}
    for kind, spec in KINDS.items():
        own = chosen.get(kind)
        if own is None:
            told = not spec.leads or is_lead
            ways[kind] = frozenset(str(way) for way in spec.ways if told)
        else:
            ways[kind] = frozenset(way for way in ("desk", "push", "mail") if getattr(own, way))
    return ways


def devices_of(user: User) -> list[Device]:
    """The devices that take pushes for ``user``, the newest first."""
    return list(Device.objects.filter(user=user))
