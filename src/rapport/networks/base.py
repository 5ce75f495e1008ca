"""What a network is to Rapport: the events it sends, and the one class that speaks its protocol.

A network lives in one folder under ``rapport.networks`` (or in another package, through the entry
point group ``rapport.networks``). Nothing outside that folder knows its wire format. Pacing,
retries, circuit breaking and health live outside connectors, once.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils.functional import Promise

from rapport.networks.capabilities import Budget, Capabilities, Elsewhere, Hears, MediaRules, Tested, Window
from rapport.networks.connecting import Authorization, Field, Granted, Guide, Renewed, Step
from rapport.networks.events import (
    Author,
    Event,
    Liked,
    Media,
    MediaKind,
    MessageDeleted,
    MessageHidden,
    MessageSeen,
    Receipt,
    Reposted,
    Visibility,
    Withdrawn,
)

__all__ = [
    "Account",
    "Author",
    "Authorization",
    "Budget",
    "Capabilities",
    "Connector",
    "Delivery",
    "Elsewhere",
    "Event",
    "Field",
    "Granted",
    "Guide",
    "Hears",
    "Liked",
    "Media",
    "MediaKind",
    "MediaRules",
    "MessageDeleted",
    "MessageHidden",
    "MessageSeen",
    "OutgoingMedia",
    "OutgoingMessage",
    "Polled",
    "Profile",
    "RawItem",
    "Receipt",
    "Received",
    "Renewed",
    "Reposted",
    "SeenLimit",
    "Sent",
    "Step",
    "Tested",
    "Visibility",
    "Window",
    "Withdrawn",
]


# Raw events: what a network sent, before anybody read it ----------------------------------------
@dataclass(frozen=True, slots=True)
class RawItem:
    """One raw event to store. ``key`` makes it once per channel; by default it is the payload's hash.

    Give the same key to the same happening whichever way it comes (webhook, stream, poll): then it is stored
    once, and what only reconciliation found can be counted. An edit is another happening.

    ``look_up``: the network told only that it happened. It is stored so, and what it says is asked for later, by
    :meth:`Connector.look_up`.
    """

    kind: str
    payload: Any
    key: str = ""
    look_up: bool = False

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
class OutgoingMedia:
    """A file to send along. ``content`` is the file; ``alt`` describes it for those who cannot see it."""

    name: str
    content_type: str
    kind: MediaKind
    content: bytes = field(repr=False)
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A reply or a post to send. ``idempotency_key`` (a UUID's text) never changes between tries.

    ``parent_url`` and ``parent_facts`` are what we stored of the message it answers. ``heard_at``: when
    the contact last wrote in this thread, for networks with a reply window. ``by_person``: an agent
    wrote it, not a rule. ``root_id``: the thread's first message that we know.
    """

    idempotency_key: str
    text: str
    visibility: Visibility
    parent_id: str | None = None
    parent_visibility: Visibility | None = None
    parent_url: str = ""
    parent_facts: Mapping[str, Any] = field(default_factory=dict)
    root_id: str | None = None
    recipient_id: str | None = None  # identity's external id; needed for private messages
    recipient_handle: str = ""
    thread_key: str | None = None
    media: tuple[OutgoingMedia, ...] = ()
    lang: str = ""
    heard_at: datetime | None = None
    by_person: bool = True
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The network accepted it under this id. ``thread_key`` where the network named the conversation."""

    external_id: str
    sent_at: datetime
    url: str = ""
    thread_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The account a channel's credentials belong to, as the public sees it (E5 of the map).

    ``bio_length`` counts as the network does. ``hours``: published opening hours as the network words
    them, None where it has none. ``settings``: what was learned of the place (such as an instance's own
    limits) and is to be kept with the channel's settings. ``expires_at``: when the credentials end.
    """

    external_id: str
    handle: str
    name: str = ""
    url: str = ""
    bio: str = ""
    bio_length: int | None = None
    link: str = ""
    picture_url: str = ""
    hours: str | None = None
    followers: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The channel a connector works for: its identity on the network, decrypted credentials, settings.

    While a channel is being connected, ``external_id`` and ``handle`` are empty.
    """

    external_id: str
    handle: str
    credentials: Mapping[str, Any]
    settings: Mapping[str, Any]

    def __repr__(self) -> str:  # credentials must not reach a log
        return f"Account({self.handle!r})"

    def secrets(self, name: str) -> tuple[str, ...]:
        """A secret and, while it is being rotated, the one before: a signature by either is good."""
        found = (self.credentials.get(name), self.credentials.get(f"{name}_previous"))
        return tuple(str(one) for one in found if one)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLimit:
    """A budget as the network's last answer told it: ``remaining`` calls until ``reset_at``."""

    budget: str
    remaining: int
    reset_at: datetime


class Connector(ABC):
    """Speaks one network for one channel. Raises only the three errors of :mod:`.errors`.

    Every method may be called from any thread, does one thing, holds no state between calls and
    never touches Rapport's database. ``parse`` is pure: the same payload gives the same events for ever.

    ``seen_limits`` is what the last call's answer said about our budget; whoever made the call reads it.
    ``kinds`` names the raw events it knows, with one line on each: the docs print it.

    ``webhook_secrets`` names the credentials that deliveries to the network's one endpoint are signed with;
    channels that have the same ones are verified once. () where that is not known: each is asked by itself.
    ``hook_per_app``: the network's handshake does not tell which of several apps asks, so every app has an
    address of its own: that of any of its channels.
    """

    network: ClassVar[str]
    label: ClassVar[str | Promise]
    capabilities: ClassVar[Capabilities]
    guide: ClassVar[Guide | None] = None  # None: it is not connected by a person (files, practice)
    kinds: ClassVar[Mapping[str, str]] = {}
    webhook_secrets: ClassVar[tuple[str, ...]] = ()
    hook_per_app: ClassVar[bool] = False

    def __init__(self, account: Account) -> None:
        self.account = account
        self.seen_limits: list[SeenLimit] = []

    # Connecting -----------------------------------------------------------------------------------
    @abstractmethod
    def check(self) -> Profile:
        """Prove that the credentials work, and say whose they are."""

    @classmethod
    def begin(cls, values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
        """Start the network's own login (OAuth). ``values``: what the guide's fields brought."""
        raise NotImplementedError(f"{cls.network} has no login of its own")

    @classmethod
    def finish(
        cls,
        values: Mapping[str, Any],
        *,
        keep: Mapping[str, Any],
        query: Mapping[str, str],
        redirect_uri: str,
    ) -> Sequence[Granted]:
        """End it: the browser came back with ``query``. Each account we may use; the admin picks one.

        ``state`` was compared before. Raises Refused when the person said no.
        """
        raise NotImplementedError(f"{cls.network} has no login of its own")

    def renew(self) -> Renewed | None:
        """New credentials for ones that end soon or were refused; None where there is nothing to renew.

        Called by one process at a time, and what it returns is stored before anything else is called.
        Raises CredentialsGone when a person must connect the channel again.
        """
        return None

    # Hearing --------------------------------------------------------------------------------------
    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        """Fetch what is new since ``cursor`` ({} at first), with some overlap where the network is lossy.

        The first poll of a channel begins now, or a little before; the past is for :meth:`history`.
        """
        raise NotImplementedError(f"{self.network} is not polled")

    @staticmethod
    def troubles(cursor: Mapping[str, Any]) -> Mapping[str, str]:
        """What a poll's cursor says is not read for now, and why: a search, a community, one of several feeds.

        The rest goes on meanwhile, so the poll itself was no failure. Shown beside the channel.
        """
        return {}

    def stream(self, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
        """What happens, as it happens, until ``stop()`` or the connection ends (it is opened again).

        Yields at least every few seconds, empty if need be, so that ``stop`` is heard and the cursor kept.
        """
        raise NotImplementedError(f"{self.network} has no stream")

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        """One page of the past, newest first, down to ``since``; ``more`` until that is reached."""
        raise NotImplementedError(f"{self.network} gives no history")

    @classmethod
    def addressees(cls, delivery: Delivery) -> Sequence[str] | None:
        """Accounts (external ids) that a delivery to the network's one endpoint speaks of, unverified.

        None: any of them, such as for a handshake; they are asked one after the other.
        """
        return None

    def receive(self, delivery: Delivery) -> Received:
        """Take a webhook delivery: verify first, on the raw body, then keep what is for this account.

        Unknown kinds are returned too: they are stored and counted. Raises
        :class:`~.errors.NotFromThisNetwork`.
        """
        raise NotImplementedError(f"{self.network} sends no webhooks")

    def look_up(self, kind: str, payload: Any) -> Any:
        """The payload of an event that was stored with ``look_up``, with what it stands for; then it is parsed.

        What the network refuses for good is told in the payload, and ``parse`` says so.
        """
        raise NotImplementedError(f"nothing is looked up on {self.network}")

    def verify(self, delivery: Delivery) -> Received:
        """What to answer a delivery that is the network's, whichever account it is for; nothing is kept of it.

        Raises :class:`~.errors.NotFromThisNetwork`.
        """
        return self.receive(delivery)

    @staticmethod
    @abstractmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        """Events in a raw event; [] for one that is known but of no interest.

        Raises ValueError, KeyError or TypeError for a payload it does not understand; the raw event
        is then parked with the error and can be replayed.
        """

    # Speaking -------------------------------------------------------------------------------------
    @property
    def rules(self) -> Capabilities:
        """What this very account allows: the network's capabilities, with the place's own limits."""
        return self.capabilities

    def written(self, text: str, visibility: Visibility, *, to: str = "") -> str:
        """``text`` as :meth:`send` and :meth:`edit` give it to the network: with what must be in it there, such
        as the person's name. ``to``: the handle of the person it is for, empty where nobody is known.

        This is what is counted before anything is sent. Nothing is asked of the network.
        """
        return text

    def length(self, text: str, visibility: Visibility = "public") -> int:
        """Length of ``text`` as the network counts it in messages of this kind."""
        return len(text)

    def send(self, message: OutgoingMessage) -> Sent:
        """Post it. After ``TryAgain(doubt=True)`` the caller asks :meth:`find_sent` before repeating."""
        raise NotImplementedError(f"nothing can be sent to {self.network}")

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        """Whether ``message`` was posted by an earlier try: the answer to "did it post?"."""
        raise NotImplementedError(f"nothing can be sent to {self.network}")

    def edit(self, external_id: str, text: str, *, parent_id: str | None = None) -> Sent:
        """Change a message of ours. Repeating it does no harm. The id may be another afterwards."""
        raise NotImplementedError(f"nothing can be edited on {self.network}")

    def delete(self, external_id: str) -> None:
        """Take a message of ours away. One that is gone already is no error."""
        raise NotImplementedError(f"nothing can be deleted on {self.network}")

    # Profile --------------------------------------------------------------------------------------
    def profile(self) -> Profile:
        """The account as the public sees it now."""
        return self.check()

    def write_profile(self, changes: Mapping[str, str]) -> None:
        """Change the account's ``name``, ``bio``, ``link`` or ``hours``, as far as capabilities allow."""
        raise NotImplementedError(f"profiles cannot be changed on {self.network}")
