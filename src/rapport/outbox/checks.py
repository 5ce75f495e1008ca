"""What a reply must be before it may wait to be sent, by the network's own rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.brands.models import Channel, ChannelState, SignatureStyle
from rapport.contacts.models import Identity
from rapport.inbox.models import Message, Visibility
from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.networks.base import Account, Connector, MediaKind, MediaRules, Window
from rapport.networks.registry import UnknownNetwork, connect
from rapport.staff.models import User
from rapport.staff.queries import sign_as

# Categories of characters that show nothing: separators, controls, format marks, unassigned.
_UNSEEN = ("Z", "Cc", "Cf", "Cn")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the composer needs to know before anything is sent. ``max_length`` counts the signature
    too, and counts as the network does; private replies may have another."""

    max_length: int
    signature: str
    visibilities: tuple[Visibility, ...]
    max_length_private: int = 0
    media: MediaRules | None = None
    media_private: MediaRules | None = None
    windows: tuple[Window, ...] = ()
    edit: bool = False
    delete: bool = False
    threads: bool = False


@dataclass(frozen=True, kw_only=True)
class NewMedia:
    """A file that somebody wants to send along. ``content_type`` by its bytes; ``size`` in bytes."""

    name: str
    content: bytes
    content_type: str
    kind: MediaKind
    alt: str = ""

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True)
class OpenWindow:
    """The reply window that is open, and when it closes. ``by_person``: for people's words only."""

    window: Window
    until: datetime


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


def limits(*, channel: Channel, author: User, answering: Visibility | None = None) -> Limits:
    """How ``author`` may answer on ``channel``, a message of the kind ``answering``. Raises Invalid for a network
    that is not installed."""
    can = connector_of(channel).rules
    return Limits(
        max_length=can.limit("public"),
        max_length_private=can.limit("private"),
        signature=signature(channel=channel, author=author),
        visibilities=tuple(Visibility(way) for way in can.ways(_way(answering) if answering else None)),
        media=can.media,
        media_private=can.media_private,
        windows=can.windows,
        edit=can.edit,
        delete=can.delete,
        threads=can.threads,
    )


def signature(*, channel: Channel, author: User) -> str:
    """How ``author`` signs on ``channel``; empty when replies there are not signed."""
    if channel.signature == SignatureStyle.NONE:
        return ""
    initials, name = sign_as(user=author, brand_id=channel.brand_id)
    if channel.signature == SignatureStyle.NAME:
        return name
    return f"^{initials}" if initials else ""


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


def unsigned(*, text: str, signature: str) -> str:
    """``text`` as its author typed it, for going back into the field."""
    return text.removesuffix(signature).rstrip() if signature else text


def clean_text(text: str) -> str:
    """``text`` as it can be stored and sent. Raises Invalid when nobody would see anything of it."""
    text = storable(text.replace("\r\n", "\n").replace("\r", "\n").strip())
    if all(unicodedata.category(character).startswith(_UNSEEN) for character in text):
        raise Invalid(_("Write something first."))
    return text


def check_connected(channel: Channel) -> None:
    """Refuse what a disconnected channel cannot send: it would fail as soon as it was tried. Raises Invalid."""
    if channel.state == ChannelState.DISCONNECTED:
        raise Invalid(
            _("This channel is disconnected, so nothing can be sent. An admin must connect it again.")
        )


def check_visibility(*, channel: Channel, visibility: str, parent: Message | None = None) -> Visibility:
    """``visibility``, if the network can answer (``parent``) that way. Raises Invalid."""
    if visibility not in Visibility.values:
        raise Invalid(_("A reply is public or private."))
    can = connector_of(channel).rules
    if not can.send:
        raise Invalid(_("Nothing can be sent through this channel."))
    if visibility == Visibility.PUBLIC and not can.public_reply:
        raise Invalid(_("This network has no public replies. Answer privately."))
    if visibility == Visibility.PRIVATE and not can.private_reply:
        raise Invalid(_("This network has no private replies. Answer publicly."))
    way = Visibility(visibility)
    if parent is not None and _way(way) not in can.ways(_way(Visibility(parent.visibility))):
        if way == Visibility.PUBLIC:
            raise Invalid(_("This was written privately. Answer it privately."))
        raise Invalid(_("This network does not let us answer a public message in private."))
    return way


def length(*, channel: Channel, text: str, visibility: Visibility, recipient: Identity | None) -> int:
    """How long ``text``, signed already, is on its way to ``recipient``, as the network counts."""
    connector, way = connector_of(channel), _way(visibility)
    to = recipient.handle if recipient is not None else ""
    return connector.length(connector.written(text, way, to=to), way)


def fits(*, channel: Channel, visibility: Visibility, recipient: Identity | None) -> Callable[[str], bool]:
    """Whether a text, signed already, fits into one message to ``recipient``, as the network counts."""
    connector, way = connector_of(channel), _way(visibility)
    limit, to = connector.rules.limit(way), recipient.handle if recipient is not None else ""
    return lambda text: connector.length(connector.written(text, way, to=to), way) <= limit


def addition(*, channel: Channel, visibility: Visibility, recipient: Identity | None) -> str:
    """What the network wants in every text to ``recipient``: their handle, say. Empty for most."""
    to = recipient.handle if recipient is not None else ""
    return connector_of(channel).written("", _way(visibility), to=to)


def check_length(
    *, channel: Channel, text: str, visibility: Visibility, recipient: Identity | None = None
) -> None:
    """Refuse a text that is longer than the network takes, with all that goes along, and say by how much."""
    limit = connector_of(channel).rules.limit(_way(visibility))
    over = length(channel=channel, text=text, visibility=visibility, recipient=recipient) - limit
    if over > 0:
        raise Invalid(
            _("Too long by %(over)d, as this network counts, with the signature and the name that go along.")
            % {"over": over}
        )


def open_windows(
    *, windows: Sequence[Window], heard_at: datetime | None, now: datetime, by_person: bool = True
) -> tuple[OpenWindow, ...]:
    """The reply windows that are open ``now``, after the contact last wrote privately at ``heard_at``: the one
    that counts first, then those that are open for longer."""
    if heard_at is None:
        return ()
    still = (OpenWindow(one, heard_at + one.length) for one in windows if by_person or not one.by_person)
    return tuple(one for one in still if now < one.until)


def check_window(
    *, windows: Sequence[Window], heard_at: datetime | None, now: datetime, by_person: bool
) -> None:
    """Refuse a private reply that comes too late for the network ``now``, in words. Raises Invalid."""
    if not windows or open_windows(windows=windows, heard_at=heard_at, now=now, by_person=by_person):
        return
    hours = int(max(one.length for one in windows).total_seconds() // 3600)
    raise Invalid(
        ngettext(
            "Too late: this network lets us write privately for %(hours)d hour after the customer's last "
            "private message. Answer publicly, or wait until they write again.",
            "Too late: this network lets us write privately for %(hours)d hours after the customer's last "
            "private message. Answer publicly, or wait until they write again.",
            hours,
        )
        % {"hours": hours}
    )


def check_media(*, channel: Channel, visibility: Visibility, files: Sequence[NewMedia]) -> None:
    """Refuse files that the network does not take, and say which and why. Raises Invalid."""
    if not files:
        return
    rules = connector_of(channel).rules.media_rules(_way(visibility))
    if rules is None:
        raise Invalid(_("No files can be sent this way on this network."))
    if len(files) > rules.max_count:
        raise Invalid(
            ngettext(
                "This network takes at most %(count)d file per message.",
                "This network takes at most %(count)d files per message.",
                rules.max_count,
            )
            % {"count": rules.max_count}
        )
    if not rules.mixed and len({one.kind for one in files}) > 1:
        raise Invalid(_("This network does not take pictures and other files in one message."))
    for file in files:
        _check_file(file, rules)


def _check_file(file: NewMedia, rules: MediaRules) -> None:
    named = {"name": file.name}
    most = rules.max_bytes.get(file.kind)
    if most is None or (rules.content_types and file.content_type not in rules.content_types):
        raise Invalid(_("“%(name)s” is of a kind that this network does not take.") % named)
    if not file.size:
        raise Invalid(_("“%(name)s” is empty.") % named)
    if file.size > most:
        raise Invalid(
            _("“%(name)s” is too large: %(size).1f MB, and this network takes %(most).1f MB.")
            % {**named, "size": file.size / 1e6, "most": most / 1e6}
        )
    if rules.max_alt_length is not None and len(file.alt) > rules.max_alt_length:
        raise Invalid(
            _("The description of “%(name)s” is too long: at most %(most)d characters.")
            % {**named, "most": rules.max_alt_length}
        )


def _way(visibility: Visibility) -> Literal["public", "private"]:
    return "private" if visibility == Visibility.PRIVATE else "public"
