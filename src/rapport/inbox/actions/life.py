"""A case's life: open, snoozed, closed, and back. Merged is final."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox import cases, joining
from rapport.inbox.access import access_case
from rapport.inbox.actions.change import Change, change_case
from rapport.inbox.models import Case, CaseEventKind, CaseStatus, CloseReason
from rapport.inbox.queries.answered import answered_among
from rapport.inbox.queries.reasons import is_reason
from rapport.lib.errors import Conflict, Invalid
from rapport.lib.live import notify_desk
from rapport.staff.models import User
from rapport.staff.permissions import Permission

LONGEST_SNOOZE = timedelta(days=365)
_WAKE_BATCH = 1000


def check_snooze(until: datetime) -> None:
    """Raise Invalid for a time without a zone, in the past, or a year away."""
    if timezone.is_naive(until):
        raise Invalid(_("Say in which time zone that is."))
    now = timezone.now()
    if until <= now:
        raise Invalid(_("Choose a time in the future."))
    if until >= now + LONGEST_SNOOZE:
        raise Invalid(_("Choose a time less than a year away."))


def snooze_case(*, actor: User, case_id: int, until: datetime, expected_version: int | None = None) -> Case:
    """Put the case away until a time with a zone, in the future and less than a year away."""
    check_snooze(until)

    def decide(case: Case) -> Change | None:
        if case.status == CaseStatus.CLOSED:
            raise Conflict(_("This case is closed. Reopen it first."))
        if case.status == CaseStatus.SNOOZED and case.snoozed_until == until:
            return None
        return Change(
            kind=CaseEventKind.SNOOZED,
            fields={"status": CaseStatus.SNOOZED, "snoozed_until": until},
            data={"until": until.isoformat()},
        )

    return change_case(actor=actor, case_id=case_id, expected_version=expected_version, decide=decide)


def close_case(
    *, actor: User, case_id: int, reason: CloseReason | str, expected_version: int | None = None
) -> Case:
    """Close the case and say why: one of the reasons everybody has, or the code of one of the brand's own.

    It cannot be closed as answered while its contact waits and the brand has never answered them.
    ``waiting_since`` follows the messages alone and stays as it is, so reopening undoes closing.
    """
    brand_id = access_case(user=actor, case_id=case_id, permission=Permission.WORK_CASES).brand_id
    if not is_reason(str(reason), brand_id=brand_id):
        raise Invalid(_("Say why the case can be closed."))

    def decide(case: Case) -> Change | None:
        if case.status == CaseStatus.CLOSED:
            if case.close_reason == reason:
                return None
            raise Conflict(_("This case is already closed, with another reason. Reopen it first."))
        if (
            reason == CloseReason.ANSWERED
            and case.waiting_since is not None
            and not answered_among([case.id])
        ):
            raise Invalid(
                _(
                    "This customer waits and was never answered. Answer first, or close with the reason that "
                    "is true. To answer and close in one go, send the reply with “close afterwards”."
                )
            )
        return Change(
            kind=CaseEventKind.CLOSED,
            fields={
                "status": CaseStatus.CLOSED,
                "closed_at": timezone.now(),
                "settled_at": timezone.now(),
                "close_reason": str(reason),
                "snoozed_until": None,
            },
            data={"reason": str(reason), "was_waiting": case.waiting_since is not None},
        )

    return change_case(actor=actor, case_id=case_id, expected_version=expected_version, decide=decide)


def reopen_case(*, actor: User, case_id: int, expected_version: int | None = None) -> Case:
    """Bring a closed or snoozed case back to work; this is also how closing is undone.

    Who waits is asked of the messages anew: it may have been forgotten while the case was closed.
    """

    def decide(case: Case) -> Change | None:
        if case.status == CaseStatus.OPEN:
            return None
        if case.status == CaseStatus.SNOOZED:
            return Change(kind=CaseEventKind.WOKE, fields={"status": CaseStatus.OPEN, "snoozed_until": None})
        return Change(
            kind=CaseEventKind.REOPENED,
            fields={
                "status": CaseStatus.OPEN,
                "closed_at": None,
                "close_reason": "",
                "settled_at": None,
            },
            data={"reason": case.close_reason},
        )

    access_case(user=actor, case_id=case_id, permission=Permission.WORK_CASES)
    with transaction.atomic():
        joining.lock_threads([case_id])
        case = change_case(actor=actor, case_id=case_id, expected_version=expected_version, decide=decide)
        if case.status == CaseStatus.OPEN and case.settled_at is None:
            cases.write(channel_id=case.channel_id, case_ids=[case.id])
            case.refresh_from_db()
    return case


def wake_due_cases() -> int:
    """Reopen snoozed cases whose time has come, at most a thousand. Returns how many it reopened.

    Rows that another worker or an agent has locked are left to the next run.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH due AS (
                    SELECT id FROM inbox_case
                    WHERE status = 'snoozed' AND snoozed_until <= %(now)s
                    ORDER BY snoozed_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
                ), woken AS (
                    UPDATE inbox_case c SET status = 'open', snoozed_until = NULL, version = version + 1
                    FROM due WHERE c.id = due.id RETURNING c.id, c.brand_id
                ), told AS (
                    INSERT INTO inbox_caseevent (case_id, brand_id, kind, at)
                    SELECT id, brand_id, 'woke', %(now)s FROM woken
                )
                SELECT brand_id, array_agg(id) FROM woken GROUP BY brand_id
                """,
                {"now": timezone.now(), "limit": _WAKE_BATCH},
            )
            woken = cursor.fetchall()
        for brand_id, case_ids in woken:
            notify_desk(brand_id=brand_id, case_ids=case_ids)
    return sum(len(case_ids) for _brand, case_ids in woken)
