"""Every component in every state on one page, in the reader's look."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from rapport.web.preferences import looks_of
from rapport.web.samples import sample_case, sample_rows
from rapport.web.views.pages import DeskRequest, desk_view


class _Fields(forms.Form):
    """One of each field, of which one is wrong."""

    name = forms.CharField(label="Name", help_text="As customers read it.")
    address = forms.EmailField(label="E-mail address")
    language = forms.ChoiceField(label="Language", choices=[("en", "English"), ("th", "ไทย")])
    words = forms.CharField(label="Words", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    told = forms.BooleanField(label="Tell me by e-mail", required=False)


@require_safe
@desk_view
def styleguide(request: DeskRequest) -> HttpResponse:
    """The page of components, made from the templates that the desk itself is made from."""
    now = timezone.now()
    context = {
        **sample_case(request.user),
        "looks": looks_of(request),
        "rows": sample_rows(),
        "form": _Fields({"name": "Aero Adria", "address": "nobody", "language": "th"}),
        "problem": _("The reply is too long for the network. Nothing was sent."),
        "waits": [now - timedelta(seconds=20), now - timedelta(minutes=12), now - timedelta(hours=5)],
        "now": now,
        "may_pick": True,
        "surfaces": (
            ("ground", "surface", "raised", "hover", "selected", "own", "private-ground", "note-ground",
             "waiting-ground", "overdue-ground"),
            ("text", "muted", "accent", "waiting", "overdue", "answered", "private", "note", "edge", "line"),
        ),
    }  # fmt: skip
    return render(request, "web/styleguide/page.html", context)
