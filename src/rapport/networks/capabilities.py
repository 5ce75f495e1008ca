"""What a network allows, as data: read by the composer, the checks, the API and the docs table alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from rapport.networks.events import MediaKind, ReceiptKind, Visibility


class Hears(StrEnum):
    """What reaches us from a network."""

    MENTIONS = "mentions"
    COMMENTS = "comments"
    PRIVATE = "private"
    REVIEWS = "reviews"
    LISTEN = "listen"


class Tested(StrEnum):
    """What the connector's tests talk to."""

    SERVER = "server"  # the network's own software, running here
    DOUBLE = "double"  # a server we wrote, by the network's published rules
    ITSELF = "itself"  # the network is part of Rapport


class Elsewhere(StrEnum):
    """Whose messages an account can answer in public, besides those that came to itself."""

    NONE = ""
    SERVER = "server"  # what came to another account on the same server: ids are the server's own
    NETWORK = "network"  # what came to any account: an id means the same everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRules:
    """Files a reply may carry. ``max_bytes`` has the kinds that are possible; sizes in bytes."""

    max_count: int
    max_bytes: Mapping[MediaKind, int]
    content_types: tuple[str, ...] = ()  # empty: whatever the kind allows
    alt_text: bool = False
    max_alt_length: int | None = None
    mixed: bool = True  # whether images may go along with other kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How long after the customer's last message we may still write. ``by_person``: no automation."""

    name: str
    length: timedelta
    by_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """So many calls in so much time, by the network's stated limits. ``name``: ``read`` or ``write``."""

    name: str
    calls: int
    per: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the network allows.

    Lengths count the way :meth:`Connector.length` does; ``counts`` says how in words, ``counts_private`` for
    private replies where that differs. ``windows`` are for private replies, shortest first; empty means no
    limit. ``threads``: a public text too long for one post may go on in answers to ourselves.
    ``answers_elsewhere``: whether another account of the brand can answer what came to this one.
    ``receipts``: what the network tells of our private messages. ``profile_writes`` names the fields of a profile that can be changed through the network's API.
    """

    max_length: int
    max_length_private: int | None = None  # None: as max_length
    counts: str = "characters"
    counts_private: str = ""  # empty: as counts
    hears: frozenset[Hears] = frozenset()
    archive: bool = False  # what is heard is long past: nobody waits for an answer
    send: bool = True
    public_reply: bool = True
    private_reply: bool = False
    private_reply_to_public: bool = False  # a public message can be answered in private
    public_reply_to_private: bool = False  # a private message can be answered in public
    threads: bool = False
    answers_elsewhere: Elsewhere = Elsewhere.NONE
    find_lag: timedelta = timedelta(0)  # a post may be missing that long from what find_sent reads
    edit: bool = False
    delete: bool = False
    poll: bool = False
    webhook: bool = False
    stream: bool = False
    receipts: frozenset[ReceiptKind] = frozenset()
    history: bool = False
    media: MediaRules | None = None
    media_private: MediaRules | None = None
    windows: tuple[Window, ...] = ()
    budgets: tuple[Budget, ...] = ()
    profile: bool = False
    profile_writes: frozenset[str] = frozenset()
    max_bio_length: int | None = None
    tested: Tested = Tested.DOUBLE
    facts: Mapping[str, str] = field(default_factory=dict)  # remarks for the docs table

    def ways(self, to: Visibility | None = None) -> tuple[Visibility, ...]:
        """How something can be said here. ``to``: in answer to a message of that kind."""
        public = self.public_reply and (to != "private" or self.public_reply_to_private)
        private = self.private_reply and (to != "public" or self.private_reply_to_public)
        possible: dict[Visibility, bool] = {"public": public, "private": private}
        return tuple(way for way, yes in possible.items() if yes and self.send)

    def limit(self, visibility: Visibility) -> int:
        """The longest reply of this kind."""
        if visibility == "private" and self.max_length_private is not None:
            return self.max_length_private
        return self.max_length

    def media_rules(self, visibility: Visibility) -> MediaRules | None:
        """Which files a reply of this kind may carry; None for none."""
        return self.media_private if visibility == "private" else self.media
