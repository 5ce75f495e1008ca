"""What every view of the desk does alike: who asks, what went wrong, in words and in the right status."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_htmx.middleware import HtmxDetails

from rapport.lib.errors import ActionError, Conflict, Invalid, NotAllowed, NotFound
from rapport.staff.access import roles_read_once
from rapport.staff.models import User
from rapport.web.place import place_of

STATUS: dict[type[ActionError], int] = {NotFound: 404, NotAllowed: 403, Invalid: 422, Conflict: 409}


class DeskRequest(HttpRequest):
    """A request of somebody who is logged in."""

    user: User
    htmx: HtmxDetails


def status_of(error: ActionError) -> int:
    """The HTTP status that says the same as ``error``."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)


def desk_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For people who are logged in; an action's error becomes a page, or a passing notice, in words.

    Answers hold customers' words: no cache keeps them, and a part is never taken for a page.
    """

    @functools.wraps(view)
    def wrapped(request: DeskRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with roles_read_once(request.user) if request.method in {"GET", "HEAD"} else nullcontext():
                response = view(request, *args, **kwargs)
        except ActionError as error:
            response = error_page(request, error)
        patch_cache_control(response, no_store=True, private=True)
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response

    return login_required(wrapped)


def case_action(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For what is done to a case with a form.

    Read instead of sent (a login in between, a reloaded answer), its address leads to the case, so that
    nobody ends on an empty page.
    """

    def checked(request: DeskRequest, *, view_name: str, case_id: int) -> HttpResponse:
        if request.method == "POST":
            return view(request, view=view_name, case_id=case_id)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["POST"])
        return HttpResponseRedirect(place_of(request, view_name).case_url(case_id))

    guarded = desk_view(checked)

    @functools.wraps(view)
    def wrapped(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
        return guarded(request, view_name=view, case_id=case_id)

    return wrapped


def error_page(request: DeskRequest, error: ActionError) -> HttpResponse:
    """The error as a page, or as a notice at the bottom of the page that asked for a part."""
    status = status_of(error)
    if request.htmx:
        response = render(request, "web/parts/toast.html", {"text": str(error), "bad": True}, status=status)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "innerHTML"
        return response
    return render(request, "web/error.html", {"error": str(error), "status": status}, status=status)
