"""Parsed events made fit for the database: lengths, time zones, impossible clocks, repeats in a batch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rapport.lib.text import storable, storable_json
from rapport.networks.base import (
    Author,
    Event,
    Liked,
    Media,
    MessageDeleted,
    MessageHidden,
    MessageSeen,
    Receipt,
    Reposted,
    Withdrawn,
)

MAX_ID = 500
MAX_TEXT = 100_000
MAX_MEDIA = 100
# A network's clock may run ahead a little; a message from further in the future is dated on arrival,
# because a clock that starts tomorrow would hide a customer who waits today.
CLOCK_TOLERANCE = timedelta(minutes=10)
# The same for a clock that was never set. PostgreSQL keeps years that Python cannot read, and one such
# row would take every list it is in with it.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def clean(event: Event, *, received_at: datetime) -> Event:
    """``event`` with storable strings and sane times. Raises ValueError when it cannot be kept."""
    if isinstance(event, MessageSeen):
        return replace(
            event,
            external_id=_id(event.external_id),
            author=_author(event.author),
            text=storable(event.text, limit=MAX_TEXT),
            sent_at=_time(event.sent_at, received_at),
            edited_at=_time(event.edited_at, received_at) if event.edited_at else None,
            parent_id=_optional_id(event.parent_id),
            thread_key=_optional_id(event.thread_key),
            url=storable(event.url, limit=1000),
            lang=storable(event.lang, limit=16),
            media=tuple(_media(one) for one in event.media[:MAX_MEDIA]),
            facts=storable_json(dict(event.facts)),
        )
    if isinstance(event, MessageDeleted):
        return replace(
            event, external_id=_id(event.external_id), deleted_at=_time(event.deleted_at, received_at)
        )
    if isinstance(event, MessageHidden):
        return replace(
            event, external_id=_id(event.external_id), changed_at=_time(event.changed_at, received_at)
        )
    if isinstance(event, Receipt):
        return _receipt(event, received_at)
    ids = {"external_id": _id(event.external_id), "original_id": _id(event.original_id)}
    if isinstance(event, Withdrawn):
        return replace(event, **ids, withdrawn_at=_time(event.withdrawn_at, received_at))
    if isinstance(event, Liked):
        return replace(
            event,
            **ids,
            author=_author(event.author),
            liked_at=_time(event.liked_at, received_at),
            reaction=storable(event.reaction, limit=40),
        )
    return replace(
        event, **ids, author=_author(event.author), reposted_at=_time(event.reposted_at, received_at)
    )


def _receipt(receipt: Receipt, received_at: datetime) -> Receipt:
    if (receipt.until is None) == (receipt.message_id is None):
        raise ValueError("a receipt names a time or a message, and only one of them")
    return replace(
        receipt,
        thread_key=_id(receipt.thread_key),
        reader_id=_id(receipt.reader_id),
        at=_time(receipt.at, received_at),
        until=_time(receipt.until, received_at) if receipt.until else None,
        message_id=_id(receipt.message_id) if receipt.message_id is not None else None,
    )


def _media(media: Media) -> Media:
    return replace(
        media,
        url=storable(media.url, limit=2000),
        alt=storable(media.alt),
        name=storable(media.name, limit=200),
        content_type=storable(media.content_type, limit=100),
    )


def _id(value: str) -> str:
    value = storable(value)
    if not value or len(value) > MAX_ID:
        raise ValueError(f"an id of {len(value)} characters; 1 to {MAX_ID} are possible")
    return value


def _optional_id(value: str | None) -> str | None:
    return _id(value) if value else None


def _time(value: datetime, received_at: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    return value if EARLIEST <= value <= received_at + CLOCK_TOLERANCE else received_at


def _author(author: Author) -> Author:
    return replace(
        author,
        external_id=_id(author.external_id),
        handle=storable(author.handle, limit=200),
        name=storable(author.name, limit=200),
        avatar_url=storable(author.avatar_url, limit=1000),
        url=storable(author.url, limit=1000),
    )


@dataclass(frozen=True)
class Edit:
    """An older wording of a message, and when it was replaced."""

    external_id: str
    text: str
    replaced_at: datetime


@dataclass(frozen=True)
class Received:
    """A message with our arrival time."""

    message: MessageSeen
    received_at: datetime


@dataclass
class Batch:
    """What a batch says, each message once in its newest wording."""

    messages: list[Received] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    deletions: list[MessageDeleted] = field(default_factory=list)
    reposts: list[Reposted] = field(default_factory=list)
    likes: list[Liked] = field(default_factory=list)
    withdrawals: list[Withdrawn] = field(default_factory=list)
    hidings: list[MessageHidden] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    def __bool__(self) -> bool:
        changes = (self.deletions, self.reposts, self.likes, self.withdrawals, self.hidings)
        return any((self.messages, *changes, self.receipts))


def fold(events: Iterable[tuple[Event, datetime]]) -> Batch:
    """Sort ``(event, received_at)`` by kind and keep each message's newest version once."""
    batch = Batch()
    versions: dict[str, list[Received]] = {}
    for event, received_at in events:
        if isinstance(event, MessageSeen):
            versions.setdefault(event.external_id, []).append(Received(event, received_at))
        elif isinstance(event, MessageDeleted):
            batch.deletions.append(event)
        elif isinstance(event, MessageHidden):
            batch.hidings.append(event)
        elif isinstance(event, Withdrawn):
            batch.withdrawals.append(event)
        elif isinstance(event, Liked):
            batch.likes.append(event)
        elif isinstance(event, Receipt):
            batch.receipts.append(event)
        else:
            batch.reposts.append(event)
    for external_id, seen in versions.items():
        # Stable: of several copies without an edit the first one stays, as in the database.
        ordered = sorted(
            seen,
            key=lambda one: (one.message.edited_at is not None, one.message.edited_at or one.received_at),
        )
        newest = ordered[-1] if ordered[-1].message.edited_at else ordered[0]
        # Said to us in one copy is said to us.
        context = all(one.message.context for one in seen)
        message = replace(newest.message, context=context)
        batch.messages.append(Received(message, min(one.received_at for one in seen)))
        batch.edits.extend(_replaced(external_id, [one.message for one in ordered]))
    return batch


def _replaced(external_id: str, versions: Sequence[MessageSeen]) -> list[Edit]:
    edits = []
    for older, newer in itertools.pairwise(versions):
        if newer.edited_at is not None and newer.text != older.text:
            edits.append(Edit(external_id, older.text, newer.edited_at))
    return edits
