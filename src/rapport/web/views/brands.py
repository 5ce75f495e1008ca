"""Brands: which there are, a new one, and the settings of one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from rapport.brands.hours import in_words
from rapport.brands.models import Brand
from rapport.channels import brand_settings
from rapport.lib.errors import ActionError, Conflict, Invalid, NotAllowed
from rapport.staff.access import access_brand
from rapport.staff.permissions import Permission
from rapport.web.brand_fields import fields, hours_in, make_brand
from rapport.web.views.pages import DeskRequest, desk_view, status_of


@require_safe
@desk_view
def brands(request: DeskRequest) -> HttpResponse:
    """The brands whose settings this person may change."""
    found = brand_settings.managed_brands(user=request.user)
    if not found and not request.user.is_superuser:
        raise NotAllowed(_("The settings of brands are for owners and for admins of a brand."))
    shown = [(one, in_words(one.hours)) for one in found]
    context = {"brands": shown, "may_make_brand": request.user.is_superuser}
    return render(request, "web/brands/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def new(request: DeskRequest) -> HttpResponse:
    """Make another brand; owners only."""
    if not request.user.is_superuser:
        raise NotAllowed(_("Only an owner can make a brand."))
    if request.method != "POST":
        return _form(request, None)
    try:
        made = make_brand(actor=request.user, given=request.POST.dict())
    except Invalid as error:
        return _form(request, None, problem=error)
    messages.success(request, _("%(name)s is there. Next, its first channel.") % {"name": made.name})
    return HttpResponseRedirect(f"{reverse('connect')}?brand={made.slug}")


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def brand(request: DeskRequest, slug: str) -> HttpResponse:
    """A brand's settings."""
    found = access_brand(request.user, slug, Permission.MANAGE_CHANNELS)
    if request.method != "POST":
        return _form(request, found)
    given = request.POST
    try:
        brand_settings.change_brand(
            actor=request.user,
            brand_id=found.pk,
            given=brand_settings.BrandFields(
                name=given.get("name", ""),
                colour=given.get("colour", ""),
                time_zone=given.get("time_zone", ""),
                hours=hours_in(given.dict()),
            ),
            mark=given.get("mark", ""),
        )
    except (Invalid, Conflict) as error:
        return _form(request, found, problem=error)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(request.path)


def _form(request: DeskRequest, found: Brand | None, *, problem: ActionError | None = None) -> HttpResponse:
    """The form; with ``problem``, what was typed stays."""
    typed = request.POST.dict() if problem is not None else {}
    zone = request.user.time_zone or settings.TIME_ZONE
    # After an input that was refused the old mark stays: only who was told of the change has seen it.
    seen = typed.get("mark", "") if isinstance(problem, Invalid) else ""
    context: dict[str, Any] = {
        **fields(typed, time_zone=zone, brand=found),
        "brand": found,
        "mark": seen or (brand_settings.mark_of(found) if found is not None else ""),
        "problem": str(problem) if problem is not None else "",
    }
    return render(request, "web/brands/form.html", context, status=status_of(problem) if problem else 200)
