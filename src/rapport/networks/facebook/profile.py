"""A page as the public sees it, read and written.

https://developers.facebook.com/docs/graph-api/reference/page
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Profile
from rapport.networks.errors import Refused
from rapport.networks.meta.graph import Graph, encoded, reading
from rapport.networks.meta.values import identifier, optional_mapping, text

FIELDS = "id,name,username,about,link,website,hours,picture{url},followers_count,category"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun) ([0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d)(?:, ([0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d))?"
)
_SLOT = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)_([12])_(open|close)")


def read(graph: Graph) -> Profile:
    """Raises Refused for the token of a person, which has no page's fields."""
    return profile_of(graph.get("me", fields=FIELDS))


def profile_of(page: Mapping[str, Any]) -> Profile:
    with reading():
        about = text(page, "about")
        picture = optional_mapping(optional_mapping(page.get("picture")).get("data"))
        followers = page.get("followers_count")
        return Profile(
            external_id=identifier(page, "id"),
            # A page without a username is addressed by its id.
            handle=text(page, "username") or identifier(page, "id"),
            name=text(page, "name"),
            url=text(page, "link"),
            bio=about,
            bio_length=len(about),
            link=text(page, "website"),
            picture_url=text(picture, "url"),
            hours=_hours_in_words(optional_mapping(page.get("hours"))),
            followers=followers if isinstance(followers, int) and not isinstance(followers, bool) else None,
        )


def write(graph: Graph, changes: Mapping[str, str]) -> None:
    """Change the page's ``bio``, ``link`` or ``hours`` (as :func:`read` words them)."""
    form: dict[str, str] = {}
    for name, value in changes.items():
        if name == "bio":
            form["about"] = value
        elif name == "link":
            form["website"] = value
        elif name == "hours":
            form["hours"] = encoded(_hours_for_page(value))
        else:
            raise Refused(_("Facebook lets no program change this of a page: {name}").format(name=name))
    if form:
        graph.post("me", form=form, writes=False)


def _hours_in_words(hours: Mapping[str, Any]) -> str | None:
    """``mon 09:00-12:00, 13:00-17:00; tue …``; None where nothing is published."""
    slots: dict[tuple[str, str], dict[str, str]] = {}
    for key, value in hours.items():
        if (found := _SLOT.fullmatch(str(key))) and isinstance(value, str):
            slots.setdefault((found[1], found[2]), {})[found[3]] = value
    days = []
    for day in _DAYS:
        spans = [
            f"{slots[day, number]['open']}-{slots[day, number]['close']}"
            for number in ("1", "2")
            if {"open", "close"} <= slots.get((day, number), {}).keys()
        ]
        if spans:
            days.append(f"{day} {', '.join(spans)}")
    return "; ".join(days) or None


def _hours_for_page(words: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in words.split(";"))):
        day = _HOURS.fullmatch(part)
        if day is None:
            raise Refused(
                _(
                    "Facebook cannot read these hours. Write them like this: mon 09:00-12:00, 13:00-17:00; tue 09:00-17:00"
                )
            )
        for number, span in enumerate(filter(None, (day[2], day[3])), start=1):
            opens, _dash, closes = span.partition("-")
            found[f"{day[1]}_{number}_open"] = opens
            found[f"{day[1]}_{number}_close"] = closes
    return found
