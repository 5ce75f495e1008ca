"""The first channel on the practice network, which is part of this instance: nothing leaves it."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rapport.brands.models import Brand
from rapport.channels.actions import ChannelOptions, connect_channel
from rapport.lib.errors import Conflict, NotFound
from rapport.networks.base import Profile
from rapport.networks.practice.accounts import ensure_account, issue_token
from rapport.staff.access import require
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view
from rapport.web.views.start import start_page

_CUSTOMERS = (("ana.practice", "Ana Practice"), ("ben.practice", "Ben Practice"))
_LONGEST_HANDLE = 40


@require_POST
@desk_view
def practice(request: DeskRequest) -> HttpResponse:
    """Connect the brand's account there, made if need be, and two customers to speak as."""
    brand = Brand.objects.filter(id=whole_number(request.POST.get("brand", "")) or 0).first()
    if brand is None:
        raise NotFound(_("There is no such brand, or you may not see it."))
    require(request.user, brand.pk, Permission.MANAGE_CHANNELS)
    handle = brand.slug.replace("-", "_")[:_LONGEST_HANDLE].strip("_")
    try:
        with transaction.atomic():
            account = ensure_account(handle=handle, name=brand.name, is_company=True)
            for one, name in _CUSTOMERS:
                ensure_account(handle=one, name=name)
            connect_channel(
                actor=request.user,
                brand_id=brand.pk,
                network="practice",
                credentials={
                    "base_url": f"{settings.RAPPORT_BASE_URL.rstrip('/')}/practice",
                    "token": issue_token(account=account, label="first steps"),
                },
                options=ChannelOptions(hours=brand.hours),
                profile=Profile(external_id=str(account.pk), handle=f"@{account.handle}", name=account.name),
            )
    except Conflict as error:
        return start_page(request, problem=error)
    messages.success(
        request, _("The practice network is connected. Write there as a customer, and answer at the desk.")
    )
    return HttpResponseRedirect(reverse("start"))
