"""A thread's further parts, and how far somebody has read it."""

from __future__ import annotations

from django.http import HttpResponse

from rapport.inbox.actions.seen import mark_read
from rapport.web.views.case import number_of
from rapport.web.views.pages import DeskRequest, case_action


@case_action
def seen(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """The person had this message, and all that arrived before it, on the screen."""
    message_id = number_of(request, "until")
    if message_id:
        mark_read(user=request.user, case_id=case_id, message_id=message_id)
    return HttpResponse(status=204)
