"""The keys of the desk, as a page for those without script or with a new tab."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rapport.web.shortcuts import SHORTCUTS
from rapport.web.views.pages import DeskRequest, desk_view


@require_safe
@desk_view
def keys(request: DeskRequest) -> HttpResponse:
    """Every key and what it does."""
    return render(request, "web/keys.html", {"key_list": SHORTCUTS})
