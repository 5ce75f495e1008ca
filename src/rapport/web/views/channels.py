"""How each channel does, in plain words."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rapport.brands.models import Channel
from rapport.ingest.stray import stray_today
from rapport.staff.access import brand_ids_for, may_anywhere
from rapport.staff.permissions import Permission
from rapport.web.health_words import health, notes
from rapport.web.views.pages import DeskRequest, desk_view


@require_safe
@desk_view
def channels(request: DeskRequest) -> HttpResponse:
    """Every channel of the brands this person may see."""
    found = (
        Channel.objects.filter(brand_id__in=brand_ids_for(request.user, Permission.VIEW_CASES))
        .select_related("brand")
        .defer("credentials", "stream_cursor", "backfill", "profile")
        .order_by("brand__name", "network", "handle")
    )
    more = notes(list(found))
    channels_seen = [(channel, health(channel), more[channel.id]) for channel in found]
    brands = {channel.brand_id: channel.brand for channel in found}
    may_connect = may_anywhere(request.user, Permission.MANAGE_CHANNELS)
    return render(
        request,
        "web/channels.html",
        {
            # Whose they are nobody here knows, so it is for who may connect accounts, of whichever brand.
            "stray": list(stray_today().items()) if may_connect else [],
            "channels": channels_seen,
            "brands": list(brands.values()),
            "may_connect": may_connect,
        },
    )
