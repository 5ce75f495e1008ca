"""What a network is to Rapport: the events it sends, and the one class that speaks its protocol.

A network lives in one folder under ``rapport.networks`` (or in another package, through the entry
point group ``rapport.networks``). Nothing outside that folder knows its wire format. Pacing,
retries, circuit breaking and health live outside connectors, once.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

Visibility = Literal["public", "private"]


# Events: what a raw event means once parsed ------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a message. ``external_id`` is the network's stable id, never the handle."""

    external_id: str
    handle: str = ""
    name: str = ""
    avatar_url: str = ""
    url: str = ""
    followers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that belongs to a message. ``url`` is the network's; Rapport does not fetch it unasked."""

    url: str
    kind: Literal["image", "video", "audio", "file"] = "image"
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSeen:
    """A message exists. Seen again with other text it is an edit; ``edited_at`` orders those.

    ``parent_id`` is the external id of the message it answers, on the same network. ``thread_key``
    joins messages that have no reply links, such as the messages of one private conversation.
    ``sent_at`` is the platform's time, with a zone. ``automatic`` marks bots and autoresponders:
    they never count as an answer.
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
    client_ref: str = ""  # the idempotency key of our outgoing, where the network hands it back


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted:
    """The network no longer shows the message. It may come before the message itself."""

    external_id: str
    deleted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reposted:
    """Somebody passed a message on. It is counted on the original and never opens a case."""

    external_id: str
    original_id: str
    author: Author
    reposted_at: datetime


Event = MessageSeen | MessageDeleted | Reposted


# Raw events: what a network sent, before anybody read it ----------------------------------------
@dataclass(frozen=True, slots=True)
class RawItem:
    """One raw event to store. ``key`` makes it once per channel; by default it is the payload's hash."""

    kind: str
    payload: Any
    key: str = ""

    def dedupe_key(self) -> str:
        """At most 64 characters, equal for equal deliveries."""
        if self.key and len(self.key) <= 64:
            return self.key
        body = self.key or json.dumps([self.kind, self.payload], sort_keys=True, default=str)
        return hashlib.blake2b(body.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll brought. ``cursor`` is saved in the transaction that stores ``items``."""

    items: Sequence[RawItem]
    cursor: dict[str, Any]
    more: bool = False  # poll again at once
    next_after: timedelta | None = None  # the network's own wish for the pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook request as it arrived. ``headers`` has lower-case names; ``body`` is untouched."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a webhook delivery brought, and what to answer once that is stored."""

    items: Sequence[RawItem] = ()
    status: int = 200
    body: str = ""


# Sending ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A reply or a post to send. ``idempotency_key`` never changes between tries."""

    idempotency_key: str
    text: str
    visibility: Visibility
    parent_id: str | None = None
    recipient_id: str | None = None  # identity's external id; needed for private messages
    thread_key: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The network accepted it under this id."""

    external_id: str
    sent_at: datetime
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The account a channel's credentials belong to."""

    external_id: str
    handle: str
    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the network allows. Read by the composer, the checks and the docs table alike."""

    max_length: int
    public_reply: bool = True
    private_reply: bool = False
    edit: bool = False
    delete: bool = False
    poll: bool = False
    webhook: bool = False
    send: bool = True
    history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The channel a connector works for: its identity on the network, decrypted credentials, settings."""

    external_id: str
    handle: str
    credentials: Mapping[str, Any]
    settings: Mapping[str, Any]

    def __repr__(self) -> str:  # credentials must not reach a log
        return f"Account({self.handle!r})"


class Connector(ABC):
    """Speaks one network for one channel. Raises only the three errors of :mod:`.errors`.

    Every method may be called from any thread, does one thing, holds no state between calls and
    never touches Rapport's database. ``parse`` is pure: the same payload gives the same events for ever.
    """

    network: ClassVar[str]
    label: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def __init__(self, account: Account) -> None:
        self.account = account

    @abstractmethod
    def check(self) -> Profile:
        """Prove that the credentials work, and say whose they are."""

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        """Fetch what is new since ``cursor`` ({} at first)."""
        raise NotImplementedError(f"{self.network} is not polled")

    def receive(self, delivery: Delivery) -> Received:
        """Take a webhook delivery: verify first. Raises :class:`~.errors.NotFromThisNetwork`."""
        raise NotImplementedError(f"{self.network} sends no webhooks")

    @staticmethod
    @abstractmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        """Events in a raw event; [] for one that is known but of no interest.

        Raises ValueError, KeyError or TypeError for a payload it does not understand; the raw event
        is then parked with the error and can be replayed.
        """

    def send(self, message: OutgoingMessage) -> Sent:
        """Post it. After ``TryAgain(doubt=True)`` the caller asks :meth:`find_sent` before repeating."""
        raise NotImplementedError(f"nothing can be sent to {self.network}")

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        """Whether ``message`` was posted by an earlier try: the answer to "did it post?"."""
        raise NotImplementedError(f"nothing can be sent to {self.network}")

    def length(self, text: str) -> int:
        """Length of ``text`` as the network counts it."""
        return len(text)
