"""The rail's entries and what leads must know of channels, for the page around every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.brands.alerts import open_alerts, words
from rapport.mentions.models import Alert as Spike
from rapport.mentions.spikes.queries import told_on_pages
from rapport.mentions.stream import new_count
from rapport.staff.access import brands_for, may_anywhere
from rapport.staff.models import User
from rapport.staff.permissions import Permission

register = template.Library()


@dataclass(frozen=True)
class Room:
    """One entry of the rail."""

    href: str
    label: str | Promise
    icon: str
    current: bool
    count: str = ""


_ROOMS = (
    ("desk", _("Desk"), "inbox", None),
    ("mentions", _("Mentions"), "at-sign", Permission.VIEW_CASES),
    ("figures", _("Figures"), "chart-column", None),
    ("saved-replies", _("Replies"), "message-square-text", None),
    ("channels", _("Channels"), "plug", None),
    ("people", _("People"), "users-round", None),
    ("parked", _("Parked events"), "file-warning", Permission.REPLAY_EVENTS),
)


@register.simple_tag(takes_context=True)
def rooms(context: dict[str, Any]) -> list[Room]:
    """The rooms this person may enter."""
    request: HttpRequest = context["request"]
    user = request.user
    if not isinstance(user, User):
        return []
    shown = []
    for name, label, icon, permission in _ROOMS:
        if permission is None or may_anywhere(user, permission):
            href = reverse(name)
            count = _new_mentions(user) if name == "mentions" else ""
            places = (href, reverse("queries")) if name == "mentions" else (href,)
            shown.append(Room(href, label, icon, request.path.startswith(places), count))
    return shown


def _new_mentions(user: User) -> str:
    """How many new mentions wait, as few characters as there is room for."""
    number = new_count(user=user, most=100)
    return "99+" if number > 99 else str(number or "")


@register.simple_tag(takes_context=True)
def channel_alerts(context: dict[str, Any]) -> list[dict[str, Any]]:
    """Trouble with channels, the worst first, for those who are to be told of it."""
    user = context["request"].user
    if not isinstance(user, User):
        return []
    found = open_alerts(brands=brands_for(user, Permission.WATCH_CHANNELS))
    return [{"channel": alert.channel, "words": words(alert)} for alert in found]


@register.simple_tag(takes_context=True)
def spikes_now(context: dict[str, Any]) -> list[Spike]:
    """What is said far more than usual now, for leads, until one of them takes it on."""
    user = context["request"].user
    return told_on_pages(user) if isinstance(user, User) else []
