"""Raw events out of what the API returned, under keys that are the same whichever way they came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import RawItem
from rapport.networks.mastodon.parse import boost_id, like_id

_POSTS = {"mention", "status", "quote", "pending.reply", "update", "quoted_update"}
_LIKES = {"favourite", "pleroma:emoji_reaction", "reaction"}


def from_notification(found: Any) -> RawItem:
    """A notification. Its post's key is the one the post has everywhere, so that a mention that came as a
    notification, in the stream and in a thread is stored once."""
    kind = str(field(found, "type") or "unknown")
    status = field(found, "status")
    key = ""
    if kind in _POSTS and status is not None:
        key = _post_key(status)
    elif kind in _LIKES and status is not None:
        reaction = field(found, "emoji")
        key = like_id(
            text_id(status), author_id(found), reaction[:40] if isinstance(reaction, str) else "like"
        )
    elif kind == "reblog" and status is not None:
        key = boost_id(text_id(status), author_id(found))
    elif text_id(found):
        key = f"notification:{text_id(found)}"
    return RawItem(kind=f"notification.{kind}"[:60], payload=found, key=key)


def from_status(found: Any, *, context: bool = False) -> RawItem:
    """A post. As context it has a key of its own: what was first seen so may turn out to be said to us."""
    original = field(found, "reblog")
    if original is not None:
        return RawItem(kind="status", payload=found, key=boost_id(text_id(original), author_id(found)))
    if context:
        return RawItem(kind="status.context", payload=found, key=_post_key(found, prefix="context"))
    return RawItem(kind="status", payload=found, key=_post_key(found))


def deleted(status_id: str, *, at: datetime) -> RawItem:
    """A post that is gone. The network says no more than that, and not when."""
    payload = {"id": status_id, "deleted_at": at.astimezone(UTC).isoformat()}
    return RawItem(kind="status.deleted", payload=payload, key=f"deleted:{status_id}")


def said_to(found: Any, account_id: str) -> bool:
    """Whether a post answers this account or mentions it."""
    if field(found, "in_reply_to_account_id") == account_id:
        return author_id(found) != account_id
    mentions = field(found, "mentions")
    return isinstance(mentions, list) and any(text_id(one) == account_id for one in mentions)


def author_id(found: Any) -> str:
    """Who wrote a post or caused a notification; empty if that is not said."""
    return text_id(field(found, "account"))


def text_id(found: Any) -> str:
    """An entity's id as text; empty if it has none."""
    value = field(found, "id")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def field(found: Any, name: str) -> Any:
    """A field of what may be anything."""
    return found.get(name) if isinstance(found, Mapping) else None


def time_of(found: Any) -> datetime | None:
    """When an entity says it came to be."""
    value = field(found, "created_at")
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)
    except ValueError:
        return None


def _post_key(status: Any, *, prefix: str = "post") -> str:
    status_id = text_id(status)
    edited = field(status, "edited_at")
    if not status_id:
        return ""
    return f"{prefix}:{status_id}" + (f":{edited}" if isinstance(edited, str) else "")
