"""How every change of a case is made: locked, checked, counted, told, audited, announced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.inbox.access import access_case
from rapport.inbox.models import Case, CaseEvent, CaseEventKind, CaseStatus
from rapport.lib.errors import Conflict
from rapport.lib.live import notify_desk
from rapport.staff.models import User
from rapport.staff.permissions import Permission


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to a case: columns to set, and the event that tells it. ``data`` holds ids and
    codes only, because it goes to the audit log too."""

    kind: CaseEventKind
    fields: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def lock_case(*, case_id: int, follow_merge: bool = False) -> Case:
    """The case with its row locked, inside the caller's transaction.

    A merged case takes no more changes: raises :class:`~rapport.lib.errors.Conflict`, or with
    ``follow_merge`` locks and returns the case it went into.
    """
    case = Case.objects.select_for_update(no_key=True).get(id=case_id)
    while case.merged_into_id is not None:
        if not follow_merge:
            raise Conflict(
                _("This case was merged into case %(target)s. Open that one instead.")
                % {"target": case.merged_into_id}
            )
        case = Case.objects.select_for_update(no_key=True).get(id=case.merged_into_id)
    if case.status == CaseStatus.MERGED:
        raise Conflict(_("This case was merged into another one."))
    return case


def check_version(*, case: Case, expected: int | None) -> None:
    """Refuse when somebody changed the case since ``expected`` was seen; None asks for no check."""
    if expected is not None and case.version != expected:
        raise Conflict(
            _("Somebody changed this case in the meantime. Look at what is new, then do it again.")
        )


def bump(*, case: Case, fields: Mapping[str, Any]) -> None:
    """Set columns of a locked case and count its version up; the object given is brought up to date."""
    updated = Case.objects.filter(id=case.id, version=case.version).update(
        version=F("version") + 1, **dict(fields)
    )
    if not updated:
        # Only a caller that did not lock the row gets here.
        raise Conflict(_("Somebody changed this case in the meantime."))
    case.version += 1
    for name, value in fields.items():
        setattr(case, name, value)


def change_case(
    *,
    actor: User,
    case_id: int,
    expected_version: int | None,
    decide: Callable[[Case], Change | None],
    permission: Permission = Permission.WORK_CASES,
    follow_merge: bool = False,
) -> Case:
    """Apply what ``decide`` says to the locked case, in one transaction.

    ``decide`` raises when the case's state does not allow it, and returns None when the case already
    is as wanted: then nothing is written, and a version that is behind does no harm. It may write
    rows of its own, which commit with the change.
    """
    access_case(user=actor, case_id=case_id, permission=permission)
    with transaction.atomic():
        case = lock_case(case_id=case_id, follow_merge=follow_merge)
        change = decide(case)
        if change is None:
            return case
        if case.id == case_id:  # of the case a merge led to, nobody has seen a version
            check_version(case=case, expected=expected_version)
        bump(case=case, fields=change.fields)
        tell(case=case, actor=actor, change=change)
    return case


def tell(*, case: Case, actor: User, change: Change) -> None:
    """Write the event and the audit entry of a change, and let open desks know."""
    CaseEvent.objects.create(
        case_id=case.id,
        brand_id=case.brand_id,
        kind=change.kind,
        at=timezone.now(),
        actor=actor,
        data=dict(change.data),
    )
    record(
        action=f"case.{change.kind}",
        actor_id=actor.id,
        brand_id=case.brand_id,
        object_type="case",
        object_id=case.id,
        data=dict(change.data),
    )
    notify_desk(brand_id=case.brand_id, case_ids=[case.id])
