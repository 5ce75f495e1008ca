"""Help with searching: the fields as a page, and what could be typed next."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rapport.inbox.queries.search_complete import completions
from rapport.inbox.queries.search_fields import FIELDS
from rapport.inbox.queries.search_parse import LONGEST_QUERY
from rapport.lib.text import storable
from rapport.staff.access import brand_ids_for
from rapport.staff.permissions import Permission
from rapport.web.views.pages import DeskRequest, desk_view


@require_safe
@desk_view
def search_help(request: DeskRequest) -> HttpResponse:
    """How to search, with every field."""
    return render(request, "web/search_help.html", {"fields": FIELDS})


@require_safe
@desk_view
def complete(request: DeskRequest) -> HttpResponse:
    """Options for what the search in ``q`` ends with."""
    text = storable(request.GET.get("q", ""))[:LONGEST_QUERY]
    found = completions(
        user=request.user, brand_ids=brand_ids_for(request.user, Permission.VIEW_CASES), text=text
    )
    return render(request, "web/desk/completions.html", {"completions": found})
