"""A brand's own reasons for closing a case."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.models import Brand
from rapport.inbox.models import BrandReason, CloseReason
from rapport.lib.errors import Invalid, NotFound
from rapport.lib.text import storable
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

LABEL_LENGTH = 60
MOST = 30


def offer_reason(*, actor: User, brand: Brand, label: str) -> BrandReason:
    """Let cases of the brand be closed for this reason. One that was retired under that name is offered again."""
    require(actor, brand.id, Permission.MANAGE_CHANNELS)
    label = " ".join(storable(label).split())
    if not label:
        raise Invalid(_("A reason needs a name."))
    if len(label) > LABEL_LENGTH:
        raise Invalid(_("A reason can have %(limit)s characters.") % {"limit": LABEL_LENGTH})
    if label.casefold() in {str(one.label).casefold() for one in CloseReason}:
        raise Invalid(_("Everybody has that reason already."))
    with transaction.atomic():
        # The constraint keeps one of two that are made at once.
        BrandReason.objects.bulk_create([BrandReason(brand=brand, label=label)], ignore_conflicts=True)
        reason = BrandReason.objects.select_for_update().get(brand=brand, label__iexact=label)
        if reason.retired_at is not None:
            BrandReason.objects.filter(id=reason.id).update(retired_at=None)
        if BrandReason.objects.filter(brand=brand, retired_at=None).count() > MOST:
            raise Invalid(_("A brand can have %(limit)s reasons of its own.") % {"limit": MOST})
        _tell(actor, reason, "offered")
    return reason


def rename_reason(*, actor: User, brand: Brand, reason_id: int, label: str) -> None:
    """Call a reason something else, also on the cases it closed."""
    require(actor, brand.id, Permission.MANAGE_CHANNELS)
    label = " ".join(storable(label).split())
    if not label or len(label) > LABEL_LENGTH:
        raise Invalid(_("A reason has 1 to %(limit)s characters.") % {"limit": LABEL_LENGTH})
    with transaction.atomic():
        reason = _of(brand, reason_id)
        others = BrandReason.objects.filter(brand=brand, label__iexact=label).exclude(id=reason.id)
        if others.exists():
            raise Invalid(_("There is a reason of that name already."))
        BrandReason.objects.filter(id=reason.id).update(label=label)
        _tell(actor, reason, "renamed")


def retire_reason(*, actor: User, brand: Brand, reason_id: int, retired: bool) -> BrandReason:
    """Offer the reason no more, or again. Cases that were closed with it keep it."""
    require(actor, brand.id, Permission.MANAGE_CHANNELS)
    with transaction.atomic():
        reason = _of(brand, reason_id)
        BrandReason.objects.filter(id=reason.id).update(retired_at=timezone.now() if retired else None)
        _tell(actor, reason, "retired" if retired else "offered")
    return reason


def _of(brand: Brand, reason_id: int) -> BrandReason:
    reason = BrandReason.objects.select_for_update().filter(id=reason_id, brand=brand).first()
    if reason is None:
        raise NotFound(_("There is no such reason."))
    return reason


def _tell(actor: User, reason: BrandReason, what: str) -> None:
    record(
        action=f"reason.{what}",
        actor_id=actor.id,
        brand_id=reason.brand_id,
        object_type="reason",
        object_id=reason.id,
        data={},
    )
