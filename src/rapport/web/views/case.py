"""What can be done to a case. Each answer is the case as it is now, with a way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_htmx.http import trigger_client_event

from rapport.inbox.access import access_case
from rapport.inbox.actions import (
    add_tag,
    assign_case,
    close_case,
    remove_tag,
    reopen_case,
    set_priority,
    snooze_case,
)
from rapport.inbox.models import Case, CaseStatus, CloseReason, Priority
from rapport.inbox.queries.reasons import reason_label
from rapport.lib.errors import ActionError, Conflict, Invalid, NotFound
from rapport.outbox.together import Asked
from rapport.web.composer import NOTHING, Typed
from rapport.web.durations import long_time
from rapport.web.numbers import whole_number
from rapport.web.place import Place, place_of
from rapport.web.snooze import snooze_until
from rapport.web.views.desk import case_context, desk_page
from rapport.web.views.pages import DeskRequest, case_action, status_of


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was done, in words, and the form that undoes it: an action and its fields."""

    text: str
    undo: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)


def answer(
    request: DeskRequest,
    place: Place,
    case_id: int,
    done: Done | None,
    *,
    typed: Typed = NOTHING,
    handed: bool = False,
) -> HttpResponse:
    """The case after something was done: as the part the script swaps, or by way of a redirect. ``handed``: it
    was handed over, so that form is empty again."""
    if not request.htmx:
        if done is not None:
            messages.success(request, done.text)
        return HttpResponseRedirect(place.case_url(case_id))
    context = case_context(request, place, case_id, typed=typed) | {"handed": handed}
    if done is not None:
        context["toast"] = {
            "text": done.text,
            "url": place.action_url(case_id, done.undo) if done.undo else "",
            "fields": done.fields,
        }
    response = render(request, "web/desk/case.html", context)
    trigger_client_event(response, "rapport:changed", {"case": case_id})
    return response


def refuse(
    request: DeskRequest, place: Place, case_id: int, error: ActionError, *, typed: Typed = NOTHING
) -> HttpResponse:
    """The case as it is, with what went wrong where it was tried, and what was typed."""
    if isinstance(error, NotFound):
        raise error
    status = status_of(error)
    conflict = isinstance(error, Conflict)
    asked = error if isinstance(error, Asked) else None
    if not request.htmx:
        if typed is NOTHING:
            messages.error(request, str(error))
        return desk_page(request, place, case_id, typed=typed, asked=asked, status=status)
    problem = "" if typed.error else str(error)
    context = case_context(
        request, place, case_id, typed=typed, problem=problem, conflict=conflict, asked=asked
    )
    return render(request, "web/desk/case.html", context, status=status)


def version_of(request: DeskRequest) -> int | None:
    """The version of the case that the person saw, None when the form does not say."""
    return whole_number(request.POST.get("version", ""))


def number_of(request: DeskRequest, name: str) -> int | None:
    """A number that a form sent, None when the field is empty. Raises Invalid for anything else."""
    value = request.POST.get(name, "")
    if not value:
        return None
    number = whole_number(value)
    if number is None:
        raise Invalid(_("That choice does not exist any more. Load the page again."))
    return number


def _expected(request: DeskRequest, case: Case, now: object) -> int | None:
    """The version the case must still have.

    A form that undoes says in ``was`` what its own change made of the case: when a colleague has
    changed that since (``now`` differs), undoing would take back theirs. A customer who wrote in the
    meantime is no reason to refuse. Raises Conflict.
    """
    was = request.POST.get("was")
    if was is None:
        return version_of(request)
    if was != str(now):
        raise Conflict(
            _("Somebody changed this case in the meantime. Look at what is new, then do it again.")
        )
    return case.version


def act(request: DeskRequest, view: str, case_id: int, do: Callable[[Case], Done]) -> HttpResponse:
    """Do something to a case the person may see, and answer with the case as it is then."""
    place = place_of(request, view)
    try:
        done = do(access_case(user=request.user, case_id=case_id))
    except ActionError as error:
        return refuse(request, place, case_id, error)
    return answer(request, place, case_id, done)


@case_action
def assign(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Give the case to somebody, to oneself, or to nobody."""

    def do(before: Case) -> Done:
        after = assign_case(
            actor=request.user,
            case_id=case_id,
            assignee_id=number_of(request, "assignee"),
            team_id=number_of(request, "team"),
            expected_version=_expected(request, before, before.assignee_id or ""),
            undoing="was" in request.POST,
        )
        if after.assignee_id == request.user.id:
            text = _("The case is yours.")
        elif after.assignee is not None:
            text = _("Given to %(name)s.") % {"name": after.assignee.name}
        else:
            text = _("The case is nobody's now.")
        fields = {
            "assignee": before.assignee_id or "",
            "team": before.team_id or "",
            "was": after.assignee_id or "",
        }
        return Done(text=text, undo="assign", fields=fields)

    return act(request, view, case_id, do)


@case_action
def priority(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Say how urgent the case is."""

    def do(before: Case) -> Done:
        after = set_priority(
            actor=request.user,
            case_id=case_id,
            priority=number_of(request, "priority") or 0,
            expected_version=_expected(request, before, int(before.priority)),
        )
        text = _("Priority: %(priority)s.") % {"priority": Priority(after.priority).label}
        fields = {"priority": int(before.priority), "was": int(after.priority)}
        return Done(text=text, undo="priority", fields=fields)

    return act(request, view, case_id, do)


@case_action
def tag(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Put a tag on the case."""

    def do(before: Case) -> Done:
        name = request.POST.get("name", "")
        add_tag(actor=request.user, case_id=case_id, name=name, expected_version=version_of(request))
        return Done(text=_("Tagged “%(tag)s”.") % {"tag": " ".join(name.split())})

    return act(request, view, case_id, do)


@case_action
def untag(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Take a tag off the case."""

    def do(before: Case) -> Done:
        tag_id = number_of(request, "tag") or 0
        name = before.tags.filter(id=tag_id).values_list("name", flat=True).first() or ""
        remove_tag(actor=request.user, case_id=case_id, tag_id=tag_id, expected_version=version_of(request))
        return Done(text=_("Tag “%(tag)s” removed.") % {"tag": name}, undo="tag", fields={"name": name})

    return act(request, view, case_id, do)


@case_action
def snooze(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Put the case away until later."""

    def do(before: Case) -> Done:
        until = snooze_until(request.POST.get("until", ""))
        after = snooze_case(
            actor=request.user, case_id=case_id, until=until, expected_version=version_of(request)
        )
        shown = long_time(until)
        return Done(
            text=_("Snoozed until %(time)s.") % {"time": shown}, undo="reopen", fields={"was": after.status}
        )

    return act(request, view, case_id, do)


@case_action
def close(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Close the case and say why."""

    def do(before: Case) -> Done:
        after = close_case(
            actor=request.user,
            case_id=case_id,
            reason=request.POST.get("reason", ""),
            expected_version=_expected(request, before, before.status),
        )
        reason = reason_label(after.close_reason)
        built_in = after.close_reason in CloseReason.values
        return Done(
            text=_("Closed: %(reason)s.") % {"reason": reason.lower() if built_in else reason},
            undo="reopen",
            fields={"was": after.status},
        )

    return act(request, view, case_id, do)


@case_action
def reopen(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Bring a closed or snoozed case back to work."""

    def do(before: Case) -> Done:
        after = reopen_case(
            actor=request.user, case_id=case_id, expected_version=_expected(request, before, before.status)
        )
        if before.status == CaseStatus.CLOSED and before.close_reason != CloseReason.IMPORTED:
            fields = {"reason": before.close_reason, "was": after.status}
            return Done(text=_("Reopened."), undo="close", fields=fields)
        return Done(text=_("Reopened."))

    return act(request, view, case_id, do)
