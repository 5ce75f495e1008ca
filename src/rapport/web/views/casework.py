"""Cases that become one, that fall apart, and that belong together."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from rapport.inbox.actions import (
    link_cases,
    merge_cases,
    part_cases,
    split_case,
    unlink_cases,
    unsplit_case,
)
from rapport.inbox.models import Case
from rapport.web.views.case import Done, act, number_of, version_of
from rapport.web.views.pages import DeskRequest, case_action


@case_action
def merge(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Make another case part of this one."""

    def do(before: Case) -> Done:
        other = number_of(request, "other") or 0
        merge_cases(actor=request.user, case_id=case_id, other_id=other, expected_version=version_of(request))
        text = _("Case %(case)s is part of this one now.") % {"case": other}
        return Done(text=text, undo="part", fields={"other": other})

    return act(request, view, case_id, do)


@case_action
def part(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Take a case that was merged into this one out again."""

    def do(before: Case) -> Done:
        other = number_of(request, "other") or 0
        part_cases(actor=request.user, case_id=other)
        text = _("Case %(case)s is a case of its own again.") % {"case": other}
        return Done(text=text, undo="merge", fields={"other": other})

    return act(request, view, case_id, do)


@case_action
def split(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Make a new case of a message and what follows from it."""

    def do(before: Case) -> Done:
        made = split_case(
            actor=request.user,
            case_id=case_id,
            message_id=number_of(request, "message") or 0,
            expected_version=version_of(request),
        )
        text = _("Case %(case)s was made of it.") % {"case": made.id}
        return Done(text=text, undo="unsplit", fields={"other": made.id})

    return act(request, view, case_id, do)


@case_action
def unsplit(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Let what was split off be part of this case again."""

    def do(before: Case) -> Done:
        unsplit_case(actor=request.user, case_id=number_of(request, "other") or 0)
        return Done(text=_("It is one case again."))

    return act(request, view, case_id, do)


@case_action
def link(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Say that another case belongs to this one."""

    def do(before: Case) -> Done:
        other = number_of(request, "other") or 0
        link_cases(actor=request.user, case_id=case_id, other_id=other)
        text = _("Linked with case %(case)s.") % {"case": other}
        return Done(text=text, undo="unlink", fields={"other": other})

    return act(request, view, case_id, do)


@case_action
def unlink(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Take such a link away."""

    def do(before: Case) -> Done:
        other = number_of(request, "other") or 0
        unlink_cases(actor=request.user, case_id=case_id, other_id=other)
        text = _("No longer linked with case %(case)s.") % {"case": other}
        return Done(text=text, undo="link", fields={"other": other})

    return act(request, view, case_id, do)
