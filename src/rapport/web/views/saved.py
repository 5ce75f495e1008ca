"""Saved views: made from what a list is narrowed to, renamed, ordered, deleted and brought back."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rapport.inbox.models import SavedView
from rapport.inbox.saved import (
    NAME_LENGTH,
    change_view,
    create_view,
    delete_view,
    deleted_view,
    may_change,
    move_view,
    restore_view,
    views_for,
)
from rapport.lib.errors import ActionError
from rapport.web.numbers import whole_number
from rapport.web.place import Place, place_from, place_from_saved, place_of
from rapport.web.views.pages import DeskRequest, desk_view, status_of


@require_safe
@desk_view
def views(request: DeskRequest) -> HttpResponse:
    """All saved views that this person has."""
    return _page(request)


def _page(request: DeskRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    saved = views_for(user=request.user)
    rows = [
        {
            "view": view,
            "place": place_from_saved(view),
            "may_change": may_change(user=request.user, view=view),
        }
        for view in saved
    ]
    own = sum(view.brand_id is None for view in saved)  # they come first
    context = {
        "deleted": _deleted(request),
        "own": rows[:own],
        "shared": rows[own:],
        "problem": problem,
        "name_length": NAME_LENGTH,
    }
    return render(request, "web/desk/saved.html", context, status=status)


def _deleted(request: DeskRequest) -> SavedView | None:
    """The view that was deleted a moment ago, while it can be had back."""
    view_id = whole_number(request.GET.get("deleted", ""))
    if view_id is None:
        return None
    view = deleted_view(user=request.user, view_id=view_id)
    return view if view is not None and may_change(user=request.user, view=view) else None


@require_POST
@desk_view
def new(request: DeskRequest, view: str) -> HttpResponse:
    """Keep the list that the address names under a name."""
    place = place_of(request, view)
    try:
        saved = create_view(
            actor=request.user,
            name=request.POST.get("name", ""),
            view=place.view,
            filters=place.params,
            brand_id=whole_number(request.POST.get("share", "")),
        )
    except ActionError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(place.url)
    messages.success(request, _("Saved as “%(name)s”.") % {"name": saved.name})
    return HttpResponseRedirect(_url(saved))


@require_POST
@desk_view
def act(request: DeskRequest, view_id: int, what: str) -> HttpResponse:
    """Change one saved view."""
    if what not in _ACTS:
        raise Http404
    try:
        return _ACTS[what](request, view_id)
    except ActionError as error:
        return _page(request, problem=str(error), status=status_of(error))


def _rename(request: DeskRequest, view_id: int) -> HttpResponse:
    saved = change_view(actor=request.user, view_id=view_id, name=request.POST.get("name", ""))
    messages.success(request, _("It is called “%(name)s” now.") % {"name": saved.name})
    return _back(saved)


def _update(request: DeskRequest, view_id: int) -> HttpResponse:
    at = request.POST.get("at", "")
    place = place_from(request.POST.get("view", ""), parse_qs(at.lstrip("?")), saved=view_id)
    change_view(actor=request.user, view_id=view_id, place=(place.view, place.params))
    messages.success(request, _("The view is as the list is now."))
    return HttpResponseRedirect(place.url)


def _delete(request: DeskRequest, view_id: int) -> HttpResponse:
    saved = delete_view(actor=request.user, view_id=view_id)
    return HttpResponseRedirect(f"{reverse('views')}?deleted={saved.id}")


def _restore(request: DeskRequest, view_id: int) -> HttpResponse:
    saved = restore_view(actor=request.user, view_id=view_id)
    messages.success(request, _("“%(name)s” is back.") % {"name": saved.name})
    return _back(saved)


def _up(request: DeskRequest, view_id: int) -> HttpResponse:
    return _back(move_view(actor=request.user, view_id=view_id, up=True))


def _down(request: DeskRequest, view_id: int) -> HttpResponse:
    return _back(move_view(actor=request.user, view_id=view_id, up=False))


_ACTS: dict[str, Callable[[DeskRequest, int], HttpResponse]] = {
    "rename": _rename,
    "update": _update,
    "delete": _delete,
    "restore": _restore,
    "up": _up,
    "down": _down,
}


def _back(saved: SavedView) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('views')}#view-{saved.id}")


def _url(saved: SavedView) -> str:
    return (place_from_saved(saved) or Place()).url
