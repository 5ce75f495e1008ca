"""What the practice network's events mean. Pure: no clock, no database, no network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from rapport.networks.base import (
    Author,
    Event,
    Media,
    MessageDeleted,
    MessageSeen,
    Receipt,
    Reposted,
    Visibility,
)

# Known, and nothing for a desk in them.
OF_NO_INTEREST = frozenset({"ping"})

_VISIBILITIES: dict[str, Visibility] = {"public": "public", "private": "private"}
_MEDIA_KINDS: dict[str, Literal["image", "video", "audio", "file"]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "file",
}


def parse_event(kind: str, payload: Any) -> list[Event]:
    """Events in one stream event. Raises ValueError, KeyError or TypeError when it is not understood."""
    event = _mapping(payload, "the event")
    if _text(event, "type") != kind:
        raise ValueError(f"stored as {kind!r} but says it is {event['type']!r}")
    if kind in OF_NO_INTEREST:
        return []
    if kind in {"post.created", "post.edited"}:
        return [_message(_mapping(event["post"], "post"), edited=kind == "post.edited")]
    if kind == "post.deleted":
        return [
            MessageDeleted(
                external_id=_id(_mapping(event["post"], "post"), "id"), deleted_at=_time(event, "deleted_at")
            )
        ]
    if kind == "post.reposted":
        repost = _mapping(event["repost"], "repost")
        return [
            Reposted(
                external_id=_id(repost, "id"),
                original_id=_id(repost, "post_id"),
                author=_author(_mapping(repost["author"], "author")),
                reposted_at=_time(repost, "created_at"),
            )
        ]
    if kind == "conversation.read":
        read = _mapping(event["read"], "read")
        return [
            Receipt(
                kind="read",
                thread_key=_id(read, "conversation"),
                reader_id=_id(read, "reader_id"),
                message_id=_id(read, "post_id"),
                at=_time(read, "read_at"),
            )
        ]
    raise ValueError(f"unknown event type {kind!r}")


def _message(post: Mapping[str, Any], *, edited: bool) -> MessageSeen:
    author = _mapping(post["author"], "author")
    visibility = _VISIBILITIES.get(_text(post, "visibility"))
    if visibility is None:
        raise ValueError(f"unknown visibility {post['visibility']!r}")
    conversation = _optional_id(post, "conversation")
    if visibility == "private" and conversation is None:
        raise ValueError("a private message without a conversation")
    media = post["media"]
    if not isinstance(media, list):
        raise TypeError("media is not a list")
    return MessageSeen(
        external_id=_id(post, "id"),
        author=_author(author),
        text=_text(post, "text"),
        sent_at=_time(post, "created_at"),
        visibility=visibility,
        parent_id=_optional_id(post, "in_reply_to"),
        thread_key=conversation,
        url=_text(post, "url"),
        lang=_text(post, "lang"),
        media=tuple(_media(_mapping(item, "media")) for item in media),
        edited_at=_time(post, "edited_at") if edited else None,
        automatic=_flag(author, "bot"),
        client_ref=_text(post, "client_ref"),
    )


def _author(value: Mapping[str, Any]) -> Author:
    followers = value["followers"]
    if not isinstance(followers, int) or isinstance(followers, bool) or not 0 <= followers < 2**63:
        raise ValueError("followers is not a count")
    return Author(
        external_id=_id(value, "id"),
        handle=_text(value, "handle"),
        name=_text(value, "name"),
        url=_text(value, "url"),
        followers=followers,
    )


def _media(value: Mapping[str, Any]) -> Media:
    kind = _MEDIA_KINDS.get(_text(value, "kind"))
    if kind is None:
        raise ValueError(f"unknown kind of media {value['kind']!r}")
    # Events from before there were pictures have neither name nor content type.
    return Media(
        url=_text(value, "url"),
        kind=kind,
        alt=_text(value, "alt"),
        name=_text(value, "name") if "name" in value else "",
        content_type=_text(value, "content_type") if "content_type" in value else "",
    )


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not an object")
    return value


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value[key]
    if not isinstance(found, str):
        raise TypeError(f"{key} is not a string")
    return found


def _flag(value: Mapping[str, Any], key: str) -> bool:
    found = value[key]
    if not isinstance(found, bool):
        raise TypeError(f"{key} is not true or false")
    return found


def _id(value: Mapping[str, Any], key: str) -> str:
    found = _text(value, key)
    if not 0 < len(found) <= 200:
        raise ValueError(f"{key} is empty or longer than 200 characters")
    return found


def _optional_id(value: Mapping[str, Any], key: str) -> str | None:
    return None if value[key] is None else _id(value, key)


def _time(value: Mapping[str, Any], key: str) -> datetime:
    found = datetime.fromisoformat(_text(value, key))
    if found.tzinfo is None:
        raise ValueError(f"{key} has no time zone")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{key} is out of range") from error
