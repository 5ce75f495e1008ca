"""What an Instagram account's raw events mean. Pure: no clock, no database, no network.

Changes from webhooks are ``{"account": {"id", "handle"}, "time", "value"}``, mentions with what was looked
up as ``found``; objects that were polled are ``{"account": …, "comment" | "medium": …}``.

https://developers.facebook.com/docs/instagram-platform/webhooks
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-comment
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rapport.networks.base import Author, Event, MessageSeen
from rapport.networks.meta.messages import parse_message, parse_messaging
from rapport.networks.meta.values import (
    identifier,
    mapping,
    media,
    moment,
    optional_identifier,
    optional_mapping,
    text,
)


def parse_event(kind: str, payload: Any) -> list[Event]:
    """Events in one raw event. Raises ValueError, KeyError or TypeError when it is not understood."""
    if kind.startswith("unknown:"):
        return []
    read = _KINDS.get(kind)
    if read is None:
        raise ValueError(f"unknown kind {kind!r}")
    return read(payload)


def _told_comment(payload: Any) -> list[Event]:
    """A comment by webhook. It has no time of its own: the notification's, which follows at once."""
    whole = mapping(payload, "the payload")
    value = mapping(whole["value"], "value")
    medium = mapping(value["media"], "media")
    live = text(medium, "media_product_type").upper() == "LIVE"
    return [
        _comment(
            value,
            mapping(whole["account"], "account"),
            medium_id=identifier(medium, "id"),
            at=moment(whole["time"], "time"),
            kind="live_comment" if live else "comment",
        )
    ]


def _live_comment(payload: Any) -> list[Event]:
    whole = mapping(payload, "the payload")
    value = mapping(whole["value"], "value")
    return [
        _comment(
            value,
            mapping(whole["account"], "account"),
            medium_id=identifier(mapping(value["media"], "media"), "id"),
            at=moment(whole["time"], "time"),
            kind="live_comment",
        )
    ]


def _polled_comment(payload: Any) -> list[Event]:
    whole = mapping(payload, "the payload")
    comment = mapping(whole["comment"], "comment")
    at = moment(comment["timestamp"], "timestamp")
    account = mapping(whole["account"], "account")
    return [_comment(comment, account, medium_id=identifier(whole, "medium_id"), at=at, kind="comment")]


def _comment(
    comment: Mapping[str, Any], account: Mapping[str, Any], *, medium_id: str, at: datetime, kind: str
) -> MessageSeen:
    parent = optional_identifier(comment, "parent_id")
    facts = {"kind": kind}
    if parent is not None:
        facts["reply_under"] = parent  # only comments of the first level can be answered
    return MessageSeen(
        external_id=identifier(comment, "id"),
        author=_author(comment, account),
        text=text(comment, "text"),
        sent_at=at,
        parent_id=parent or medium_id,
        facts=facts,
    )


def _mention(payload: Any) -> list[Event]:
    """Somebody names us in a comment or a caption elsewhere. The notification has ids only; the rest was
    looked up since, and where that was refused there is nothing to show."""
    whole = mapping(payload, "the payload")
    value, account = mapping(whole["value"], "value"), mapping(whole["account"], "account")
    medium_id = identifier(value, "media_id")
    if whole.get("refused"):
        raise ValueError(f"Instagram did not show the mention: {text(whole, 'refused')}")
    found = mapping(whole["found"], "found")
    comment_id = optional_identifier(value, "comment_id")
    if comment_id is None:
        return [_medium(found, account, kind="mention", facts={"media_id": medium_id})]
    return [
        MessageSeen(
            external_id=comment_id,
            author=_author(found, account),
            text=text(found, "text"),
            sent_at=moment(found["timestamp"], "timestamp"),
            parent_id=medium_id,
            facts={"kind": "mention", "media_id": medium_id, "comment_id": comment_id},
        )
    ]


def _own_medium(payload: Any) -> list[Event]:
    whole = mapping(payload, "the payload")
    return [_medium(mapping(whole["medium"], "medium"), mapping(whole["account"], "account"), kind="post")]


def _tagged(payload: Any) -> list[Event]:
    """Tagged in a picture. Instagram takes no comment there by programs, so nothing says where to answer."""
    whole = mapping(payload, "the payload")
    return [_medium(mapping(whole["medium"], "medium"), mapping(whole["account"], "account"), kind="tag")]


def _medium(
    medium: Mapping[str, Any],
    account: Mapping[str, Any],
    *,
    kind: str,
    facts: Mapping[str, str] | None = None,
) -> MessageSeen:
    shown = "video" if text(medium, "media_type").upper() in {"VIDEO", "REELS"} else "image"
    url = text(medium, "permalink")
    return MessageSeen(
        external_id=identifier(medium, "id"),
        author=_author(medium, account),
        text=text(medium, "caption"),
        sent_at=moment(medium["timestamp"], "timestamp"),
        url=url if url.startswith("https://") else "",
        media=media("video" if shown == "video" else "image", medium.get("media_url")),
        facts={"kind": kind, **(facts or {})},
    )


def _author(thing: Mapping[str, Any], account: Mapping[str, Any]) -> Author:
    """Who wrote it: by id where Instagram gives one, else by username; ourselves always by our id."""
    who = optional_mapping(thing.get("from"))
    handle = text(who, "username") or text(thing, "username")
    found = optional_identifier(who, "id")
    ours = text(account, "handle")
    if found == account.get("id") or (ours and handle.casefold() == ours.casefold()):
        return Author(external_id=identifier(account, "id"), handle=ours, url=_profile(ours))
    if found is None and handle:
        found = f"@{handle.casefold()}"
    if found is None:
        # Hidden people are nobody twice: each of their messages has an author of its own.
        found = f"hidden:{identifier(thing, 'id')}"
    return Author(external_id=found[:200], handle=handle, url=_profile(handle))


def _profile(handle: str) -> str:
    fit = handle.replace(".", "").replace("_", "")
    return f"https://www.instagram.com/{handle}/" if fit.isalnum() and fit.isascii() else ""


_KINDS: Mapping[str, Callable[[Any], list[Event]]] = {
    "comments": _told_comment,
    "live_comments": _live_comment,
    "mentions": _mention,
    "messaging": parse_messaging,
    "comment": _polled_comment,
    "medium": _own_medium,
    "tagged": _tagged,
    "message": parse_message,
}
