"""What a brand is called, when it works and how it looks to customers: read by its page, changed by its admins."""

from __future__ import annotations

import hashlib
import json
import re
import zoneinfo
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.hours import Hours
from rapport.brands.models import Brand
from rapport.lib.errors import Conflict, Invalid
from rapport.lib.text import storable
from rapport.staff.access import brand_ids_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

NAME_LENGTH = 120
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, kw_only=True)
class BrandFields:
    """What can be changed of a brand. Its short name cannot: it stands in addresses and files."""

    name: str
    colour: str
    time_zone: str
    hours: Hours


def managed_brands(*, user: User) -> list[Brand]:
    """The brands whose settings ``user`` may change, by name; ``channel_count`` says how many channels each has."""
    ids = brand_ids_for(user, Permission.MANAGE_CHANNELS)
    return list(Brand.objects.filter(id__in=ids).annotate(channel_count=Count("channels")).order_by("name"))


def clean_name(text: str) -> str:
    """A brand's name on one line. Raises Invalid."""
    name = " ".join(storable(text).split())
    if not name:
        raise Invalid(_("A brand needs a name."))
    if len(name) > NAME_LENGTH:
        raise Invalid(_("A brand's name can have %(limit)s characters.") % {"limit": NAME_LENGTH})
    return name


def check_zone(time_zone: str) -> str:
    """``time_zone`` if there is one of that name. Raises Invalid."""
    if time_zone not in zoneinfo.available_timezones():
        raise Invalid(_("There is no such time zone. Choose one from the list."))
    return time_zone


def clean_colour(text: str, *, now: str = "") -> str:
    """A colour as ``#0b7a75``, or "" for none. ``now``: what the brand has, which may be written in another
    way and stays. Raises Invalid."""
    colour = text.strip().lower()
    if colour and text != now and not _COLOUR.fullmatch(colour):
        raise Invalid(_("Write the colour as # and six digits or letters a to f, such as #0b7a75."))
    return now if text == now else colour


def mark_of(brand: Brand) -> str:
    """Changes whenever the brand's settings do: a form that brings an older one has not seen the newest."""
    state = [brand.name, brand.colour, brand.time_zone, brand.hours]
    return hashlib.blake2b(json.dumps(state, sort_keys=True).encode(), digest_size=8).hexdigest()


def change_brand(*, actor: User, brand_id: int, given: BrandFields, mark: str) -> Brand:
    """Give a brand other settings. ``mark``: of what the person saw. Channels that are connected keep their own
    hours. Raises NotFound, NotAllowed, Invalid, or Conflict when somebody changed it meanwhile."""
    require(actor, brand_id, Permission.MANAGE_CHANNELS)
    with transaction.atomic():
        brand = Brand.objects.select_for_update().get(id=brand_id)
        wanted = {
            "name": clean_name(given.name),
            "colour": clean_colour(given.colour, now=brand.colour),
            "time_zone": brand.time_zone
            if given.time_zone == brand.time_zone
            else check_zone(given.time_zone),
            "hours": {day: [list(span) for span in spans] for day, spans in given.hours.items() if spans},
        }
        if mark != mark_of(brand):
            raise Conflict(
                _("Somebody changed this brand in the meantime. Look at what you typed, then save it again.")
            )
        changed = [field for field, value in wanted.items() if getattr(brand, field) != value]
        if changed:
            for field in changed:
                setattr(brand, field, wanted[field])
            brand.save(update_fields=changed)
            record(
                action="brand.changed",
                actor_id=actor.id,
                brand_id=brand.pk,
                object_type="brand",
                object_id=brand.pk,
                data={"fields": changed},
            )
    return brand
