"""What is stored, as a query sees it: messages of channels, and posts that were kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from rapport.inbox.models import Message
from rapport.listening.post import Post

_MESSAGE_FIELDS = (
    "id", "external_id", "text", "lang", "url", "media", "facts", "sent_at", "parent_external_id", "repost_count",
    "like_count", "channel__network", "channel__handle", "identity__handle", "identity__name", "identity__followers",
)  # fmt: skip
POST_FIELDS = (
    "id", "external_id", "network", "url", "title", "text", "lang", "author", "author_name", "followers", "verified",
    "is_reply", "is_quote", "original_external_id", "facts", "likes", "reposts", "replies", "sent_at",
)  # fmt: skip


def message_posts(messages: QuerySet[Message]) -> Iterator[tuple[int, Post]]:
    """Messages as posts, with their ids, in one statement."""
    for row in messages.values(*_MESSAGE_FIELDS):
        yield row["id"], _message_post(row)


def _message_post(row: Mapping[str, Any]) -> Post:
    facts = row["facts"]
    return Post(
        id=row["external_id"],
        text=row["text"],
        title=facts.get("subject") or facts.get("title") or None,
        author=_handle(row["identity__handle"]),
        author_name=row["identity__name"] or None,
        created_at=row["sent_at"],
        lang=row["lang"] or None,
        network=row["channel__network"],
        channel=_handle(row["channel__handle"]),
        url=row["url"] or None,
        media=tuple(one.get("kind", "file") for one in row["media"]),
        is_reply=row["parent_external_id"] is not None,
        is_repost=False,
        is_quote=True if facts.get("quotes") else None,
        followers=row["identity__followers"],
        likes=row["like_count"],
        reposts=row["repost_count"],
    )


def post_of(row: Mapping[str, Any]) -> Post:
    """A kept post, of a row with ``POST_FIELDS``."""
    facts = row["facts"]
    return Post(
        id=row["external_id"],
        text=row["text"],
        title=row["title"] or None,
        author=row["author"] or None,
        author_name=row["author_name"] or None,
        to=facts.get("to"),
        created_at=row["sent_at"],
        lang=row["lang"] or None,
        network=row["network"],
        channel=facts.get("channel"),
        url=row["url"] or None,
        country=facts.get("country"),
        mentions=tuple(facts.get("mentions", ())),
        tags=tuple(facts.get("tags", ())),
        links=tuple(facts.get("links", ())),
        media=tuple(facts["media"]) if "media" in facts else None,
        is_reply=row["is_reply"],
        is_repost=bool(row["original_external_id"]) or facts.get("is_repost"),
        is_quote=row["is_quote"],
        is_verified=row["verified"],
        followers=row["followers"],
        likes=row["likes"],
        reposts=row["reposts"],
        replies=row["replies"],
    )


def _handle(handle: str) -> str | None:
    return handle.removeprefix("@") or None
