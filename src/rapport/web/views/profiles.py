"""A brand's profiles on every network, side by side (E5): alike, complete, and written back where that is allowed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from rapport.brands.models import Brand, Channel
from rapport.channels.profiles import FIELDS, read_again, side_by_side, write_profiles
from rapport.lib.errors import Invalid
from rapport.staff.access import access_brand, may
from rapport.staff.permissions import Permission
from rapport.web.channel_forms import ProfileForm
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view


def _channels(brand: Brand) -> list[Channel]:
    return list(
        Channel.objects.filter(brand=brand).defer("credentials", "cursor").order_by("network", "handle")
    )


@require_safe
@desk_view
def profiles(request: DeskRequest, slug: str) -> HttpResponse:
    """Every channel's profile, and what to mend."""
    return _page(request, access_brand(request.user, slug, Permission.VIEW_CASES))


def _page(request: DeskRequest, brand: Brand, **more: Any) -> HttpResponse:
    # A mailbox or a form has no profile to compare.
    cards = [card for card in side_by_side(_channels(brand)) if card.readable]
    context = {
        "brand": brand,
        "cards": cards,
        "may_manage": may(request.user, brand.id, Permission.MANAGE_CHANNELS),
        "busy": any(card.busy for card in cards),
        "writable": [card for card in cards if card.writes],
        "form": ProfileForm(),
        "chosen": [],
        "problems": [],
    }
    return render(request, "web/profiles.html", context | more, status=422 if more else 200)


@require_POST
@desk_view
def read(request: DeskRequest, slug: str) -> HttpResponse:
    """Ask the networks again."""
    brand = access_brand(request.user, slug, Permission.MANAGE_CHANNELS)
    count = read_again(actor=request.user, channel_ids=[one.id for one in _channels(brand)])
    messages.success(
        request,
        ngettext("%(count)s profile is read again.", "%(count)s profiles are read again.", count)
        % {"count": count},
    )
    return HttpResponseRedirect(reverse("profiles", args=[slug]))


@require_POST
@desk_view
def write(request: DeskRequest, slug: str) -> HttpResponse:
    """One text for the chosen channels, if each of them takes it."""
    brand = access_brand(request.user, slug, Permission.MANAGE_CHANNELS)
    form = ProfileForm(request.POST)
    by_id = {one.id: one for one in _channels(brand)}
    wanted = {whole_number(value) for value in request.POST.getlist("channel")}
    chosen = [channel_id for channel_id in by_id if channel_id in wanted]
    if not form.is_valid():
        return _page(request, brand, form=form, chosen=chosen)
    changes = {name: form.cleaned_data[name] for name in FIELDS if form.cleaned_data[name]}
    try:
        problems = write_profiles(actor=request.user, channel_ids=chosen, changes=changes)
    except Invalid as error:
        return _page(request, brand, form=form, chosen=chosen, problem=str(error))
    if problems:
        told = [(by_id[channel_id], problem) for channel_id, problem in problems]
        return _page(request, brand, form=form, chosen=chosen, problems=told)
    messages.success(
        request,
        _("It is being written. What each network made of it shows here in a moment."),
    )
    return HttpResponseRedirect(reverse("profiles", args=[slug]))
