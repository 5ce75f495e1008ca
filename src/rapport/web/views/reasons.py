"""A brand's page of reasons for closing a case."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from rapport.inbox.actions.reasons import offer_reason, rename_reason, retire_reason
from rapport.inbox.models import BrandReason, CloseReason
from rapport.lib.errors import Invalid
from rapport.staff.access import access_brand
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view


@desk_view
def reasons(request: DeskRequest, slug: str) -> HttpResponse:
    """What everybody has, and the brand's own, which can be added, renamed, retired and offered again."""
    brand = access_brand(request.user, slug, Permission.MANAGE_CHANNELS)
    problem = ""
    if request.method == "POST":
        try:
            messages.success(request, _change(request, slug))
        except Invalid as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(request.path)
    elif request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    own = BrandReason.objects.filter(brand=brand)
    context = {
        "brand": brand,
        "built_in": [one.label for one in CloseReason if one != CloseReason.IMPORTED],
        "own": [one for one in own if one.retired_at is None],
        "retired": [one for one in own if one.retired_at is not None],
        "problem": problem,
        "typed": request.POST.get("label", ""),
    }
    return render(request, "web/reasons.html", context, status=422 if problem else 200)


def _change(request: DeskRequest, slug: str) -> str:
    brand = access_brand(request.user, slug, Permission.MANAGE_CHANNELS)
    actor, label = request.user, request.POST.get("label", "")
    reason_id = whole_number(request.POST.get("reason", "")) or 0
    match request.POST.get("do"):
        case "rename":
            rename_reason(actor=actor, brand=brand, reason_id=reason_id, label=label)
            return _("The reason has its new name.")
        case "retire":
            retire_reason(actor=actor, brand=brand, reason_id=reason_id, retired=True)
            return _("The reason is offered no more. Cases that have it keep it.")
        case "offer":
            retire_reason(actor=actor, brand=brand, reason_id=reason_id, retired=False)
            return _("The reason is offered again.")
        case _:
            offer_reason(actor=actor, brand=brand, label=label)
            return _("The reason can be chosen now.")
