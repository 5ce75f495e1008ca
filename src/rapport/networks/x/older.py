"""The shapes of API v1.1, which the activity APIs still send: private messages (XAA), and everything of AAA.

https://docs.x.com/x-api/account-activity/introduction (being retired by X) and
https://docs.x.com/x-api/activity/event-payloads
"""

from __future__ import annotations

from datetime import datetime
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
)
from rapport.networks.x.reading import (
    Json,
    addresses,
    author,
    entries,
    ident,
    in_utc,
    mapping,
    moment_ms,
    number,
    optional_mapping,
    text,
    words,
)

OF_NO_INTEREST = frozenset(
    {
        "block_events", "direct_message_indicate_typing_events", "direct_message_mark_read_events",
        "follow_events", "mute_events", "user_event",
    }
)  # fmt: skip
_KINDS: dict[str, MediaKind] = {"photo": "image", "video": "video", "animated_gif": "video"}


def conversation(one: str, other: str) -> str:
    """The id of two people's conversation: the smaller id first.

    https://docs.x.com/x-api/direct-messages/lookup/integrate
    """
    return "-".join(sorted((one, other), key=int))


def private(event: Json) -> list[Event]:
    """``{"event": one direct message, "users": {id: user}}``."""
    data = mapping(event["event"], "event")
    if text(data, "type") != "message_create":
        return []
    created = mapping(data["message_create"], "message_create")
    body = mapping(created["message_data"], "message_data")
    sender = ident(created["sender_id"], "sender_id")
    recipient = ident(mapping(created["target"], "target")["recipient_id"], "recipient_id")
    entities = optional_mapping(body.get("entities"), "entities")
    attachment = optional_mapping(body.get("attachment"), "attachment")
    files, own = _files([attachment["media"]] if attachment.get("media") is not None else [])
    return [
        MessageSeen(
            external_id=ident(data["id"], "id"),
            author=_sender(sender, optional_mapping(event.get("users"), "users")),
            text=words(text(body, "text", ""), addresses(entities, of_media=own)),
            sent_at=moment_ms(data["created_timestamp"], "created_timestamp"),
            visibility="private",
            thread_key=conversation(sender, recipient),
            media=files,
        )
    ]


def _sender(external_id: str, users: Json) -> Author:
    user = optional_mapping(users.get(external_id), "user")
    if "data" in user:  # XAA wraps users of API v2
        return author(external_id, {external_id: mapping(user["data"], "data")})
    return _author({"id_str": external_id, **user})


def _author(user: Json) -> Author:
    handle = text(user, "screen_name", "")
    followers = user.get("followers_count")
    return Author(
        external_id=ident(user["id_str"], "id_str"),
        handle=handle,
        name=text(user, "name", ""),
        avatar_url=text(user, "profile_image_url_https", ""),
        url=f"https://x.com/{handle}" if handle else "",
        followers=None if followers is None else number(followers, "followers_count"),
    )


def status(event: Json) -> list[Event]:
    """``{"event": one status}``: a post, a reply, a quote or a repost."""
    found = mapping(event["event"], "event")
    by = _author(mapping(found["user"], "user"))
    external_id = ident(found["id_str"], "id_str")
    at = _moment(found)
    if found.get("retweeted_status") is not None:
        original = mapping(found["retweeted_status"], "retweeted_status")
        return [
            Reposted(
                external_id=external_id,
                original_id=ident(original["id_str"], "id_str"),
                author=by,
                reposted_at=at,
            )
        ]
    # A long post is cut in ``text`` and whole in ``extended_tweet``.
    whole = {**found, **optional_mapping(found.get("extended_tweet"), "extended_tweet")}
    entities = optional_mapping(whole.get("entities"), "entities")
    more = optional_mapping(whole.get("extended_entities"), "extended_entities") or entities
    files, own = _files(entries(more.get("media"), "media"))
    parent, quoted = found.get("in_reply_to_status_id_str"), found.get("quoted_status_id_str")
    body = text(whole, "full_text") if whole.get("full_text") is not None else text(whole, "text")
    both = dict(addresses(entities)) | dict.fromkeys(own, "")
    return [
        MessageSeen(
            external_id=external_id,
            author=by,
            text=words(body, iter(both.items())),
            sent_at=at,
            parent_id=None if parent is None else ident(parent, "in_reply_to_status_id_str"),
            url=f"https://x.com/{by.handle or 'i'}/status/{external_id}",
            lang="" if text(found, "lang", "") in {"und", "zxx"} else text(found, "lang", ""),
            media=files,
            facts={} if quoted is None else {"quotes": ident(quoted, "quoted_status_id_str")},
        )
    ]


def favourite(event: Json) -> list[Event]:
    """``{"event": {"id", "timestamp_ms", "favorited_status", "user"}}``."""
    found = mapping(event["event"], "event")
    post = mapping(found["favorited_status"], "favorited_status")
    name = text(found, "id")
    if not 0 < len(name) <= 200:
        raise ValueError("id is empty or longer than 200 characters")
    return [
        Liked(
            external_id=name,
            original_id=ident(post["id_str"], "id_str"),
            author=_author(mapping(found["user"], "user")),
            liked_at=moment_ms(found["timestamp_ms"], "timestamp_ms"),
        )
    ]


def deleted(event: Json) -> list[Event]:
    """``{"event": {"status": {"id"}, "timestamp_ms"}}``."""
    found = mapping(event["event"], "event")
    return [
        MessageDeleted(
            external_id=ident(mapping(found["status"], "status")["id"], "id"),
            deleted_at=moment_ms(found["timestamp_ms"], "timestamp_ms"),
        )
    ]


def _files(media: list[Any]) -> tuple[tuple[Media, ...], list[str]]:
    """The files, and the short addresses that stand for them in the text."""
    found, own = [], []
    for one in media[:20]:
        one = mapping(one, "media")
        kind = _KINDS.get(text(one, "type"))
        if kind is None:
            raise ValueError(f"unknown kind of media {one['type']!r}")
        found.append(
            Media(url=text(one, "media_url_https", ""), kind=kind, alt=text(one, "ext_alt_text", ""))
        )
        own.append(text(one, "url", ""))
    return tuple(found), own


def _moment(found: Json) -> datetime:
    """``timestamp_ms`` where there is one, else ``Mon May 19 14:01:46 +0000 2025``."""
    if found.get("timestamp_ms") is not None:
        return moment_ms(found["timestamp_ms"], "timestamp_ms")
    found_at = datetime.strptime(text(found, "created_at"), "%a %b %d %H:%M:%S %z %Y")
    return in_utc(found_at, "created_at")
