"""The one page of this network: what this Rapport says of itself to the servers people log in at."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBadRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from rapport.networks.bluesky.oauth import client_metadata
from rapport.networks.errors import Refused


@require_safe
def oauth_client(request: HttpRequest) -> HttpResponseBase:
    """The client metadata (https://atproto.com/specs/oauth#clients), for anybody: it holds public keys only."""
    back = request.GET.get("back", "")
    if not back.startswith("/") or back.startswith("//") or len(back) > 200:
        return HttpResponseBadRequest("back is not a path")
    try:
        return JsonResponse(client_metadata(settings.RAPPORT_BASE_URL, back))
    except Refused as refused:
        return HttpResponseBadRequest(str(refused))
