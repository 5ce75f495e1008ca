"""Sources: which there are and how they do, another one, and pausing or removing one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rapport.lib.errors import Invalid, NotFound
from rapport.mentions.models import Source
from rapport.mentions.source_actions import (
    add_source,
    change_source,
    kind_offered,
    must_own,
    pause_source,
    remove_source,
    restore_source,
    resume_source,
)
from rapport.mentions.source_queries import Doing
from rapport.mentions.source_queries import sources as all_sources
from rapport.mentions.sources.base import SourceKind
from rapport.mentions.sources.registry import STREAMED
from rapport.networks.base import Guide
from rapport.web.channel_forms import GuideForm
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view, status_of


@dataclass(frozen=True)
class Words:
    """What a source does, in words. ``css`` and ``icon`` say it again."""

    state: str
    css: str
    icon: str
    sentence: str = ""


def _words(doing: Doing) -> Words:
    match doing:
        case Doing.LISTENING:
            return Words(_("Listening"), "is-answered", "circle-check")
        case Doing.WAITING:
            return Words(
                _("Not read"),
                "is-waiting",
                "clock",
                _("No listener reads it. Start Rapport, or another listener."),
            )
        case Doing.TROUBLE:
            return Words(_("In trouble"), "is-overdue", "circle-alert", _("It is tried again by itself."))
        case Doing.PAUSED:
            return Words(_("Paused"), "is-muted", "pause")
        case Doing.READ:
            return Words(_("File"), "is-muted", "circle-check", _("Read on the command line."))
        case Doing.MISSING:
            return Words(
                _("Not installed"), "is-overdue", "circle-x", _("Nothing here can read this kind of source.")
            )


def _can_change(source: Source) -> bool:
    """Whether its kind has a form."""
    kind = STREAMED.get(source.kind)
    return kind is not None and bool(kind.fields)


@require_safe
@desk_view
def sources(request: DeskRequest) -> HttpResponse:
    """Every source, how it does, and what can be added."""
    must_own(request.user)
    removed = whole_number(request.GET.get("removed", ""))
    context = {
        "sources": [(one, _words(one.doing), _can_change(one.source)) for one in all_sources()],
        "kinds": list(STREAMED.values()),
        "removed": Source.objects.filter(id=removed, deleted_at__isnull=False).first() if removed else None,
    }
    return render(request, "web/sources/list.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def new(request: DeskRequest, kind: str) -> HttpResponse:
    """The form of a kind."""
    must_own(request.user)
    found = kind_offered(kind)
    save = partial(add_source, actor=request.user, key=kind)
    return _form_page(request, found, save, _("%(name)s is listened to from now on."))


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def edit(request: DeskRequest, source_id: int) -> HttpResponse:
    """The form of a source that is there, with what is known but for secrets."""
    must_own(request.user)
    source = Source.objects.filter(id=source_id, deleted_at=None).first()
    if source is None or not _can_change(source):
        raise NotFound(_("There is no such source."))
    save = partial(change_source, actor=request.user, source_id=source_id)
    said = _("%(name)s is listened to as you said from now on.")
    return _form_page(request, STREAMED[source.kind], save, said, source=source)


def _form_page(
    request: DeskRequest,
    kind: SourceKind,
    save: Callable[..., Source],
    said: str,
    *,
    source: Source | None = None,
) -> HttpResponse:
    """What was typed stays on the page when it fails, but for secrets. ``save`` takes ``values``; ``said`` is what
    is told with the source's name."""
    form = GuideForm(
        Guide(about=kind.about, fields=kind.fields),
        request.POST or None,
        known=source.options if source else None,
        kept=(source.secrets or {}).keys() if source else (),
    )
    problem: Invalid | None = None
    if request.method == "POST":
        try:
            if form.is_valid() or not kind.fields:
                made = save(values=form.values() if kind.fields else {})
                messages.success(request, said % {"name": made.name})
                return HttpResponseRedirect(reverse("sources"))
            problem = Invalid(_("Something is missing or cannot be right. See below."))
        except Invalid as error:
            problem = error
    context = {
        "kind": {"label": kind.label, "about": kind.about},
        "source": source,
        "form": form,
        "hint": kind.hint(),
        "problem": str(problem) if problem else "",
        "secrets_lost": form.secrets_typed(),
    }
    return render(request, "web/sources/new.html", context, status=status_of(problem) if problem else 200)


_ACTS: dict[str, Callable[..., Source]] = {
    "pause": pause_source,
    "resume": resume_source,
    "remove": remove_source,
    "restore": restore_source,
}


@require_POST
@desk_view
def act(request: DeskRequest, source_id: int, what: str) -> HttpResponse:
    """Pause it, resume it, remove it, or put it back."""
    if what not in _ACTS:
        raise NotFound(_("There is no such source."))
    source = _ACTS[what](actor=request.user, source_id=source_id)
    back = f"?removed={source.pk}" if what == "remove" else ""
    return HttpResponseRedirect(f"{reverse('sources')}{back}")
