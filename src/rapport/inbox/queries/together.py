"""Who follows a case, and what somebody should hear about whom it went to."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from rapport.inbox.models import Case, CaseEvent, CaseFollow, CaseHandover
from rapport.staff.models import User

SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Followers:
    """``names``: of the first who follow, the reader among them or not; ``more``: how many others do."""

    following: bool
    names: tuple[str, ...]
    more: int


def followers(*, case: Case, reader: User) -> Followers:
    """Who follows the case among those who may still see it, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT u.id = %(reader)s, u.name, count(*) OVER ()
            FROM inbox_casefollow f JOIN staff_user u ON u.id = f.user_id
            WHERE f.case_id = %(case)s AND NOT f.muted AND u.is_active AND (u.is_superuser OR EXISTS (
                SELECT FROM staff_membership m WHERE m.user_id = u.id AND m.brand_id = %(brand)s))
            ORDER BY u.id = %(reader)s DESC, u.name, u.id LIMIT %(shown)s
            """,
            {"reader": reader.id, "case": case.id, "brand": case.brand_id, "shown": SHOWN},
        )
        found = cursor.fetchall()
    return Followers(
        following=bool(found) and found[0][0],
        names=tuple(name for _me, name, _all in found),
        more=(found[0][2] if found else 0) - len(found),
    )


def follower_ids(*, case_id: int) -> list[int]:
    """Everybody who follows the case."""
    rows = CaseFollow.objects.filter(case_id=case_id, muted=False).order_by("user_id")
    return list(rows.values_list("user_id", flat=True))


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A handover that is still to be heard of. ``mine``: the reader is whom it concerns."""

    handover: CaseHandover
    mine: bool


def passed(*, case: Case, reader: User) -> Passed | None:
    """What stands at the top of the case about whom it went to, in one query or two.

    A handover with a note: for everybody, until whoever has the case now acts. One without: for whoever had
    the case, until they have read it or have it back.
    """
    newest = (
        CaseHandover.objects.filter(case=case, done_at=None)
        .filter(Q(note__isnull=False) | Q(former=reader))
        .select_related("made_by", "person", "team", "note")
        .defer("made_by__password", "person__password")
        .order_by("-id")
        .first()
    )
    if newest is None:
        return None
    if newest.note_id is None:
        gone = case.assignee_id != reader.id and case.assignee_id == newest.person_id
        return Passed(handover=newest, mine=True) if gone else None
    if newest.person_id != case.assignee_id or _acted(newest):
        return None
    if newest.person_id is not None:
        return Passed(handover=newest, mine=newest.person_id == reader.id)
    of_team = newest.team is not None and newest.team.members.filter(id=reader.id).exists()
    return Passed(handover=newest, mine=of_team)


def _acted(handover: CaseHandover) -> bool:
    """Whether whoever it was handed to has done something since: of a team, anybody but the giver."""
    since = CaseEvent.objects.filter(case_id=handover.case_id, recorded_at__gt=handover.made_at)
    if handover.person_id is None:
        return since.filter(actor__isnull=False).exclude(actor=handover.made_by).exists()
    return since.filter(actor=handover.person_id).exists()
