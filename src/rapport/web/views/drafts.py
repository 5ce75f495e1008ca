"""What somebody writes is kept while they write it, and what they wrote elsewhere is offered."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from rapport.inbox.access import access_case
from rapport.lib.errors import ActionError
from rapport.outbox.drafts import drop_aside, save_draft, use_aside
from rapport.outbox.models import DraftAside, DraftField
from rapport.web.composer import Typed
from rapport.web.numbers import whole_number
from rapport.web.place import place_of
from rapport.web.views.case import Done, answer, number_of, refuse
from rapport.web.views.pages import DeskRequest, case_action


@case_action
def save(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Keep a field's words: {"text", "revision", "asides"}, as they stand then; ``asides`` is what is
    offered, drawn."""
    field = request.POST.get("field", "")
    state = save_draft(
        user=request.user,
        case_id=case_id,
        field=field,
        text=request.POST.get("text", ""),
        base=whole_number(request.POST.get("base", "")) or 0,
        age_s=whole_number(request.POST.get("age", "")) or 0,
    )
    context = {
        "place": place_of(request, view),
        "case": access_case(user=request.user, case_id=case_id),
        "field": field,
        "asides": state.asides,
    }
    drawn = render_to_string("web/desk/draft_asides.html", context, request=request)
    return JsonResponse({"text": state.text, "revision": state.revision, "asides": drawn})


@case_action
def use(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Put words that were set aside into the field, before what it holds."""
    place = place_of(request, view)
    try:
        aside = use_aside(user=request.user, case_id=case_id, aside_id=number_of(request, "aside") or 0)
    except ActionError as error:
        return refuse(request, place, case_id, error)
    return answer(request, place, case_id, None, typed=_typed(aside))


def _typed(aside: DraftAside) -> Typed:
    if aside.field == DraftField.NOTE:
        return Typed(note=aside.text, mode="note")
    return Typed(text=aside.text)


@case_action
def drop(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Throw away words that were set aside; or, asked with ``back``, have them again."""
    place = place_of(request, view)
    dropped = not request.POST.get("back")
    try:
        aside = drop_aside(
            user=request.user, case_id=case_id, aside_id=number_of(request, "aside") or 0, dropped=dropped
        )
    except ActionError as error:
        return refuse(request, place, case_id, error)
    if not dropped:
        return answer(request, place, case_id, None)
    done = Done(text=_("Discarded."), undo="draft-drop", fields={"aside": aside.id, "back": 1})
    return answer(request, place, case_id, done)
