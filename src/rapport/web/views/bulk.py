"""One thing done to the cases that somebody picked in a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from rapport.inbox.actions.bulk import Outcome, Pick
from rapport.inbox.actions.bulk_undo import undo_bulk
from rapport.inbox.actions.bulk_work import (
    assign_cases,
    close_cases,
    merge_picked,
    reopen_cases,
    set_priorities,
    snooze_cases,
    tag_cases,
    untag_cases,
)
from rapport.lib.errors import ActionError, Invalid
from rapport.web.numbers import whole_number
from rapport.web.place import place_of
from rapport.web.snooze import snooze_until
from rapport.web.text import plain_name
from rapport.web.views.pages import DeskRequest, desk_view

_NAMED = 3  # of the cases that were left


@require_POST
@desk_view
def bulk(request: DeskRequest, view: str) -> HttpResponse:
    """Do to every picked case what the pressed button says, as ``what:value``."""
    place = place_of(request, view)
    try:
        what, _colon, value = request.POST.get("do", "").partition(":")
        if what not in _DEEDS:
            raise Invalid(_("Choose what to do with them."))
        outcome = _DEEDS[what](request, _picks(request), value)
    except ActionError as error:
        if request.htmx:
            raise
        messages.error(request, str(error))
        return HttpResponseRedirect(place.url)
    return _answer(request, place.url, outcome, _done_words(what, len(outcome.done), outcome.same))


@require_POST
@desk_view
def undo(request: DeskRequest, act_id: int) -> HttpResponse:
    """Undo one such deed, for all its cases."""
    outcome = undo_bulk(actor=request.user, act_id=act_id)
    n = len(outcome.done)
    text = ngettext("Undone for %(n)s case.", "Undone for %(n)s cases.", n) % {"n": n}
    return _answer(request, reverse("desk"), outcome, text)


def _picks(request: DeskRequest) -> list[Pick]:
    """The cases that the form names, each as ``id`` or ``id:version``, once."""
    picks: dict[int, Pick] = {}
    for given in request.POST.getlist("pick"):
        case_id, _colon, version = given.partition(":")
        number = whole_number(case_id)
        if number is not None:
            picks[number] = Pick(number, whole_number(version))
    return list(picks.values())


def _assign(request: DeskRequest, picks: Sequence[Pick], value: str) -> Outcome:
    if value == "me":
        return assign_cases(actor=request.user, picks=picks, assignee_id=request.user.id)
    if value == "none":
        return assign_cases(actor=request.user, picks=picks)
    return assign_cases(actor=request.user, picks=picks, assignee_id=_id(value))


def _team(request: DeskRequest, picks: Sequence[Pick], value: str) -> Outcome:
    return assign_cases(actor=request.user, picks=picks, team_id=_id(value))


def _priority(request: DeskRequest, picks: Sequence[Pick], value: str) -> Outcome:
    return set_priorities(actor=request.user, picks=picks, priority=whole_number(value) or 0)


def _tag(request: DeskRequest, picks: Sequence[Pick], _value: str) -> Outcome:
    return tag_cases(actor=request.user, picks=picks, name=request.POST.get("tag", ""))


def _untag(request: DeskRequest, picks: Sequence[Pick], _value: str) -> Outcome:
    return untag_cases(actor=request.user, picks=picks, name=request.POST.get("tag", ""))


def _snooze(request: DeskRequest, picks: Sequence[Pick], value: str) -> Outcome:
    until = snooze_until(value or request.POST.get("until", ""))
    return snooze_cases(actor=request.user, picks=picks, until=until)


def _close(request: DeskRequest, picks: Sequence[Pick], value: str) -> Outcome:
    return close_cases(actor=request.user, picks=picks, reason=value)


def _reopen(request: DeskRequest, picks: Sequence[Pick], _value: str) -> Outcome:
    return reopen_cases(actor=request.user, picks=picks)


def _merge(request: DeskRequest, picks: Sequence[Pick], _value: str) -> Outcome:
    return merge_picked(actor=request.user, picks=picks)


_DEEDS: dict[str, Callable[[DeskRequest, Sequence[Pick], str], Outcome]] = {
    "assign": _assign,
    "team": _team,
    "priority": _priority,
    "tag": _tag,
    "untag": _untag,
    "snooze": _snooze,
    "close": _close,
    "reopen": _reopen,
    "merge": _merge,
}


def _id(value: str) -> int:
    number = whole_number(value)
    if number is None:
        raise Invalid(_("That choice does not exist any more. Load the page again."))
    return number


def _done_words(what: str, n: int, same: int) -> str:
    words = {
        "assign": ngettext("%(n)s case given.", "%(n)s cases given.", n),
        "team": ngettext("%(n)s case given to the team.", "%(n)s cases given to the team.", n),
        "priority": ngettext("Priority of %(n)s case set.", "Priority of %(n)s cases set.", n),
        "tag": ngettext("%(n)s case tagged.", "%(n)s cases tagged.", n),
        "untag": ngettext("Tag taken off %(n)s case.", "Tag taken off %(n)s cases.", n),
        "snooze": ngettext("%(n)s case snoozed.", "%(n)s cases snoozed.", n),
        "close": ngettext("%(n)s case closed.", "%(n)s cases closed.", n),
        "merge": ngettext("%(n)s case made one.", "%(n)s cases made one.", n),
        "reopen": ngettext("%(n)s case reopened.", "%(n)s cases reopened.", n),
    }
    text = words[what] % {"n": n}
    if same:
        text += " " + ngettext("%(n)s was so before.", "%(n)s were so before.", same) % {"n": same}
    return text


def _left_words(outcome: Outcome) -> str:
    """Which cases were left, and why; the first by name."""
    if not outcome.left and not outcome.missing:
        return ""
    n = len(outcome.left) + outcome.missing
    named = [
        _("%(name)s (%(why)s)") % {"name": plain_name(one.name) or f"#{one.case_id}", "why": one.why}
        for one in outcome.left[:_NAMED]
    ]
    if n > len(named):
        more = n - len(named)
        named.append(ngettext("%(n)s more", "%(n)s more", more) % {"n": more})
    words = ngettext("%(n)s was left as it is:", "%(n)s were left as they are:", n) % {"n": n}
    return f"{words} {', '.join(named)}."


def _answer(request: DeskRequest, url: str, outcome: Outcome, text: str) -> HttpResponse:
    text = " ".join(part for part in (text, _left_words(outcome)) if part)
    if not request.htmx:
        messages.success(request, text)
        return HttpResponseRedirect(url)
    undo_url = reverse("bulk-undo", args=[outcome.act_id]) if outcome.act_id else ""
    response = render(
        request,
        "web/parts/toast.html",
        {"text": text, "url": undo_url, "target": "#toasts", "swap": "innerHTML"},
    )
    left = [[one.case_id, one.version] for one in outcome.left]
    trigger_client_event(response, "rapport:bulk", {"done": list(outcome.done), "left": left})
    return response
