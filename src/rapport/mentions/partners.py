"""Accounts whose posts are no mentions of a brand although they are not its own: a partner's, an agency's, a shop's."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.models import Channel
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.text import storable
from rapport.listening.text import handle_name
from rapport.mentions.models import PartnerAccount
from rapport.staff.access import brands_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

LONGEST: Final = 200
_LONGEST_NETWORK = 40


def partners_for(*, user: User) -> QuerySet[PartnerAccount]:
    """The partners of this person's brands."""
    return (
        PartnerAccount.objects.select_related("brand")
        .filter(brand__in=brands_for(user, Permission.VIEW_CASES))
        .order_by("brand__name", "handle", "network", "id")
    )


def own_accounts_for(*, user: User) -> QuerySet[Channel]:
    """The channels of this person's brands, whose accounts are left out by themselves."""
    return (
        Channel.objects.select_related("brand")
        .defer("credentials")
        .filter(brand__in=brands_for(user, Permission.VIEW_CASES))
        .order_by("brand__name", "network", "handle", "id")
    )


def add_partner(*, user: User, brand_id: int, handle: str, network: str = "") -> PartnerAccount:
    """Leave out what this account writes from now on. ``network``: "" for every one.

    Raises Invalid for what is no handle, Conflict when it is left out already.
    """
    require(user, brand_id, Permission.MANAGE_LISTENING)
    name = handle_name(storable(handle.strip(), limit=LONGEST + 1))
    if not name or len(name) > LONGEST or any(character.isspace() for character in name):
        raise Invalid(_("Write the account's handle, such as @shop or shop.example."))
    with transaction.atomic():
        try:
            with transaction.atomic():
                partner = PartnerAccount.objects.create(
                    brand_id=brand_id, network=storable(network, limit=_LONGEST_NETWORK), handle=name
                )
        except IntegrityError as error:
            raise Conflict(_("That account is left out already.")) from error
        _record("partner.added", user, partner)
    return partner


def remove_partner(*, user: User, partner_id: int) -> PartnerAccount:
    """Hear it again. Raises NotFound or NotAllowed."""
    with transaction.atomic():
        partner = PartnerAccount.objects.select_for_update().filter(id=partner_id).first()
        if partner is None:
            raise NotFound(_("There is no such account, or you may not see it."))
        require(user, partner.brand_id, Permission.MANAGE_LISTENING)
        _record("partner.removed", user, partner)
        PartnerAccount.objects.filter(id=partner_id).delete()
    return partner


def _record(action: str, user: User, partner: PartnerAccount) -> None:
    record(
        action=action,
        actor_id=user.id,
        brand_id=partner.brand_id,
        object_type="partner",
        object_id=partner.pk,
        data={"network": partner.network},
    )
