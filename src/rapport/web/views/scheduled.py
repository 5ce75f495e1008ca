"""Replies that wait for their time: sent now, sent all the same, or given another time or other words."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from rapport.lib.errors import ActionError, Invalid
from rapport.outbox.later import reschedule, send_anyway, send_now
from rapport.outbox.models import Outgoing
from rapport.web.durations import long_time
from rapport.web.moments import moment_of
from rapport.web.place import place_of
from rapport.web.views.case import Done, answer, refuse
from rapport.web.views.pages import DeskRequest, case_action
from rapport.web.views.replies import outgoing_of


@case_action
def later(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Do ``what`` is asked with a scheduled reply: send it ``now``, ``anyway``, or ``change`` it."""
    place = place_of(request, view)
    try:
        done = _do(request, outgoing_of(request, case_id))
    except ActionError as error:
        return refuse(request, place, case_id, error)
    return answer(request, place, case_id, done)


def _do(request: DeskRequest, outgoing_id: int) -> Done | None:
    match request.POST.get("what"):
        case "now":
            send_now(actor=request.user, outgoing_id=outgoing_id)
            return None
        case "anyway":
            return _told(send_anyway(actor=request.user, outgoing_id=outgoing_id))
        case "change":
            changed = reschedule(
                actor=request.user,
                outgoing_id=outgoing_id,
                send_at=moment_of(request.POST.get("send_at", "")),
                text=request.POST.get("text"),
            )
            return _told(changed)
        case _:
            raise Invalid(_("That choice does not exist any more. Load the page again."))


def _told(outgoing: Outgoing) -> Done:
    return Done(text=_("It leaves on %(time)s.") % {"time": long_time(outgoing.not_before)})
