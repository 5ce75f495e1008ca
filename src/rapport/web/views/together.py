"""Many people, one case: following it, saying that one looks or writes, and handing it over."""

from __future__ import annotations

from typing import get_args

from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from rapport.inbox.access import access_case
from rapport.inbox.actions.follow import follow_case
from rapport.inbox.actions.passing import hand_over_case, handover_read
from rapport.inbox.together import Writing, leave, look, open_elsewhere
from rapport.lib.errors import ActionError, Invalid
from rapport.staff.access import granted
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.place import place_of
from rapport.web.together import beside_now, open_words, seen_in
from rapport.web.views.case import Done, answer, number_of, refuse
from rapport.web.views.desk import desk_page
from rapport.web.views.pages import DeskRequest, case_action

_MOST_ROWS = 200


@case_action
def follow(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Follow the case, or with an empty ``following`` leave it."""
    following = bool(request.POST.get("following"))
    follow_case(user=request.user, case_id=case_id, following=following)
    text = _("You follow this case.") if following else _("You follow this case no more.")
    done = Done(text=text, undo="follow", fields={"following": "" if following else "1"})
    return answer(request, place_of(request, view), case_id, done)


@case_action
def looking(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """A screen shows the case, and perhaps somebody writes; or, with ``gone``, it shows it no more.

    The answer is what that screen should show of the others: {"company", "bars"}, drawn, "seen" as the
    form's field, and "rows": by case, who else has those of the list open.
    """
    screen = request.POST.get("screen", "")
    if request.POST.get("gone"):
        leave(user=request.user, case_id=case_id, screen=screen)
        return HttpResponse(status=204)
    case = look(user=request.user, case_id=case_id, screen=screen, writing=_writing(request))
    beside = beside_now(user=request.user, case=case, seen=seen_in(request))
    allowed = granted(request.user, case.brand_id)
    context = {
        "place": place_of(request, view),
        "case": case,
        "beside": beside,
        "may_reply": Permission.REPLY in allowed,
    }
    rows = [whole_number(one) or 0 for one in request.POST.get("rows", "").split(",")[:_MOST_ROWS]]
    elsewhere = open_elsewhere(user=request.user, case_ids=rows)
    return JsonResponse(
        {
            "company": render_to_string("web/desk/together_company.html", context, request=request),
            "bars": render_to_string("web/desk/together_bars.html", context, request=request),
            "seen": beside.seen,
            "rows": {one: open_words(names) for one, names in elsewhere.items()},
        }
    )


def _writing(request: DeskRequest) -> Writing:
    given = request.POST.get("writing", "")
    for one in get_args(Writing):
        if one == given:
            found: Writing = one
            return found
    raise Invalid(_("That choice does not exist any more. Load the page again."))


@case_action
def hand(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Hand the case over to a colleague or a team, with a note for them."""
    place = place_of(request, view)
    text = request.POST.get("hand_note", "")
    kind, _dot, number = request.POST.get("to", "").partition("-")
    chosen = whole_number(number)
    try:
        case = hand_over_case(
            actor=request.user,
            case_id=case_id,
            text=text,
            assignee_id=chosen if kind == "person" else None,
            team_id=chosen if kind == "team" else None,
            was_with=number_of(request, "was_with"),
        )
    except ActionError as error:
        if request.htmx:
            return refuse(request, place, case_id, error)  # the screen keeps what was typed
        access_case(user=request.user, case_id=case_id, permission=Permission.WORK_CASES)
        return desk_page(request, place, case_id, problem=str(error), handing=text, status=422)
    name = case.assignee.name if case.assignee else case.team.name if case.team else ""
    done = Done(text=_("Handed over to %(name)s.") % {"name": name})
    return answer(request, place, case_id, done, handed=True)


@case_action
def handed(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Whoever a handover concerns has read it."""
    handover_read(user=request.user, case_id=case_id, handover_id=number_of(request, "handover") or 0)
    return answer(request, place_of(request, view), case_id, None)
