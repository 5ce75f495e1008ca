"""The command palette's answers: where one can go, and what was found."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from rapport.inbox.queries.search_parse import LONGEST_QUERY
from rapport.lib.text import storable
from rapport.web.palette import SHOWN, cases_for, colleagues_for, targets
from rapport.web.views.pages import DeskRequest, desk_view


@require_safe
@desk_view
def palette(request: DeskRequest) -> HttpResponse:
    """Pages to go to; with ``q``, cases and colleagues."""
    if "q" not in request.GET:
        return render(request, "web/parts/palette_places.html", {"places": targets(user=request.user)})
    text = storable(request.GET["q"])[:LONGEST_QUERY].strip()
    cases = cases_for(user=request.user, text=text)
    more = f"{reverse('desk-list', args=['all'])}?{urlencode({'q': text})}" if len(cases) >= SHOWN else ""
    context = {
        "text": text,
        "cases": cases,
        "all_cases": more,
        "people": colleagues_for(user=request.user, text=text),
    }
    return render(request, "web/parts/palette_found.html", context)
