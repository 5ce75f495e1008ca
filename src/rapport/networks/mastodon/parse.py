"""What Mastodon's statuses and notifications mean. Pure: no clock, no database, no network.

Shapes: https://docs.joinmastodon.org/entities/Status/ and …/Notification/. Servers that speak the same API
leave out fields, send null for a list, and have ids of other kinds: only what a message cannot be without
is asked for. Ids are opaque, never numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import (
    Author,
    Event,
    Liked,
    Media,
    MediaKind,
    MessageDeleted,
    MessageSeen,
    Reposted,
    Visibility,
)
from rapport.networks.mastodon.markup import plain_text

KINDS = {
    "status": "A post that was said to us, heard for us, or is our own.",
    "status.context": "A post of a thread we are in, said to somebody else; kept to read the thread.",
    "status.deleted": "A post that its server no longer shows.",
    "notification.mention": "Somebody mentioned us, in public or privately.",
    "notification.status": "Somebody whose posts we asked to be told of has posted.",
    "notification.quote": "Somebody quoted a post of ours.",
    "notification.reblog": "Somebody boosted a post of ours.",
    "notification.favourite": "Somebody favourited a post of ours.",
    "notification.pleroma:emoji_reaction": "Somebody reacted to a post of ours (Pleroma, Akkoma).",
    "notification.reaction": "Somebody reacted to a post of ours (some forks).",
    "notification.poll": "A poll of ours, or one we voted in, has ended.",
    "notification.update": "A post we boosted was edited.",
    "notification.quoted_update": "A post we quoted was edited.",
    "notification.pending.reply": "A reply waits for our approval (GoToSocial); it is read as a mention.",
    "notification.follow": "Somebody follows us. Nothing for a desk.",
    "notification.follow_request": "Somebody asks to follow us. Nothing for a desk.",
}

_SAID_TO_US = {"mention", "status", "quote", "pending.reply"}
_KNOWN_ALREADY = {"poll", "update", "quoted_update"}
_LIKES = {"favourite", "pleroma:emoji_reaction", "reaction"}
_ABOUT_POSTS = _SAID_TO_US | _KNOWN_ALREADY | _LIKES | {"reblog"}
# Anything else is private: a public answer to it would tell strangers (Pleroma's "list", future kinds).
_PUBLIC = {"public", "unlisted", "local"}
_MEDIA_KINDS: dict[str, MediaKind] = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}
_MAX_LIST = 100


def parse_event(kind: str, payload: Any) -> list[Event]:
    """Events in one raw event. Raises ValueError, KeyError or TypeError when it is not understood."""
    event = _mapping(payload, "the event")
    if kind.startswith("notification."):
        return _notification(kind.removeprefix("notification."), event)
    if kind in {"status", "status.context"}:
        return [_status(event, context=kind == "status.context")]
    if kind == "status.deleted":
        return [MessageDeleted(external_id=_id(event, "id"), deleted_at=_time(event, "deleted_at"))]
    raise ValueError(f"unknown kind {kind!r}")


def _notification(kind: str, event: Mapping[str, Any]) -> list[Event]:
    if _text(event, "type") != kind:
        raise ValueError(f"stored as {kind!r} but says it is {event['type']!r}")
    if event.get("status") is None and kind in _ABOUT_POSTS:
        # Servers keep telling of posts that are deleted or hidden from us, without the post.
        return []
    if kind in _SAID_TO_US:
        found = _status(_mapping(event["status"], "status"), context=False)
        if isinstance(found, MessageSeen) and kind in {"mention", "pending.reply"}:
            return [replace(found, facts={**found.facts, "kind": "mention"})]
        return [found]
    if kind in _KNOWN_ALREADY:
        return [_status(_mapping(event["status"], "status"), context=True)]
    if kind in _LIKES | {"reblog"}:
        status_id = _id(_mapping(event["status"], "status"), "id")
        author = _author(_mapping(event["account"], "account"))
        at = _time(event, "created_at")
        if kind == "reblog":
            return [
                Reposted(
                    external_id=boost_id(status_id, author.external_id),
                    original_id=status_id,
                    author=author,
                    reposted_at=at,
                )
            ]
        reaction = _optional_text(event, "emoji")[:40] or "like"
        return [
            Liked(
                external_id=like_id(status_id, author.external_id, reaction),
                original_id=status_id,
                author=author,
                liked_at=at,
                reaction=reaction,
            )
        ]
    # Followers, reports, the server's own news, and kinds of servers and years to come.
    return []


def like_id(status_id: str, account_id: str, reaction: str = "like") -> str:
    """A reaction has no id of its own; who, what and on which post names it."""
    return ":".join(["like", status_id, account_id] + ([reaction] if reaction != "like" else []))


def boost_id(status_id: str, account_id: str) -> str:
    """The same for a boost, which a notification does not name."""
    return f"boost:{status_id}:{account_id}"


def _status(status: Mapping[str, Any], *, context: bool) -> MessageSeen | Reposted:
    author = _mapping(status["account"], "account")
    external_id = _id(status, "id")
    original = status.get("reblog")
    if original is not None:
        original_id = _id(_mapping(original, "reblog"), "id")
        booster = _author(author)
        return Reposted(
            external_id=boost_id(original_id, booster.external_id),
            original_id=original_id,
            author=booster,
            reposted_at=_time(status, "created_at"),
        )
    facts = _facts(status)
    return MessageSeen(
        external_id=external_id,
        author=_author(author),
        text=plain_text(_optional_text(status, "content"), without_quote="quotes" in facts),
        sent_at=_time(status, "created_at"),
        visibility=visibility_of(status),
        parent_id=_optional_id(status, "in_reply_to_id"),
        url=_optional_text(status, "url") or _optional_text(status, "uri"),
        lang=_optional_text(status, "language"),
        media=tuple(_media(item) for item in _list(status, "media_attachments")),
        edited_at=_time(status, "edited_at") if status.get("edited_at") is not None else None,
        automatic=author.get("bot") is True,
        context=context,
        facts=facts,
    )


def visibility_of(status: Mapping[str, Any]) -> Visibility:
    """Public for what everybody may read; a missing word is private, for it may not be told on."""
    return "public" if status.get("visibility") in _PUBLIC else "private"


def _facts(status: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    audience = status.get("visibility")
    if isinstance(audience, str) and audience != "public":
        facts["audience"] = audience[:40]
    warning = plain_text(_optional_text(status, "spoiler_text"))
    if warning:
        facts["sensitive"] = warning
    if status.get("sensitive") is True:
        facts["sensitive_media"] = True
    quoted = _quoted(status)
    if quoted is not None:
        facts["quotes"] = quoted
    poll = status.get("poll")
    if isinstance(poll, Mapping):
        facts["poll"] = _poll(poll)
    return facts


def _quoted(status: Mapping[str, Any]) -> str | None:
    """Mastodon 4.5: ``quote.quoted_status``, or only its id; Pleroma and Fedibird: the status itself."""
    quote = status.get("quote")
    if not isinstance(quote, Mapping):
        return _optional_id(status, "quote_id")
    inner = quote.get("quoted_status")
    if isinstance(inner, Mapping):
        return _optional_id(inner, "id")
    return _optional_id(quote, "quoted_status_id") or ("id" in quote and _optional_id(quote, "id")) or None


def _poll(poll: Mapping[str, Any]) -> dict[str, Any]:
    """Votes are None while a poll hides them."""
    options = [
        {"title": _optional_text(option, "title"), "votes": _count(option, "votes_count")}
        for option in _list(poll, "options")
        if isinstance(option, Mapping)
    ]
    ends = _time(poll, "expires_at").isoformat() if poll.get("expires_at") is not None else None
    return {"options": options, "ends_at": ends}


def _author(account: Mapping[str, Any]) -> Author:
    handle = _optional_text(account, "acct") or _optional_text(account, "username")
    return Author(
        external_id=_id(account, "id"),
        handle=handle,
        name=_optional_text(account, "display_name") or _optional_text(account, "username"),
        avatar_url=_optional_text(account, "avatar"),
        url=_optional_text(account, "url"),
        followers=_count(account, "followers_count"),
    )


def _media(value: Any) -> Media:
    item = _mapping(value, "a media attachment")
    kind = item.get("type")
    return Media(
        # While a server still works on a file it has no address, or only the original's.
        url=_optional_text(item, "url") or _optional_text(item, "remote_url"),
        kind=_MEDIA_KINDS.get(kind, "file") if isinstance(kind, str) else "file",
        alt=_optional_text(item, "description"),
    )


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not an object")
    return value


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise TypeError(f"{key} is not a list")
    return found[:_MAX_LIST]


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value[key]
    if not isinstance(found, str):
        raise TypeError(f"{key} is not a string")
    return found


def _optional_text(value: Mapping[str, Any], key: str) -> str:
    return _text(value, key) if value.get(key) is not None else ""


def _id(value: Mapping[str, Any], key: str) -> str:
    """An id as text. Some servers send numbers; they are never counted with."""
    found = value[key]
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found) if found.bit_length() < 512 else ""
    if not isinstance(found, str):
        raise TypeError(f"{key} is not an id")
    if not 0 < len(found) <= 70:  # two of them and its word name a reaction, in at most 200 characters
        raise ValueError(f"{key} is empty or longer than 70 characters")
    return found


def _optional_id(value: Mapping[str, Any], key: str) -> str | None:
    return _id(value, key) if value.get(key) is not None else None


def _count(value: Mapping[str, Any], key: str) -> int | None:
    found = value.get(key)
    good = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53
    return found if good else None


def _time(value: Mapping[str, Any], key: str) -> datetime:
    """ISO 8601, with or without a fraction; without a zone it is UTC."""
    found = datetime.fromisoformat(_text(value, key))
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{key} is out of range") from error
