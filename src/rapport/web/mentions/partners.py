"""The accounts whose posts are no mentions: the brand's own, and partners that leads name."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from rapport.lib.errors import ActionError, NotAllowed, NotFound
from rapport.mentions import partners
from rapport.networks.registry import connectors
from rapport.staff.access import brands_for
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view, status_of

_SHOWN = 500


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def accounts(request: DeskRequest) -> HttpResponse:
    """What is left out, and leaving out more."""
    problem, status = "", 200
    networks = sorted(((name, str(one.label)) for name, one in connectors().items()), key=lambda one: one[1])
    if request.method == "POST":
        network = request.POST.get("network", "")
        try:
            added = partners.add_partner(
                user=request.user,
                brand_id=whole_number(request.POST.get("brand", "")) or 0,
                handle=request.POST.get("handle", ""),
                network=network if network in dict(networks) else "",
            )
            messages.success(
                request, _("What @%(handle)s writes is left out from now on.") % {"handle": added.handle}
            )
            return HttpResponseRedirect(reverse("left-out"))
        except (NotFound, NotAllowed):
            raise
        except ActionError as error:
            problem, status = str(error), status_of(error)
    managed = list(brands_for(request.user, Permission.MANAGE_LISTENING))
    found = list(partners.partners_for(user=request.user)[: _SHOWN + 1])
    context = {
        "rows": found[:_SHOWN],
        "cut": len(found) > _SHOWN,
        "shown": _SHOWN,
        "own": partners.own_accounts_for(user=request.user)[:_SHOWN],
        "networks": networks,
        "managed": managed,
        "managed_ids": {one.pk for one in managed},
        "handle_length": partners.LONGEST,
        "problem": problem,
        "typed": request.POST if problem else {},
    }
    return render(request, "web/mentions/left_out.html", context, status=status)


@require_POST
@desk_view
def remove(request: DeskRequest, partner_id: int) -> HttpResponse:
    """Hear it again."""
    gone = partners.remove_partner(user=request.user, partner_id=partner_id)
    messages.success(request, _("What @%(handle)s writes is heard again.") % {"handle": gone.handle})
    return HttpResponseRedirect(reverse("left-out"))
