"""Parts of the editor, for while somebody writes: what the text says, the builder, examples, a preview.

Each is also made by a plain submit of the whole form (``views.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rapport.lib.errors import NotAllowed
from rapport.staff.access import may_anywhere
from rapport.staff.permissions import Permission
from rapport.web.listening.builder import text_of
from rapport.web.listening.editor import context_of
from rapport.web.listening.forms import given
from rapport.web.listening.previewing import preview_of
from rapport.web.listening.views import with_example
from rapport.web.views.pages import DeskRequest, desk_view


def _part(view: Callable[[DeskRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """For who may save queries of any brand."""

    @wraps(view)
    def wrapped(request: DeskRequest) -> HttpResponse:
        if not may_anywhere(request.user, Permission.MANAGE_LISTENING):
            raise NotAllowed(_("Queries are saved by leads. Ask one of your team."))
        return view(request)

    return require_POST(desk_view(wrapped))


@_part
def checked(request: DeskRequest) -> HttpResponse:
    """What the text says, with the builder and the examples as they are for it."""
    context = {**context_of(given(request.POST)), "with_builder": True, "with_examples": True}
    return render(request, "web/listening/queries_check.html", context)


@_part
def built(request: DeskRequest) -> HttpResponse:
    """The text that the groups of words say, and what can be said of it."""
    form = given(request.POST)
    form = replace(form, text=text_of(form.groups))
    context = {**context_of(form), "with_text": True, "with_examples": True}
    return render(request, "web/listening/queries_check.html", context)


@_part
def examples(request: DeskRequest) -> HttpResponse:
    """The examples with one more."""
    form = with_example(request, given(request.POST))
    return render(request, "web/listening/queries_examples.html", {**context_of(form), "fresh": True})


@_part
def previewed(request: DeskRequest) -> HttpResponse:
    """What the text finds in what is stored; asked again, it goes on where it stopped."""
    form = given(request.POST)
    context = {**context_of(form), "preview": preview_of(request, form)}
    return render(request, "web/listening/queries_preview.html", context)
