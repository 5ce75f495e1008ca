"""What networks sent and nobody could read: looked at, and given another chance."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from rapport.audit.actions import record
from rapport.ingest.actions import replay as replay_events
from rapport.ingest.queries import parked_events
from rapport.lib.errors import Invalid, NotAllowed
from rapport.staff.access import brand_ids_for
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view

_PAGE = 50
_PAYLOAD_SHOWN = 20_000


def _brands(request: DeskRequest) -> list[int]:
    ids = brand_ids_for(request.user, Permission.REPLAY_EVENTS)
    if not ids:
        raise NotAllowed(_("Only leads and admins see parked events."))
    return ids


@require_safe
@desk_view
def parked(request: DeskRequest) -> HttpResponse:
    """Parked events, newest first, with what went wrong and what was sent."""
    page = Paginator(parked_events(brand_ids=_brands(request)), _PAGE).get_page(request.GET.get("page"))
    events = [(event, _shown(event.payload)) for event in page]
    return render(request, "web/parked.html", {"page": page, "events": events})


def _shown(payload: object) -> str:
    text = json.dumps(payload, ensure_ascii=False, indent=2)
    return text if len(text) <= _PAYLOAD_SHOWN else text[:_PAYLOAD_SHOWN] + "…"


@require_POST
@desk_view
def replay(request: DeskRequest) -> HttpResponse:
    """Try the chosen events again, among those of brands this person leads."""
    chosen = [
        number for value in request.POST.getlist("event") if (number := whole_number(value)) is not None
    ]
    allowed = parked_events(brand_ids=_brands(request))
    if not request.POST.get("all"):
        allowed = allowed.filter(id__in=chosen)
    with transaction.atomic():
        found = list(allowed.values_list("id", "channel__brand_id"))
        if not found:
            raise Invalid(_("Choose at least one event that is still parked."))
        count = replay_events(event_ids=[event_id for event_id, _brand in found])
        for brand_id in sorted({brand for _id, brand in found}):
            ids = [event_id for event_id, brand in found if brand == brand_id]
            record(
                action="events_replayed",
                actor_id=request.user.id,
                brand_id=brand_id,
                object_type="raw_event",
                data={"count": len(ids), "first": min(ids), "last": max(ids)},
            )
    messages.success(
        request,
        ngettext(
            "%(count)s event is tried again. It comes back here if it still cannot be read.",
            "%(count)s events are tried again. They come back here if they still cannot be read.",
            count,
        )
        % {"count": count},
    )
    return HttpResponseRedirect(reverse("parked"))
