"""What can be done to many cases at once. Each is as its namesake for one case; see ``bulk.py`` for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox import cases as cases_of_messages
from rapport.inbox import joining
from rapport.inbox.actions.as_one import name_deed, tell_former
from rapport.inbox.actions.bulk import Decide, Outcome, Pick, Step, change_cases, check_number
from rapport.inbox.actions.follow import would_begin
from rapport.inbox.actions.joining import merge_cases
from rapport.inbox.actions.life import check_snooze
from rapport.inbox.actions.work import clean_tag_name
from rapport.inbox.models import BulkAct, Case, CaseEventKind, CaseStatus, CloseReason, Priority, Tag
from rapport.inbox.queries.answered import answered_among
from rapport.inbox.queries.reasons import is_reason
from rapport.lib.errors import Conflict, Invalid
from rapport.staff.access import brand_ids_for, brands_for
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission

MOST_MERGED = 20


def assign_cases(
    *, actor: User, picks: Sequence[Pick], assignee_id: int | None = None, team_id: int | None = None
) -> Outcome:
    """Give the cases to a person, to a team, to both, or, with neither, to nobody.

    Without ``team_id`` a person gets each case and its team stays. Cases of brands for which the person
    cannot answer, or of which the team is not, are left. Whoever had some of them is told once of all.
    """
    begins: list[int] = []

    def prepare(cases: Sequence[Case]) -> Decide:
        if assignee_id is not None:
            begins.extend(case_id for case_id, _user in would_begin([(one.id, assignee_id) for one in cases]))
        answering = _brands_of_person(assignee_id)
        team_brand = (
            None
            if team_id is None
            else Team.objects.filter(id=team_id).values_list("brand_id", flat=True).first()
        )

        def decide(case: Case) -> Step | None:
            team = team_id if team_id is not None or assignee_id is None else case.team_id
            if (case.assignee_id, case.team_id) == (assignee_id, team):
                return None
            if assignee_id is not None and case.brand_id not in answering:
                raise Invalid(_("that person cannot answer for this brand"))
            if team_id is not None and case.brand_id != team_brand:
                raise Invalid(_("that team does not belong to this brand"))
            fields: dict[str, Any] = {"assignee_id": assignee_id}
            if team != case.team_id:
                fields["team_id"] = team
            return Step(
                CaseEventKind.ASSIGNED,
                fields,
                {
                    "from": case.assignee_id,
                    "to": assignee_id,
                    "from_team": case.team_id,
                    "to_team": team,
                },
            )

        return decide

    def as_one(act_id: int, steps: Sequence[tuple[Case, Step]]) -> list[tuple[Case, Step]]:
        tell_former(actor=actor, steps=steps)
        return name_deed(str(act_id), steps)

    return change_cases(
        actor=actor, picks=picks, what="assign", data={"begins": begins}, prepare=prepare, as_one=as_one
    )


def _brands_of_person(user_id: int | None) -> set[int]:
    person = User.objects.filter(id=user_id, is_active=True, is_bot=False).first() if user_id else None
    return set(brands_for(person, Permission.REPLY).values_list("id", flat=True)) if person else set()


def set_priorities(*, actor: User, picks: Sequence[Pick], priority: Priority | int) -> Outcome:
    """Say how urgent the cases are."""
    try:
        wanted = Priority(priority).value
    except ValueError:
        raise Invalid(_("There is no such priority.")) from None

    def decide(case: Case) -> Step | None:
        if case.priority == wanted:
            return None
        return Step(
            CaseEventKind.PRIORITISED, {"priority": wanted}, {"from": int(case.priority), "to": wanted}
        )

    return change_cases(actor=actor, picks=picks, what="priority", data={}, prepare=lambda _cases: decide)


def snooze_cases(*, actor: User, picks: Sequence[Pick], until: datetime) -> Outcome:
    """Put the cases away until a time with a zone, in the future and less than a year away."""
    check_snooze(until)

    def decide(case: Case) -> Step | None:
        if case.status == CaseStatus.CLOSED:
            raise Conflict(_("closed; reopen it first"))
        if case.status == CaseStatus.SNOOZED and case.snoozed_until == until:
            return None
        return Step(
            CaseEventKind.SNOOZED,
            {"status": CaseStatus.SNOOZED.value, "snoozed_until": until},
            {"until": until.isoformat()},
        )

    return change_cases(actor=actor, picks=picks, what="snooze", data={}, prepare=lambda _cases: decide)


def close_cases(*, actor: User, picks: Sequence[Pick], reason: CloseReason | str) -> Outcome:
    """Close the cases and say why. Cases whose contact waits and was never answered cannot be closed as
    answered, and are left."""
    now = timezone.now()

    def prepare(cases: Sequence[Case]) -> Decide:
        # Brands have reasons of their own; one query for each brand that has cases here.
        known = {one for one in {case.brand_id for case in cases} if is_reason(str(reason), brand_id=one)}
        if cases and not known:
            raise Invalid(_("Say why the cases can be closed."))
        asked = [case.id for case in cases if case.waiting_since and reason == CloseReason.ANSWERED]
        never_answered = set(asked) - answered_among(asked)

        def decide(case: Case) -> Step | None:
            if case.status == CaseStatus.CLOSED:
                if case.close_reason == reason:
                    return None
                raise Conflict(_("closed already, with another reason"))
            if case.brand_id not in known:
                raise Invalid(_("its brand does not have that reason"))
            if case.id in never_answered:
                raise Invalid(_("waits and was never answered"))
            fields = {
                "status": CaseStatus.CLOSED.value,
                "closed_at": now,
                "settled_at": now,
                "close_reason": str(reason),
                "snoozed_until": None,
            }
            data = {"reason": str(reason), "was_waiting": case.waiting_since is not None}
            return Step(CaseEventKind.CLOSED, fields, data)

        return decide

    return change_cases(actor=actor, picks=picks, what="close", data={}, prepare=prepare)


def reopen_cases(*, actor: User, picks: Sequence[Pick]) -> Outcome:
    """Bring closed and snoozed cases back to work."""

    def decide(case: Case) -> Step | None:
        if case.status == CaseStatus.OPEN:
            return None
        fields: dict[str, Any] = {"status": CaseStatus.OPEN.value, "snoozed_until": None}
        if case.status == CaseStatus.SNOOZED:
            return Step(CaseEventKind.WOKE, fields)
        fields |= {"closed_at": None, "close_reason": "", "settled_at": None}
        return Step(CaseEventKind.REOPENED, fields, {"reason": case.close_reason})

    with transaction.atomic():
        mine = Case.objects.filter(
            id__in=[pick.case_id for pick in picks],
            brand_id__in=brand_ids_for(actor, Permission.WORK_CASES),
        )
        joining.lock_threads(list(mine.values_list("id", flat=True)))
        outcome = change_cases(
            actor=actor, picks=picks, what="reopen", data={}, prepare=lambda _cases: decide
        )
        # Who waits is asked of the messages anew, as reopen_case does.
        settled = mine.filter(id__in=outcome.done, settled_at=None).values_list("id", "channel_id")
        if rows := list(settled):
            cases_of_messages.write(channel_id=rows[0][1], case_ids=[case_id for case_id, _channel in rows])
    return outcome


def merge_picked(*, actor: User, picks: Sequence[Pick]) -> Outcome:
    """Make one case of two or more of one brand and one customer: the oldest stays, the others point on.

    All or none: raises Conflict when one of them changed since it was picked, and what ``merge_cases``
    raises. Merging moves a case's whole history, so at most twenty at once.
    """
    check_number(picks)
    if not 2 <= len(picks) <= MOST_MERGED:
        raise Invalid(_("Pick two to %(limit)s cases to make one of them.") % {"limit": MOST_MERGED})
    versions = {pick.case_id: pick.version for pick in picks}
    target, *others = sorted(versions)
    with transaction.atomic():
        now = dict(Case.objects.filter(id__in=versions).values_list("id", "version"))
        if any(version not in (None, now.get(case_id)) for case_id, version in versions.items()):
            raise Conflict(_("One of these cases changed since you picked it, so nothing was merged."))
        for other in others:
            merge_cases(actor=actor, case_id=target, other_id=other)
        act = BulkAct.objects.create(
            actor=actor, what="merge", before={str(other): {} for other in others}, data={"into": target}
        )
    return Outcome(act_id=act.id, done=(target, *others))


def tag_cases(*, actor: User, picks: Sequence[Pick], name: str) -> Outcome:
    """Put a tag on the cases: each brand's own of that name, made on first use."""
    name = clean_tag_name(name)
    tags: dict[int, Tag] = {}

    def prepare(cases: Sequence[Case]) -> Decide:
        brand_ids = {case.brand_id for case in cases}
        tags.update(_tags(name, brand_ids))
        if missing := brand_ids - tags.keys():
            # Two people may name it first at the same time; the unique constraint keeps one.
            Tag.objects.bulk_create(
                [Tag(brand_id=brand_id, name=name) for brand_id in sorted(missing)], ignore_conflicts=True
            )
            tags.update(_tags(name, missing))
        has = _tagged(cases, tags)

        def decide(case: Case) -> Step | None:
            tag = tags[case.brand_id]
            if case.id in has:
                return None
            return Step(CaseEventKind.TAGGED, {}, {"tag": tag.id, "name": tag.name})

        return decide

    def finish(cases: Sequence[Case]) -> None:
        put_tags([(case.id, tags[case.brand_id].id) for case in cases])

    return change_cases(
        actor=actor, picks=picks, what="tag", data={"name": name}, prepare=prepare, finish=finish
    )


def untag_cases(*, actor: User, picks: Sequence[Pick], name: str) -> Outcome:
    """Take a tag off the cases, whichever brand's it is. The brands keep theirs."""
    name = clean_tag_name(name)
    tags: dict[int, Tag] = {}

    def prepare(cases: Sequence[Case]) -> Decide:
        tags.update(_tags(name, {case.brand_id for case in cases}))
        has = _tagged(cases, tags)

        def decide(case: Case) -> Step | None:
            tag = tags.get(case.brand_id)
            if tag is None or case.id not in has:
                return None
            return Step(CaseEventKind.UNTAGGED, {}, {"tag": tag.id, "name": tag.name})

        return decide

    def finish(cases: Sequence[Case]) -> None:
        take_tags([(case.id, tags[case.brand_id].id) for case in cases])

    return change_cases(
        actor=actor, picks=picks, what="untag", data={"name": name}, prepare=prepare, finish=finish
    )


def _tags(name: str, brand_ids: set[int]) -> dict[int, Tag]:
    found = Tag.objects.filter(brand_id__in=brand_ids, name__iexact=name)
    return {tag.brand_id: tag for tag in found}


def _tagged(cases: Sequence[Case], tags: dict[int, Tag]) -> set[int]:
    rows = Case.tags.through.objects.filter(
        case_id__in=[case.id for case in cases], tag_id__in=[tag.id for tag in tags.values()]
    )
    return set(rows.values_list("case_id", flat=True))


def put_tags(pairs: Sequence[tuple[int, int]]) -> None:
    """Put tags on cases, as ``(case, tag)``; those that are there already stay."""
    through = Case.tags.through
    through.objects.bulk_create(
        [through(case_id=case_id, tag_id=tag_id) for case_id, tag_id in pairs], ignore_conflicts=True
    )


def take_tags(pairs: Sequence[tuple[int, int]]) -> None:
    """Take tags off cases. A case has at most one of the tags named here."""
    Case.tags.through.objects.filter(
        case_id__in=[case_id for case_id, _tag in pairs], tag_id__in={tag_id for _case, tag_id in pairs}
    ).delete()
