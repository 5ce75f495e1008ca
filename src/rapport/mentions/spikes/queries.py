"""Alerts for pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from rapport.contacts.models import Contact
from rapport.inbox.models import Case
from rapport.mentions.models import Alert, AlertSetting, Mention
from rapport.notices.kinds import KINDS, NoticeKind, Way
from rapport.notices.models import Choice
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

PAGE = 30
_CONTACTS = 8


@dataclass(frozen=True)
class AlertPage:
    """``after``: where the next page begins; None when there is none."""

    alerts: Sequence[Alert]
    after: str | None


@dataclass(frozen=True)
class Hour:
    """One bar of the chart. ``share`` and ``usual`` are parts of its height, 0 to 100."""

    at: datetime
    seen: int
    expected: float
    share: float
    usual: float


def alerts_of(*, user: User, after: str | None = None) -> AlertPage:
    """Of the brands that ``user`` may see, the newest first. Two queries."""
    found = (
        Alert.objects.filter(brand_id__in=brand_ids_for(user, Permission.VIEW_CASES))
        .select_related("brand", "query")
        .order_by("-began_at", "-id")
    )
    moment, _sep, alert_id = (after or "").partition("_")
    try:
        at, last = datetime.fromisoformat(moment), int(alert_id[:18])
    except ValueError:
        pass
    else:
        if timezone.is_aware(at):
            found = found.filter(Q(began_at__lt=at) | Q(began_at=at, id__lt=last))
    rows = list(found[: PAGE + 1])
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return AlertPage(rows, f"{rows[-1].began_at.isoformat()}_{rows[-1].pk}" if more else None)


def told_on_pages(user: User) -> list[Alert]:
    """What goes on and nobody has taken on, for leads who did not choose otherwise. Two queries at most."""
    brands = brand_ids_for(user, Permission.MANAGE_LISTENING)
    if not brands:
        return []
    now = timezone.now()
    found = list(
        Alert.objects.filter(brand_id__in=brands, ended_at=None, acknowledged_at=None)
        .filter(Q(muted_until=None) | Q(muted_until__lte=now))
        .select_related("brand", "query")
        .order_by("-found_at")[:5]
    )
    if not found:
        return []
    own = Choice.objects.filter(user=user, kind=NoticeKind.ALERT).values_list("desk", flat=True).first()
    return found if (Way.DESK in KINDS[NoticeKind.ALERT].ways if own is None else own) else []


def posts_of(alert: Alert) -> list[tuple[Mention, int]]:
    """The leading mentions, each with how often it was said; what was deleted since is left out. One query."""
    told = {int(mention_id): count for mention_id, count in alert.about.get("posts", [])}
    found = {
        one.pk: one
        for one in Mention.objects.filter(
            pk__in=told, brand_id=alert.brand_id, post__deleted_at=None
        ).select_related("post")
    }
    return [(found[mention_id], count) for mention_id, count in told.items() if mention_id in found]


def contacts_of(alert: Alert) -> tuple[int, list[Contact]]:
    """How many people take part who have a case with the alert's brand, and some of them. One query."""
    ids: Collection[int] = alert.about.get("contacts", [])
    theirs = Case.objects.filter(contact=OuterRef("pk"), brand=alert.brand_id)
    found = list(Contact.objects.filter(Exists(theirs), pk__in=ids).order_by("name"))
    return len(found), [one for one in found if one.name][:_CONTACTS]


def hours_of(alert: Alert) -> list[Hour]:
    """The chart: what was seen and what is normal, hour by hour."""
    rows: list[list[Any]] = alert.about.get("hours", [])
    top = max([1.0, *(max(float(seen), float(usual)) for _at, seen, usual in rows)])
    found = []
    for at, seen, usual in rows:
        moment = parse_datetime(at)
        if moment is not None:
            found.append(Hour(moment, seen, usual, 100 * seen / top, 100 * usual / top))
    return found


def setting_of(brand_id: int) -> AlertSetting:
    """How a brand is alerted; the defaults where nobody chose."""
    return AlertSetting.objects.filter(brand_id=brand_id).first() or AlertSetting(brand_id=brand_id)


def verdicts_of(brand_id: int) -> tuple[int, int, int]:
    """Of a brand's alerts of all time: how many, how many were right, how many were noise."""
    rows = list(Alert.objects.filter(brand_id=brand_id).values_list("verdict", flat=True))
    return len(rows), rows.count("right"), rows.count("noise")
