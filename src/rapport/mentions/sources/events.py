"""What networks tell, as posts to be heard: only what is public, in sizes and times that can be kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from rapport.ingest.clean import clean
from rapport.listening.post import Post
from rapport.mentions.hearing import Heard
from rapport.networks.base import Event, MessageDeleted, MessageHidden, MessageSeen, RawItem

log = logging.getLogger(__name__)

# Anybody can put anything into a network: what a parser says of it.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)


def heard_in(
    items: Iterable[RawItem], *, network: str, parse: Callable[[str, Any], list[Event]]
) -> list[Heard]:
    """Public posts and deletions in raw events; one that cannot be read costs only itself."""
    return list(_heard_in(items, network=network, parse=parse))


def _heard_in(
    items: Iterable[RawItem], *, network: str, parse: Callable[[str, Any], list[Event]]
) -> Iterator[Heard]:
    now = datetime.now(UTC)
    for item in items:
        try:
            for event in parse(item.kind, item.payload):
                found = heard_of(event, network=network, received_at=now)
                if found is not None:
                    yield found
        except UNREADABLE as error:
            log.info("a post of %s could not be read: %r", network, error)


def heard_of(event: Event, *, network: str, received_at: datetime) -> Heard | None:
    """One event; None for what is private or says nothing. Raises ValueError when it cannot be kept.

    A repost has no words of its own, and its original is heard by itself.
    """
    if isinstance(event, MessageHidden) and event.hidden:
        # By moderators: nobody can read it there any more. Shown again, it stays gone here: nothing is newer than that.
        event = MessageDeleted(external_id=event.external_id, deleted_at=event.changed_at)
    if isinstance(event, MessageDeleted):
        deleted = clean(event, received_at=received_at)
        assert isinstance(deleted, MessageDeleted)
        gone = Post(id=deleted.external_id, text="", network=network, created_at=deleted.deleted_at)
        return Heard(post=gone, deleted=True)
    if not isinstance(event, MessageSeen) or event.visibility != "public":
        return None
    seen = clean(event, received_at=received_at)
    assert isinstance(seen, MessageSeen)
    author = seen.author
    return Heard(
        post=Post(
            id=seen.external_id,
            text=seen.text,
            author=author.handle or None,
            author_name=author.name or None,
            created_at=seen.sent_at,
            lang=seen.lang or None,
            network=network,
            url=seen.url or None,
            media=tuple(one.kind for one in seen.media),
            is_reply=seen.parent_id is not None,
            is_repost=False,
            is_quote="quotes" in seen.facts,
            followers=author.followers,
        ),
        author_id=author.external_id,
        parent_id=seen.parent_id or "",
        edited_at=seen.edited_at,
    )
