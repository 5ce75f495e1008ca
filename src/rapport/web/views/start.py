"""The first steps of an instance, one after the other: a brand, its first channel, people.

They can be left and gone on with at any time: what is done is read off what exists.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rapport.channels import beginning
from rapport.lib.errors import ActionError, Invalid, NotAllowed
from rapport.networks.registry import is_here
from rapport.web.brand_fields import fields, make_brand
from rapport.web.views.pages import DeskRequest, desk_view, status_of


@require_safe
@desk_view
def start(request: DeskRequest) -> HttpResponse:
    """The steps, the first that is not done unfolded."""
    return start_page(request)


def _progress(request: DeskRequest) -> beginning.Progress:
    found = beginning.progress(user=request.user)
    if found is None:
        raise NotAllowed(_("The first steps are for owners and for admins of a brand."))
    return found


def start_page(request: DeskRequest, *, problem: ActionError | None = None) -> HttpResponse:
    """The page; with ``problem``, what was typed stays."""
    found = _progress(request)
    given: dict[str, str] = request.POST.dict() if problem is not None else {}
    context: dict[str, Any] = {
        "progress": found,
        "may_make_brand": request.user.is_superuser,
        "practice": is_here("practice"),
        "problem": str(problem) if problem is not None else "",
        **fields(given, time_zone=request.user.time_zone or settings.TIME_ZONE),
    }
    return render(request, "web/start/start.html", context, status=status_of(problem) if problem else 200)


@require_POST
@desk_view
def brand(request: DeskRequest) -> HttpResponse:
    """Make the brand."""
    try:
        made = make_brand(actor=request.user, given=request.POST.dict())
    except Invalid as error:
        return start_page(request, problem=error)
    messages.success(request, _("%(name)s is there. Next, its first channel.") % {"name": made.name})
    return HttpResponseRedirect(reverse("start"))


@require_POST
@desk_view
def away(request: DeskRequest) -> HttpResponse:
    """Show the steps on the desk no more; or, with ``back``, again."""
    _progress(request)
    back = "back" in request.POST
    beginning.put_away(user=request.user, away=not back)
    return HttpResponseRedirect(reverse("start") if back else f"{reverse('start')}?away=1")
