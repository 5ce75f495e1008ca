"""One matter that became two cases, and two matters in one: merge, split, link, and each of them undone."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox import joining, splitting
from rapport.inbox.access import access_case
from rapport.inbox.actions.change import Change, bump, check_version, tell
from rapport.inbox.models import Case, CaseEventKind, CaseLink, CaseMerge, CaseStatus, Message, Thread
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def merge_cases(*, actor: User, case_id: int, other_id: int, expected_version: int | None = None) -> Case:
    """Make the case ``other_id`` part of ``case_id``, with its threads, notes, replies and tags.

    Both must be of one brand and one person; the other one stays behind and points on. Returns the case
    that stays. :func:`part_cases` undoes it. Raises Invalid when they cannot be one.
    """
    with transaction.atomic():
        target, source = _both(actor, case_id, other_id)
        if source.merged_into_id == target.id:
            return target
        _refuse_merged(target, source)
        if source.contact_id != target.contact_id:
            raise Invalid(
                _(
                    "These cases are of two people, and each of them needs an answer. If it is one person, "
                    "join the two in the pane beside the case first; if not, link the cases."
                )
            )
        check_version(case=target, expected=expected_version)
        joining.join(source=source, target=target, actor=actor)
        _told(target, actor, CaseEventKind.MERGED, {"from": source.id})
        _told(source, actor, CaseEventKind.MERGED, {"into": target.id})
    return target


def part_cases(*, actor: User, case_id: int, expected_version: int | None = None) -> Case:
    """Take a case that was merged by a person out again: what came from it goes back, and the rest stays.

    Returns the case as it is again. ``expected_version`` is that of the case it went into. Raises Conflict
    when their threads have become one in the meantime.
    """
    seen = access_case(user=actor, case_id=case_id, permission=Permission.WORK_CASES)
    if seen.merged_into_id is None:
        return seen
    with transaction.atomic():
        target, source = _both(actor, seen.merged_into_id, case_id)
        merge = CaseMerge.objects.filter(source=source, target=target, undone_at=None).first()
        if merge is None or source.merged_into_id != target.id:
            raise Conflict(
                _("These cases are one because their conversations turned out to be one. That stays so.")
            )
        if target.merged_into_id is not None:
            raise Conflict(
                _("Case %(target)s was merged itself. Take that one out again first.") % {"target": target.id}
            )
        check_version(case=target, expected=expected_version)
        if not joining.part(merge=merge):
            raise Conflict(_("Their conversations have become one in the meantime, so they stay one case."))
        CaseMerge.objects.filter(id=merge.id).update(undone_at=timezone.now())
        _told(target, actor, CaseEventKind.PARTED, {"case": source.id})
        _told(source, actor, CaseEventKind.PARTED, {"case": target.id})
    return source


def split_case(*, actor: User, case_id: int, message_id: int, expected_version: int | None = None) -> Case:
    """Make a new case of a message and all that follows from it: what answers it and, in a private
    conversation, everything said later. Returns the new case, open and worked on by whoever has the old.

    :func:`unsplit_case` undoes it. Raises Invalid when nothing would stay in the old case.
    """
    access_case(user=actor, case_id=case_id, permission=Permission.WORK_CASES)
    with transaction.atomic():
        joining.lock_threads([case_id])
        case = Case.objects.select_for_update(no_key=True).get(id=case_id)
        _refuse_merged(case)
        check_version(case=case, expected=expected_version)
        message = Message.objects.filter(
            id=message_id, thread__case_threads__case_id=case.id, identity__contact_id=case.contact_id
        ).first()
        if message is None or message.from_brand:
            raise Invalid(_("A new case begins with a message of this customer. Choose one of theirs."))
        new = splitting.split(case=case, message=message)
        if new is None:
            raise Invalid(_("That is all there is in this case, so there is nothing to split."))
        data = {"thread": new.thread_id, "from_thread": new.from_thread_id, "message": message.id}
        _told(case, actor, CaseEventKind.SPLIT, {"to": new.case_id, **data})
        made = Case.objects.select_for_update(no_key=True).get(id=new.case_id)
        made.tags.set(case.tags.all())
        _told(made, actor, CaseEventKind.SPLIT, {"from": case.id, **data})
    return made


def unsplit_case(*, actor: User, case_id: int) -> Case:
    """Undo :func:`split_case`, named by the case it made; returns the old one, whole again."""
    made = access_case(user=actor, case_id=case_id, permission=Permission.WORK_CASES)
    event = made.events.filter(kind=CaseEventKind.SPLIT, data__has_key="from").order_by("-id").first()
    if event is None:
        raise Invalid(_("This case was not split from another one."))
    old_id = int(event.data["from"])
    if event.data.get("thread") is None:
        return merge_cases(actor=actor, case_id=old_id, other_id=case_id)
    access_case(user=actor, case_id=old_id, permission=Permission.WORK_CASES)
    with transaction.atomic():
        joining.lock_threads([case_id, old_id])
        old, made = _locked(old_id, case_id)
        _refuse_merged(old, made)
        thread = Thread.objects.get(id=event.data["thread"])
        into = Thread.objects.get(id=event.data["from_thread"])
        if thread.merged_into_id is not None or into.merged_into_id is not None:
            raise Conflict(_("These conversations have changed in the meantime. Merge the cases instead."))
        splitting.unsplit(thread=thread, into=into)
        _told(old, actor, CaseEventKind.MERGED, {"from": made.id})
    return old


def link_cases(*, actor: User, case_id: int, other_id: int) -> Case:
    """Say that two cases of a brand belong together, without making them one. Linked already is fine."""
    with transaction.atomic():
        case, other = _both(actor, case_id, other_id)
        _refuse_merged(case, other)
        one, two = sorted((case.id, other.id))
        _link, new = CaseLink.objects.get_or_create(one_id=one, other_id=two, defaults={"made_by": actor})
        if new:
            _told(case, actor, CaseEventKind.LINKED, {"case": other.id})
            _told(other, actor, CaseEventKind.LINKED, {"case": case.id})
    return case


def unlink_cases(*, actor: User, case_id: int, other_id: int) -> Case:
    """Undo :func:`link_cases`."""
    with transaction.atomic():
        case, other = _both(actor, case_id, other_id)
        one, two = sorted((case.id, other.id))
        gone, _rows = CaseLink.objects.filter(one_id=one, other_id=two).delete()
        if gone:
            _told(case, actor, CaseEventKind.UNLINKED, {"case": other.id})
            _told(other, actor, CaseEventKind.UNLINKED, {"case": case.id})
    return case


def _both(actor: User, case_id: int, other_id: int) -> tuple[Case, Case]:
    """Two cases of one brand that ``actor`` works on, with their channels and rows locked in an order that
    everybody keeps."""
    case = access_case(user=actor, case_id=case_id, permission=Permission.WORK_CASES)
    other = access_case(user=actor, case_id=other_id, permission=Permission.WORK_CASES)
    if case.id == other.id:
        raise Invalid(_("That is this case. Choose another one."))
    if case.brand_id != other.brand_id:
        raise Invalid(_("These cases are of two brands. Choose one of the same brand."))
    joining.lock_threads([case.id, other.id])
    return _locked(case.id, other.id)


def _locked(case_id: int, other_id: int) -> tuple[Case, Case]:
    rows = Case.objects.select_for_update(no_key=True).filter(id__in=[case_id, other_id]).order_by("id")
    found = {case.id: case for case in rows}
    if len(found) < 2:
        raise NotFound(_("There is no such case, or you may not see it."))
    return found[case_id], found[other_id]


def _refuse_merged(*cases: Case) -> None:
    for case in cases:
        if case.status == CaseStatus.MERGED:
            raise Conflict(
                _("Case %(case)s was merged into case %(target)s. Open that one instead.")
                % {"case": case.id, "target": case.merged_into_id}
            )


def _told(case: Case, actor: User, kind: CaseEventKind, data: dict[str, int | None]) -> None:
    """Count the version up, as it is now in the database, and tell what happened."""
    case.refresh_from_db()
    bump(case=case, fields={})
    tell(case=case, actor=actor, change=Change(kind=kind, data=data))
