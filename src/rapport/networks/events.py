"""What a raw event means once parsed: the only things the rest of Rapport learns from a network.

All are frozen, all times carry a zone and are the platform's, all ids are the network's own and stable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Visibility = Literal["public", "private"]
MediaKind = Literal["image", "video", "audio", "file"]
ReceiptKind = Literal["read", "delivered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a message. ``external_id`` is the network's stable id, never the handle.

    ``unproven``: the handle is only what they say, such as an address typed into a form.
    """

    external_id: str
    handle: str = ""
    name: str = ""
    avatar_url: str = ""
    url: str = ""
    followers: int | None = None
    unproven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that belongs to a message.

    ``url`` is the network's; Rapport does not fetch it unasked. A file that came with the event itself,
    as in an e-mail, has ``content`` instead (bytes), and Rapport keeps it.
    """

    url: str = ""
    kind: MediaKind = "image"
    alt: str = ""
    name: str = ""
    content_type: str = ""
    content: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSeen:
    """A message exists. Seen again with other text it is an edit; ``edited_at`` orders those.

    ``parent_id`` is the external id of the message it answers, on the same network. ``thread_key``
    joins messages that have no reply links, such as the messages of one private conversation.
    ``sent_at`` is the platform's time, with a zone. ``automatic`` marks bots, autoresponders and
    bounces: they never count as an answer and never open a case. ``context`` marks what was neither
    said to us nor matched by us and is kept only so that a thread can be read: it opens no case and asks
    nothing, until the same message is seen without the mark.

    ``text`` is what people read. ``facts`` holds what only some networks know; keys in use: ``subject``
    (str), ``full_text`` (str, where ``text`` leaves out quotations or signatures), ``authentication``
    (str to str: ``dkim``, ``spf``, ``dmarc``), ``rating`` (number), ``rating_of`` (number, the best),
    ``quotes`` (external id of a quoted message), ``poll`` ({"options": [{"title", "votes"}], "ends_at"}),
    ``sensitive`` (str, the content warning), ``kind`` (str: ``mention``, ``comment``, ``review``,
    ``story_mention``, ``letter``, ``call``, ``visit``, ``form``, ``entry``), ``automatic`` (str, which machine wrote it),
    ``bounce`` ({"recipient", "status", "action", "reason", "permanent"}), ``html`` (sanitised), ``email`` (what
    a reply's headers need), ``left_out`` and ``truncated`` (what was too large to keep).
    """

    external_id: str
    author: Author
    text: str
    sent_at: datetime
    visibility: Visibility = "public"
    parent_id: str | None = None
    thread_key: str | None = None
    url: str = ""
    lang: str = ""
    media: tuple[Media, ...] = ()
    edited_at: datetime | None = None
    automatic: bool = False
    context: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    client_ref: str = ""  # the idempotency key of our outgoing, where the network hands it back


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted:
    """The network no longer shows the message. It may come before the message itself."""

    external_id: str
    deleted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHidden:
    """Somebody with the right to do so hid the message from others, or (``hidden`` False) showed it again."""

    external_id: str
    changed_at: datetime
    hidden: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reposted:
    """Somebody passed a message on. It is counted on the original and never opens a case."""

    external_id: str
    original_id: str
    author: Author
    reposted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Liked:
    """Somebody reacted to a message. ``external_id`` names the reaction, so that it can be withdrawn."""

    external_id: str
    original_id: str
    author: Author
    liked_at: datetime
    reaction: str = "like"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A repost or a reaction of this id, on ``original_id``, was taken back. It may come first."""

    external_id: str
    original_id: str
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Somebody read what we had said to them in a private conversation, or their device got it, at ``at``.

    It covers whatever was said there until ``until`` or, where the network names a message instead, until
    ``message_id`` was. ``reader_id`` is the person's stable id, ``thread_key`` as in the messages. An older one
    takes nothing back, and one may come before its message.
    """

    kind: ReceiptKind
    thread_key: str
    reader_id: str
    at: datetime
    until: datetime | None = None
    message_id: str | None = None


Event = MessageSeen | MessageDeleted | MessageHidden | Reposted | Liked | Withdrawn | Receipt
