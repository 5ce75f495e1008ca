"""How a channel does, in plain words: one place for the list, the channel's own page and whoever else asks."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.brands.models import Channel, ChannelState
from rapport.networks.registry import connectors


@dataclass(frozen=True)
class Health:
    """What a channel is doing: a word, a sentence, and what to do about it ("" when nothing)."""

    state: str
    css: str
    icon: str
    sentence: str
    advice: str = ""


def health(channel: Channel) -> Health:
    """The channel's health from what listener and worker wrote down."""
    now = timezone.now()
    if channel.network not in connectors():
        return Health(
            _("Not installed"),
            "is-overdue",
            "circle-x",
            _("The connector of this network is not installed, so nothing is heard or sent."),
            _("Install it, or remove the channel."),
        )
    if channel.state == ChannelState.DISCONNECTED:
        return Health(
            _("Disconnected"),
            "is-overdue",
            "circle-x",
            _("The network no longer accepts our credentials: nothing is heard or sent."),
            _("An admin must connect the channel again. What customers wrote meanwhile is fetched then."),
        )
    if channel.state == ChannelState.PAUSED:
        return Health(
            _("Paused"),
            "is-muted",
            "clock",
            _("Somebody paused it. Replies wait until it is active again."),
        )
    if channel.open_until is not None and channel.open_until > now:
        return Health(
            _("Resting"),
            "is-waiting",
            "hourglass",
            _("The network does not answer well, so we leave it alone for a moment and then try again."),
        )
    if channel.failures:
        return Health(
            _("Struggling"),
            "is-waiting",
            "triangle-alert",
            _("Calls to the network fail. They are repeated, and nothing is lost."),
        )
    if channel.last_ok_at is None and channel.last_event_at is None:
        return Health(_("New"), "is-muted", "clock", _("Nothing was heard or sent yet."))
    return Health(_("Works"), "is-answered", "circle-check", _("It hears and sends."))
