"""Pages of saved replies: all that a person may use, writing one, changing, deleting and having one back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rapport.lib.errors import ActionError, Invalid, NotFound
from rapport.lib.normalise import normalise
from rapport.lib.text import storable
from rapport.outbox import saved_replies as actions
from rapport.outbox.models import SavedReply
from rapport.outbox.saved_replies_queries import access_reply, categories_for, may_change, replies_for
from rapport.outbox.saved_replies_variables import MEANINGS
from rapport.staff.access import brands_for, require
from rapport.staff.actions.profile import languages
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.text import language_name
from rapport.web.views.pages import DeskRequest, desk_view, status_of

_SHOWN = 200
_MOST_FIELDS = actions.MOST_LANGUAGES + 1


@dataclass(frozen=True)
class Form:
    """What the form holds. ``texts``: pairs of a language and its words, in order."""

    name: str = ""
    shortcut: str = ""
    category: str = ""
    texts: tuple[tuple[str, str], ...] = (("", ""),)
    brand_id: int | None = None
    version: int = 0

    def content(self) -> actions.Content:
        """The same for an action. Raises Invalid when a language is there twice."""
        written = [(language, text) for language, text in self.texts if text.strip()]
        texts = dict(written)
        if len(texts) < len(written):
            raise Invalid(_("One language is there twice. Put its words into one field."))
        return actions.Content(name=self.name, shortcut=self.shortcut, category=self.category, texts=texts)


@require_safe
@desk_view
def replies(request: DeskRequest) -> HttpResponse:
    """Every saved reply of this person, narrowed by words, a brand or a category."""
    return _page(request)


def _page(request: DeskRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    text, category = request.GET.get("q", "")[:100], storable(request.GET.get("category", "")[:100])
    brands = list(brands_for(request.user, Permission.VIEW_CASES))
    brand = next((one for one in brands if one.slug == request.GET.get("brand")), None)
    found = replies_for(
        user=request.user,
        text=text,
        category=category,
        brand_id=brand.pk if brand else None,
        most=_SHOWN + 1,
    )
    shared = set(brands_for(request.user, Permission.SHARE_REPLIES).values_list("id", flat=True))
    groups = [
        {
            "brand": of_brand,
            "categories": [
                {"name": name, "rows": [_row(one, shared) for one in rows]}
                for name, rows in groupby(of_brand_rows, key=lambda one: one.category)
            ],
        }
        for of_brand, of_brand_rows in groupby(found[:_SHOWN], key=lambda one: one.brand)
    ]
    context = {
        "groups": groups,
        "cut": len(found) > _SHOWN,
        "shown": _SHOWN,
        "narrowed": bool(text or category or brand),
        "text": text,
        "category": category,
        "categories": categories_for(user=request.user),
        "brands": brands,
        "brand": brand,
        "deleted": _deleted(request),
        "problem": problem,
    }
    return render(request, "web/replies/list.html", context, status=status)


def _row(reply: SavedReply, shared: set[int]) -> dict[str, Any]:
    texts = list(reply.texts.all())
    return {
        "reply": reply,
        "text": texts[0] if texts else None,
        "languages": sorted(language_name(one.language) for one in texts if one.language),
        "may_change": reply.brand_id is None or reply.brand_id in shared,
    }


def _deleted(request: DeskRequest) -> SavedReply | None:
    """The one that was deleted a moment ago, while it can be had back."""
    reply_id = whole_number(request.GET.get("deleted", ""))
    if reply_id is None:
        return None
    try:
        reply = access_reply(user=request.user, reply_id=reply_id)
    except NotFound:
        return None
    return reply if reply.deleted_at is not None and may_change(user=request.user, reply=reply) else None


@desk_view
def new(request: DeskRequest) -> HttpResponse:
    """Write one; for oneself, or for a brand."""
    if request.method == "POST":
        form = _given(request)
        return _answer(request, form, lambda: _create(request, form))
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    return _form(request, Form(brand_id=whole_number(request.GET.get("brand", ""))))


def _create(request: DeskRequest, form: Form) -> SavedReply:
    made = actions.create_reply(actor=request.user, content=form.content(), brand_id=form.brand_id)
    messages.success(request, _("“%(name)s” is saved.") % {"name": made.name})
    return made


@desk_view
def reply(request: DeskRequest, reply_id: int) -> HttpResponse:
    """Change one."""
    found = access_reply(user=request.user, reply_id=reply_id)
    if found.brand_id is not None:
        require(request.user, found.brand_id, Permission.SHARE_REPLIES)
    if found.deleted_at is not None:
        raise NotFound(_("This saved reply was deleted."))
    if request.method == "POST":
        form = _given(request)
        return _answer(request, form, lambda: _change(request, form, found), found)
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    form = Form(
        name=found.name,
        shortcut=found.shortcut,
        category=found.category,
        texts=tuple((one.language, one.text) for one in found.texts.all()),
        brand_id=found.brand_id,
        version=found.version,
    )
    return _form(request, form, found)


def _change(request: DeskRequest, form: Form, found: SavedReply) -> SavedReply:
    changed = actions.change_reply(
        actor=request.user, reply_id=found.id, content=form.content(), version=form.version
    )
    messages.success(request, _("“%(name)s” is saved.") % {"name": changed.name})
    return changed


def _given(request: DeskRequest) -> Form:
    given = request.POST
    pairs = zip(given.getlist("language"), given.getlist("text"), strict=False)
    return Form(
        name=given.get("name", ""),
        shortcut=given.get("shortcut", ""),
        category=given.get("category", ""),
        texts=tuple(pairs)[:_MOST_FIELDS] or (("", ""),),
        brand_id=whole_number(given.get("brand", "")),
        version=whole_number(given.get("version", "")) or 0,
    )


def _answer(
    request: DeskRequest, form: Form, act: Callable[[], SavedReply], found: SavedReply | None = None
) -> HttpResponse:
    if "more" in request.POST:
        return _form(request, form, found, more=True)
    try:
        saved = act()
    except ActionError as error:
        return _form(request, form, found, problem=str(error), status=status_of(error))
    return HttpResponseRedirect(f"{reverse('saved-replies')}#reply-{saved.pk}")


def _form(
    request: DeskRequest,
    form: Form,
    found: SavedReply | None = None,
    *,
    more: bool = False,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    texts = [*form.texts, ("", "")] if more else list(form.texts)
    known = sorted(((code, language_name(code)) for code in languages()), key=lambda one: normalise(one[1]))
    context = {
        "form": form,
        "texts": texts,
        "fresh": len(texts) if more else 0,
        "found": found,
        "brands": list(brands_for(request.user, Permission.SHARE_REPLIES)),
        "categories": categories_for(user=request.user),
        "languages": known,
        "variables": MEANINGS.items(),
        "problem": problem,
        "limits": actions,
        "room": len(texts) < actions.MOST_LANGUAGES,
    }
    return render(request, "web/replies/form.html", context, status=status)


@require_POST
@desk_view
def delete(request: DeskRequest, reply_id: int) -> HttpResponse:
    """Take one away; the page that follows offers to undo it."""
    gone = actions.delete_reply(actor=request.user, reply_id=reply_id)
    return HttpResponseRedirect(f"{reverse('saved-replies')}?deleted={gone.pk}")


@require_POST
@desk_view
def restore(request: DeskRequest, reply_id: int) -> HttpResponse:
    """Have a deleted one back."""
    try:
        back = actions.restore_reply(actor=request.user, reply_id=reply_id)
    except ActionError as error:
        return _page(request, problem=str(error), status=status_of(error))
    messages.success(request, _("“%(name)s” is back.") % {"name": back.name})
    return HttpResponseRedirect(f"{reverse('saved-replies')}#reply-{back.pk}")
