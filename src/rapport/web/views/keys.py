"""The keys of the desk, and which of them somebody wants otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.staff.actions.keys import save_keys
from rapport.web.keymap import Keymap, choices_from, keymap_of, label
from rapport.web.shortcuts import COMMAND_BY_NAME, COMMANDS, Group
from rapport.web.views.pages import DeskRequest, desk_view

_FIELD = "key-"


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def keys(request: DeskRequest) -> HttpResponse:
    """Every command with its key, to read and to change."""
    before = keymap_of(request)
    if request.method != "POST":
        return _page(request, before, off=before.characters_off)
    if request.POST.get("do") == "reset":
        save_keys(user=request.user, choices={})
        messages.success(request, _("The usual keys are back."))
        return HttpResponseRedirect(reverse("keys"))
    typed = {
        name: storable(request.POST[_FIELD + name])
        for name in COMMAND_BY_NAME
        if _FIELD + name in request.POST
    }
    off = request.POST.get("off") == "1"
    try:
        choices = choices_from(typed, off=off, before=before)
    except Invalid as error:
        return _page(request, before, off=off, typed=typed, problem=str(error))
    save_keys(user=request.user, choices=choices)
    messages.success(request, _("Your keys are saved."))
    return HttpResponseRedirect(reverse("keys"))


def _page(
    request: DeskRequest,
    keymap: Keymap,
    *,
    off: bool,
    typed: Mapping[str, str] | None = None,
    problem: str = "",
) -> HttpResponse:
    chosen = keymap.chosen
    rows: dict[str, list[dict[str, Any]]] = {group: [] for group in Group}
    for one in COMMANDS:
        rows[one.group].append(
            {
                "name": one.name,
                "does": one.does,
                "fixed": one.fixed,
                "label": (typed or {}).get(one.name, label(chosen[one.name])),
                "changed": chosen[one.name] != one.key,
                "usual": label(one.key),
            }
        )
    context = {
        "groups": [(group.label, rows[group]) for group in Group],
        "off": off,
        "problem": problem,
    }
    return render(request, "web/keys.html", context, status=422 if problem else 200)
