"""The first steps of an instance: a brand, its first channel, and people. How far they are is read off what exists."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.hours import Hours
from rapport.brands.models import Brand, Channel
from rapport.channels.brand_settings import check_zone, clean_colour, clean_name
from rapport.lib.errors import Invalid, NotAllowed
from rapport.lib.normalise import normalise
from rapport.staff.access import brand_ids_for
from rapport.staff.models import Invitation, Membership, User
from rapport.staff.permissions import Permission

SLUG_LENGTH = 60
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class Progress:
    """What is there already. ``brand``: the one to go on with, the first that lacks something."""

    brand: Brand | None
    channel: bool = False
    people: bool = False

    @property
    def finished(self) -> bool:
        return self.brand is not None and self.channel and self.people

    @property
    def next(self) -> str:
        """The first step that is not done: brand, channel, people; "" when all are."""
        if self.brand is None:
            return "brand"
        return "channel" if not self.channel else "" if self.people else "people"

    @property
    def done(self) -> int:
        """How many of the three steps are done."""
        return sum((self.brand is not None, self.channel, self.people))


def progress(*, user: User) -> Progress | None:
    """How far the beginning is, in one query; None for whoever does not connect channels."""
    ids = brand_ids_for(user, Permission.MANAGE_CHANNELS)
    if not ids:
        return Progress(None) if user.is_superuser else None
    colleagues = Membership.objects.filter(brand_id=OuterRef("pk"), user__is_active=True, user__is_bot=False)
    invited = Invitation.objects.filter(
        brand_id=OuterRef("pk"), accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    )
    owners = User.objects.filter(is_superuser=True, is_active=True, is_bot=False).exclude(id=user.id)
    found = list(
        Brand.objects.filter(id__in=ids)
        .annotate(
            has_channel=Exists(Channel.objects.filter(brand_id=OuterRef("pk"))),
            has_people=Q(Exists(colleagues.exclude(user=user))) | Q(Exists(invited)) | Q(Exists(owners)),
        )
        .order_by("id")
    )
    open_ones = [one for one in found if not (one.has_channel and one.has_people)]
    return Progress(
        (open_ones or found)[0],
        channel=any(one.has_channel for one in found),
        people=any(one.has_people for one in found),
    )


def create_brand(
    *, actor: User, name: str, slug: str = "", time_zone: str, hours: Hours, colour: str = ""
) -> Brand:
    """A new brand; owners only. Without ``slug`` it is made of the name.

    ``hours`` are offered to each channel that is connected. Raises NotAllowed or Invalid.
    """
    if not (actor.is_active and actor.is_superuser):
        raise NotAllowed(_("Only an owner can make a brand."))
    name = clean_name(name)
    slug = slug.strip().lower() or slugify(normalise(name))[:SLUG_LENGTH].strip("-")
    if len(slug) > SLUG_LENGTH or not _SLUG.fullmatch(slug):
        raise Invalid(
            _(
                "Choose a short name for addresses, of the letters a to z, digits and hyphens, such as our-brand."
            )
        )
    fields = {"time_zone": check_zone(time_zone), "colour": clean_colour(colour), "hours": dict(hours)}
    try:
        with transaction.atomic():
            brand = Brand.objects.create(name=name, slug=slug, **fields)
            record(
                action="brand.created",
                actor_id=actor.id,
                brand_id=brand.pk,
                object_type="brand",
                object_id=brand.pk,
                data={"slug": slug},
            )
    except IntegrityError as error:
        raise Invalid(
            _("There is a brand with the short name %(slug)s already. Choose another.") % {"slug": slug}
        ) from error
    return brand


def put_away(*, user: User, away: bool) -> None:
    """Show this person the beginning no more on the desk, or again."""
    user.start_put_away_at = timezone.now() if away else None
    user.save(update_fields=["start_put_away_at"])
