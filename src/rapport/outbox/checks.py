"""What a reply must be before it may wait to be sent, by the network's own rules."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.brands.models import Channel, SignatureStyle
from rapport.inbox.models import Visibility
from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.networks.base import Account, Connector
from rapport.networks.registry import UnknownNetwork, connect
from rapport.staff.models import User

# Categories of characters that show nothing: separators, controls, format marks, unassigned.
_UNSEEN = ("Z", "Cc", "Cf", "Cn")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the composer needs to know before anything is sent. ``max_length`` counts the signature
    too, and counts as the network does."""

    max_length: int
    signature: str
    visibilities: tuple[Visibility, ...]


def connector_of(channel: Channel) -> Connector:
    """The channel's connector without credentials: for its rules, not for calls.

    Raises :class:`~rapport.lib.errors.Invalid` when no such connector is installed.
    """
    account = Account(
        external_id=channel.external_id, handle=channel.handle, credentials={}, settings=channel.settings
    )
    try:
        return connect(channel.network, account)
    except UnknownNetwork:
        raise Invalid(
            _("Nothing can be sent: the network “%(network)s” is not installed here.")
            % {"network": channel.network}
        ) from None


def limits(*, channel: Channel, author: User) -> Limits:
    """How ``author`` may answer on ``channel``. Raises Invalid for a network that is not installed."""
    can = connector_of(channel).capabilities
    allowed = {Visibility.PUBLIC: can.public_reply, Visibility.PRIVATE: can.private_reply}
    return Limits(
        max_length=can.max_length,
        signature=signature(channel=channel, author=author),
        visibilities=tuple(one for one, yes in allowed.items() if yes and can.send),
    )


def signature(*, channel: Channel, author: User) -> str:
    """How ``author`` signs on ``channel``; empty when replies there are not signed."""
    if channel.signature == SignatureStyle.INITIALS and author.initials:
        return f"^{author.initials}"
    if channel.signature == SignatureStyle.NAME:
        return author.first_name
    return ""


def signed(*, text: str, signature: str) -> str:
    """``text`` with the signature, unless it ends with it: on a line of its own below several lines,
    behind a space otherwise."""
    if not signature:
        return text
    if text.casefold().endswith(signature.casefold()):
        before = text[: -len(signature)]
        if not before or not before[-1].isalnum():
            return text
    return f"{text}\n{signature}" if "\n" in text else f"{text} {signature}"


def clean_text(text: str) -> str:
    """``text`` as it can be stored and sent. Raises Invalid when nobody would see anything of it."""
    text = storable(text.replace("\r\n", "\n").replace("\r", "\n").strip())
    if all(unicodedata.category(character).startswith(_UNSEEN) for character in text):
        raise Invalid(_("Write something first."))
    return text


def check_visibility(*, channel: Channel, visibility: str) -> Visibility:
    """``visibility``, if the network can answer that way. Raises Invalid."""
    if visibility not in Visibility.values:
        raise Invalid(_("A reply is public or private."))
    can = connector_of(channel).capabilities
    if not can.send:
        raise Invalid(_("Nothing can be sent through this channel."))
    if visibility == Visibility.PUBLIC and not can.public_reply:
        raise Invalid(_("This network has no public replies. Answer privately."))
    if visibility == Visibility.PRIVATE and not can.private_reply:
        raise Invalid(_("This network has no private replies. Answer publicly."))
    return Visibility(visibility)


def check_length(*, channel: Channel, text: str) -> None:
    """Refuse a text, signature included, that is longer than the network takes, and say by how much."""
    connector = connector_of(channel)
    over = connector.length(text) - connector.capabilities.max_length
    if over > 0:
        raise Invalid(
            ngettext(
                "%(over)d character too many, signature included.",
                "%(over)d characters too many, signature included.",
                over,
            )
            % {"over": over}
        )
