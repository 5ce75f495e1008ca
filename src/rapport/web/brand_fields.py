"""The fields of a brand's form, for the page that makes one and the page that changes it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Any

from rapport.brands.hours import DAYS, Hours, day_in_words, read_day
from rapport.brands.models import Brand
from rapport.channels.beginning import SLUG_LENGTH, create_brand
from rapport.channels.brand_settings import NAME_LENGTH
from rapport.lib.errors import Invalid
from rapport.staff.models import User

_LONGEST_DAY = 100


def hours_in(given: Mapping[str, str]) -> Hours:
    """The week that a form brought. Raises Invalid with the words that are not understood."""
    try:
        hours = {day: read_day(given.get(f"hours_{day}", "")[:_LONGEST_DAY]) for day in DAYS}
    except ValueError as error:
        raise Invalid(str(error)) from error
    return {day: spans for day, spans in hours.items() if spans}


def make_brand(*, actor: User, given: Mapping[str, str]) -> Brand:
    """The brand that a form asks for. Raises Invalid for what is wrong in it, NotAllowed for who may not."""
    return create_brand(
        actor=actor,
        name=given.get("name", ""),
        slug=given.get("slug", ""),
        time_zone=given.get("time_zone", ""),
        hours=hours_in(given),
        colour=given.get("colour", ""),
    )


def fields(typed: Mapping[str, str], *, time_zone: str, brand: Brand | None = None) -> dict[str, Any]:
    """What ``web/brands/fields.html`` shows: what was ``typed``, else what the ``brand`` has.

    ``time_zone``: chosen where nothing else is.
    """
    if brand is not None and not typed:
        typed = {"name": brand.name, "colour": brand.colour} | {
            f"hours_{day}": day_in_words(brand.hours.get(day, [])) for day in DAYS
        }
    chosen = typed.get("time_zone") or (brand.time_zone if brand else "") or time_zone
    zones = {one for one in zoneinfo.available_timezones() if "/" in one or one == "UTC"}
    return {
        "typed": typed,
        "time_zone": chosen,
        "time_zones": sorted(zones | ({brand.time_zone} if brand else set())),
        "days": [(day, label, typed.get(f"hours_{day}", "")) for day, label in DAYS.items()],
        "limits": {"NAME_LENGTH": NAME_LENGTH, "SLUG_LENGTH": SLUG_LENGTH},
    }
