"""Undoing what was done to many cases at once, as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from rapport.inbox.actions.as_one import name_deed, take_back
from rapport.inbox.actions.bulk import Left, Outcome, Step, lock_cases, plain, tell_all
from rapport.inbox.actions.bulk_work import put_tags, take_tags
from rapport.inbox.actions.joining import part_cases
from rapport.inbox.models import BulkAct, Case, CaseEventKind, CaseStatus, Tag
from rapport.lib.errors import Conflict, NotFound
from rapport.lib.live import notify_desk
from rapport.staff.models import User

_TIMES = {"closed_at", "settled_at", "snoozed_until"}


def undo_bulk(*, actor: User, act_id: int) -> Outcome:
    """Give back to every case of an act of ``actor``'s what stood there before it, exactly.

    A case in which somebody changed the same since is left and named; a customer who merely wrote is no
    reason to leave it. Raises NotFound for somebody else's act, or one older than a day, and Conflict when
    it is undone already.
    """
    with transaction.atomic():
        act = BulkAct.objects.select_for_update().filter(id=act_id, actor=actor).first()
        if act is None:
            raise NotFound(_("That can no longer be undone."))
        if act.undone_at is not None:
            raise Conflict(_("That is undone already."))
        if act.what == "merge":
            return _part(actor, act)
        before: Mapping[str, Mapping[str, tuple[Any, Any]]] = act.before
        cases = lock_cases(actor=actor, case_ids=[int(case_id) for case_id in before])
        step_of = _TAGS[act.what](act, cases) if act.what in _TAGS else _columns
        steps: list[tuple[Case, Step]] = []
        left: list[Left] = []
        for case in cases:
            step = step_of(case, before[str(case.id)])
            if step is None:
                left.append(Left(case.id, case.contact.name, _("changed by a colleague since"), case.version))
            else:
                steps.append((case, step))
        if act.what == "assign":
            take_back(actor=actor, act=act, steps=steps)
            steps = name_deed(f"{act.id}-undone", steps)
        _restore(actor, steps)
        act.undone_at = timezone.now()
        act.save(update_fields=["undone_at"])
    return Outcome(
        act_id=None,
        done=tuple(case.id for case, _step in steps),
        missing=len(before) - len(cases),
        left=tuple(left),
    )


def _part(actor: User, act: BulkAct) -> Outcome:
    """Take merged cases out again, the last one first. Raises what ``part_cases`` raises; then none is."""
    sources = sorted((int(case_id) for case_id in act.before), reverse=True)
    for source in sources:
        part_cases(actor=actor, case_id=source)
    act.undone_at = timezone.now()
    act.save(update_fields=["undone_at"])
    return Outcome(act_id=None, done=(act.data["into"], *sources))


def _columns(case: Case, was: Mapping[str, tuple[Any, Any]]) -> Step | None:
    """Back to what stood in the columns, None when something else than the act made of them stands there."""
    if any(plain(getattr(case, name)) != after for name, (_before, after) in was.items()):
        return None
    fields = {name: _value(name, before) for name, (before, _after) in was.items()}
    kind, data = _told(case, fields)
    return Step(kind, fields, data)


def _value(name: str, stored: Any) -> Any:
    return parse_datetime(stored) if name in _TIMES and stored is not None else stored


def _told(case: Case, fields: Mapping[str, Any]) -> tuple[CaseEventKind, dict[str, Any]]:
    """The event that tells what ``fields`` make of the case."""
    if "priority" in fields:
        return CaseEventKind.PRIORITISED, {"from": int(case.priority), "to": fields["priority"]}
    if "assignee_id" in fields:
        return CaseEventKind.ASSIGNED, {
            "from": case.assignee_id,
            "to": fields["assignee_id"],
            "from_team": case.team_id,
            "to_team": fields.get("team_id", case.team_id),
        }
    match fields["status"]:
        case CaseStatus.CLOSED:
            return CaseEventKind.CLOSED, {
                "reason": fields["close_reason"],
                "was_waiting": case.waiting_since is not None,
            }
        case CaseStatus.SNOOZED:
            return CaseEventKind.SNOOZED, {"until": fields["snoozed_until"].isoformat()}
    if case.status == CaseStatus.SNOOZED:
        return CaseEventKind.WOKE, {}
    return CaseEventKind.REOPENED, {"reason": case.close_reason}


_Steps = Callable[[Case, Mapping[str, tuple[Any, Any]]], Step | None]


def _untag(act: BulkAct, cases: list[Case]) -> _Steps:
    tags, has = _tags_of(act, cases)
    take_tags([(case.id, tags[case.brand_id].id) for case in cases if case.id in has])

    def step(case: Case, _was: Mapping[str, tuple[Any, Any]]) -> Step | None:
        if case.id not in has:
            return None
        tag = tags[case.brand_id]
        return Step(CaseEventKind.UNTAGGED, {}, {"tag": tag.id, "name": tag.name})

    return step


def _tag(act: BulkAct, cases: list[Case]) -> _Steps:
    tags, has = _tags_of(act, cases)
    put_tags([(case.id, tags[case.brand_id].id) for case in cases if case.brand_id in tags])

    def step(case: Case, _was: Mapping[str, tuple[Any, Any]]) -> Step | None:
        if case.id in has or case.brand_id not in tags:
            return None
        tag = tags[case.brand_id]
        return Step(CaseEventKind.TAGGED, {}, {"tag": tag.id, "name": tag.name})

    return step


def _tags_of(act: BulkAct, cases: list[Case]) -> tuple[dict[int, Tag], set[int]]:
    """The tag of that name by brand, and the cases that have it."""
    found = Tag.objects.filter(brand_id__in={case.brand_id for case in cases}, name__iexact=act.data["name"])
    tags = {tag.brand_id: tag for tag in found}
    rows = Case.tags.through.objects.filter(
        case_id__in=[case.id for case in cases], tag_id__in=[tag.id for tag in tags.values()]
    )
    return tags, set(rows.values_list("case_id", flat=True))


_TAGS: dict[str, Callable[[BulkAct, list[Case]], _Steps]] = {"tag": _untag, "untag": _tag}


def _restore(actor: User, steps: list[tuple[Case, Step]]) -> None:
    if not steps:
        return
    names = {"version"}
    by_brand: dict[int, list[int]] = {}
    tell_all(actor=actor, steps=steps)
    for case, step in steps:
        case.version += 1
        for name, value in step.fields.items():
            setattr(case, name, value)
            names.add(name)
        by_brand.setdefault(case.brand_id, []).append(case.id)
    Case.objects.bulk_update([case for case, _step in steps], sorted(names))
    for brand_id, case_ids in by_brand.items():
        notify_desk(brand_id=brand_id, case_ids=case_ids)
