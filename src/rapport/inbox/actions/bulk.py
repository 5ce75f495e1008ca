"""Doing one thing to many cases at once: locked together, decided each by itself, written together.

A case that somebody changed since it was picked is left alone and named, unless it already is as wanted;
so are cases whose state does not allow it. The rest is done in one transaction, with an event and an
audit entry for each, and can be undone as one (``bulk_undo.py``). The number of statements does not
depend on the number of cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record_many
from rapport.inbox.models import BulkAct, Case, CaseEvent, CaseEventKind, CaseStatus
from rapport.lib.errors import ActionError, Conflict, Invalid
from rapport.lib.live import notify_desk
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

MOST_CASES = 500
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Pick:
    """A case that somebody picked, and the version they saw (None: any)."""

    case_id: int
    version: int | None = None


@dataclass(frozen=True)
class Left:
    """A case that was left as it is, whose it is, and why. ``version`` is the one it has now."""

    case_id: int
    name: str
    why: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """``act_id`` names what was done, for undoing it; None when nothing was. ``same``: how many cases
    were as wanted before. ``missing``: how many do not exist for this person."""

    act_id: int | None
    done: tuple[int, ...]
    same: int = 0
    missing: int = 0
    left: tuple[Left, ...] = ()


@dataclass(frozen=True)
class Step:
    """What happens to one case: columns to set, and the event that tells it."""

    kind: CaseEventKind
    fields: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


Decide = Callable[[Case], Step | None]


def check_number(picks: Sequence[Pick]) -> None:
    """Raise Invalid for none, or for more than can be done at once."""
    if not picks:
        raise Invalid(_("Pick some cases first."))
    if len(picks) > MOST_CASES:
        raise Invalid(
            _("%(n)s cases are too many at once. Pick up to %(limit)s, then do it again for the others.")
            % {"n": len(picks), "limit": MOST_CASES}
        )


def lock_cases(*, actor: User, case_ids: Sequence[int]) -> list[Case]:
    """Those of the cases that ``actor`` may work on, locked, with their contacts; in the order of their ids."""
    return list(
        Case.objects.select_for_update(no_key=True, of=("self",))
        .select_related("contact")
        .filter(id__in=case_ids, brand_id__in=brand_ids_for(actor, Permission.WORK_CASES))
        .order_by("id")
    )


def change_cases(
    *,
    actor: User,
    picks: Sequence[Pick],
    what: str,
    data: Mapping[str, Any],
    prepare: Callable[[Sequence[Case]], Decide],
    finish: Callable[[Sequence[Case]], None] | None = None,
    as_one: Callable[[int, Sequence[tuple[Case, Step]]], list[tuple[Case, Step]]] | None = None,
) -> Outcome:
    """Apply to each picked case what ``prepare`` decides, in one transaction.

    ``prepare`` is given all cases, locked, and may fetch what it needs for all of them; what it returns
    is asked for each, as ``decide`` of ``change_case`` is. ``finish`` writes what is no column of a case.
    ``as_one`` gets the act's id and the steps, and returns the steps as they are to be told.
    """
    check_number(picks)
    versions = {pick.case_id: pick.version for pick in picks}
    with transaction.atomic():
        cases = lock_cases(actor=actor, case_ids=list(versions))
        decide = prepare(cases)
        steps: list[tuple[Case, Step]] = []
        left: list[Left] = []
        same = 0
        for case in cases:
            try:
                step = _decided(case, versions[case.id], decide)
            except ActionError as error:
                left.append(Left(case.id, case.contact.name, str(error), case.version))
                continue
            if step is None:
                same += 1
            else:
                steps.append((case, step))
        act_id = None
        if steps:
            act_id = _remember(actor, what, data, steps)
            if finish is not None:
                finish([case for case, _step in steps])
            if as_one is not None:
                steps = as_one(act_id, steps)
            write(actor=actor, steps=steps)
    return Outcome(
        act_id=act_id,
        done=tuple(case.id for case, _step in steps),
        same=same,
        missing=len(versions) - len(cases),
        left=tuple(left),
    )


def _decided(case: Case, version: int | None, decide: Decide) -> Step | None:
    if case.status == CaseStatus.MERGED:
        raise Conflict(_("merged into another case"))
    step = decide(case)
    if step is not None and version is not None and case.version != version:
        raise Conflict(_("changed since you picked it"))
    return step


def _remember(actor: User, what: str, data: Mapping[str, Any], steps: Sequence[tuple[Case, Step]]) -> int:
    BulkAct.objects.filter(actor=actor, created_at__lt=timezone.now() - KEPT).delete()
    before = {
        str(case.id): {
            name: [plain(getattr(case, name)), plain(value)] for name, value in step.fields.items()
        }
        for case, step in steps
    }
    return BulkAct.objects.create(actor=actor, what=what, data=dict(data), before=before).id


def plain(value: Any) -> Any:
    """A column's value as JSON can hold it."""
    return value.isoformat() if isinstance(value, datetime) else value


def write(*, actor: User, steps: Sequence[tuple[Case, Step]]) -> None:
    """Write the columns, the events, the audit entries and the hints of all these steps.

    Cases that get the same values share a statement: one or two for anything that is done at once.
    """
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    by_brand: dict[int, list[int]] = defaultdict(list)
    for case, step in steps:
        alike[tuple(step.fields.items())].append(case.id)
        by_brand[case.brand_id].append(case.id)
    for values, case_ids in alike.items():
        Case.objects.filter(id__in=case_ids).update(version=F("version") + 1, **dict(values))
    tell_all(actor=actor, steps=steps)
    for brand_id, case_ids in by_brand.items():
        notify_desk(brand_id=brand_id, case_ids=case_ids)


def tell_all(*, actor: User, steps: Sequence[tuple[Case, Step]]) -> None:
    """The event and the audit entry of each step."""
    now = timezone.now()
    CaseEvent.objects.bulk_create(
        CaseEvent(
            case_id=case.id,
            brand_id=case.brand_id,
            kind=step.kind,
            at=now,
            actor=actor,
            data=dict(step.data),
        )
        for case, step in steps
    )
    record_many(
        (f"case.{step.kind}", actor.id, case.brand_id, "case", case.id, dict(step.data))
        for case, step in steps
    )
