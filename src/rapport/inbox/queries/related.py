"""What stands beside a case: the person's other cases, linked ones, and ones that may be the same matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, models
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from rapport.inbox.models import Case, CaseLink, CaseStatus
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

_OTHERS = 20
_LINKED = 20
_ALIKE = 5
_WEEK = timedelta(days=7)
_NEWEST = 500  # of the brand's open cases, so many are looked through for the same words


@dataclass(frozen=True, kw_only=True)
class Related:
    """``others``: the contact's newest other cases among the brands the person may see; ``total`` and ``open``
    count all of those, this case included. ``first_at`` and ``last_at``: when the contact was first and last
    heard. ``alike``: open cases of other people with the same newest words or link, of the last week."""

    others: tuple[Case, ...]
    total: int
    open: int
    first_at: datetime | None
    last_at: datetime | None
    linked: tuple[Case, ...]
    alike: tuple[Case, ...]


# The first address in a line. What is compared is one line of the newest message, as lists show it.
_LINK = r"https?://[^[:space:]<>()]{6,}"
_SAME = """
WITH newest AS MATERIALIZED (
    SELECT id, contact_id, preview FROM inbox_case
    WHERE brand_id = %(brand)s AND status = 'open' AND last_message_at >= %(since)s
    ORDER BY last_message_at DESC, id DESC LIMIT %(newest)s
)
SELECT id FROM newest
WHERE id <> %(case)s AND contact_id <> %(contact)s
  AND ((length(%(preview)s) >= 20 AND lower(preview) = lower(%(preview)s))
       OR substring(preview FROM %(link)s) = substring(%(preview)s FROM %(link)s))
LIMIT %(limit)s
"""


def related(*, user: User, case: Case, links: bool) -> Related:
    """What stands beside ``case``, among what ``user`` may see. ``links``: whether it is linked to any."""
    visible = Case.objects.filter(
        contact_id=case.contact_id, brand_id__in=brand_ids_for(user, Permission.VIEW_CASES)
    ).exclude(status=CaseStatus.MERGED)
    sums = visible.aggregate(
        total=Count("id"),
        open=Count("id", filter=Q(status=CaseStatus.OPEN)),
        first_at=Min("opened_at"),
        last_at=Max("last_message_at"),
    )
    linked = _linked(case) if links else []
    alike = _alike(case)
    wanted = {*linked, *alike}
    beside = (
        _with_names(Case.objects.filter(id__in=wanted, brand_id=case.brand_id)).in_bulk() if wanted else {}
    )
    itself = int(case.status != CaseStatus.MERGED)
    others = visible.exclude(id=case.id).order_by("-last_message_at", "-id")
    return Related(
        others=tuple(_with_names(others)[:_OTHERS]) if sums["total"] > itself else (),
        linked=tuple(beside[one] for one in linked if one in beside),
        alike=tuple(beside[one] for one in alike if one in beside and one not in linked),
        **sums,
    )


def _linked(case: Case) -> list[int]:
    links = CaseLink.objects.filter(Q(one_id=case.id) | Q(other_id=case.id)).values_list("one_id", "other_id")
    return [one if other == case.id else other for one, other in links[:_LINKED]]


def _with_names(found: models.QuerySet[Case]) -> models.QuerySet[Case]:
    return found.select_related("brand", "channel", "contact").defer("channel__credentials")


def _alike(case: Case) -> list[int]:
    if case.status == CaseStatus.MERGED or not case.preview:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _SAME,
            {
                "brand": case.brand_id,
                "since": timezone.now() - _WEEK,
                "newest": _NEWEST,
                "case": case.id,
                "contact": case.contact_id,
                "preview": case.preview,
                "link": _LINK,
                "limit": _ALIKE,
            },
        )
        return [row[0] for row in cursor.fetchall()]
