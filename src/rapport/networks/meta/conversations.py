"""Reading conversations of Messenger and Instagram, newest first.

https://developers.facebook.com/docs/messenger-platform/conversations
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from rapport.networks.base import RawItem
from rapport.networks.meta.graph import Graph
from rapport.networks.meta.values import data, moment, optional_mapping, text
from rapport.networks.meta.walk import Place, Walk

_MESSENGER = "id,created_time,from,to,message,attachments,sticker,shares"
_INSTAGRAM = "id,created_time,from,to,message,attachments,shares,story,is_unsupported"
_LISTED = 25  # conversations in an answer
_INLINE = 20  # Instagram shows no more than the 20 newest messages of a conversation


def fields(platform: str) -> str:
    return _INSTAGRAM if platform == "instagram" else _MESSENGER


def page(graph: Graph, *, platform: str, place: Place) -> Mapping[str, Any]:
    """One answer of the conversations (``dm``), or of one conversation's ``messages``."""
    if place.edge == "messages":
        path = f"{quote(place.of, safe='')}/messages"
        return graph.get(path, fields=fields(platform), limit=100, **place.params)
    inline = f"id,updated_time,messages.limit({_INLINE}){{{fields(platform)}}}"
    return graph.get("me/conversations", platform=platform, fields=inline, limit=_LISTED, **place.params)


def messages(
    place: Place,
    found: Sequence[Mapping[str, Any]],
    *,
    platform: str,
    account: Mapping[str, str],
    walk: Walk,
) -> list[RawItem]:
    """Recent messages in what :func:`page` brought, oldest first. ``account``: ``{"id", "handle"}`` for parse."""
    lists = [found]
    if place.edge == "dm":
        lists = [_of(one, platform=platform, walk=walk) for one in found if walk.recent("dm", one)]
    # Times are whole seconds, so the order of what was said within one is the list's.
    recent = [one for each in lists for one in reversed(each) if walk.recent("messages", one)]
    recent.sort(key=lambda one: at("messages", one))
    return [raw_message(one, account) for one in recent]


def raw_message(message: Mapping[str, Any], account: Mapping[str, str]) -> RawItem:
    payload = {"account": dict(account), "message": dict(message)}
    return RawItem(kind="message", payload=payload, key=f"message:{text(message, 'id')}")


def with_person(graph: Graph, *, platform: str, person_id: str) -> list[Mapping[str, Any]]:
    """The newest messages of the conversation with one person, newest first; [] when there is none."""
    inline = f"id,messages.limit({_INLINE}){{{fields(platform)}}}"
    page = graph.get("me/conversations", platform=platform, user_id=person_id, fields=inline)
    return [message for conversation in data(page) for message in data(conversation.get("messages"))]


def after_comment(graph: Graph, comment_id: str) -> list[Mapping[str, Any]]:
    """The newest messages of the conversation that a private reply to a comment opened, newest first.

    https://developers.facebook.com/docs/graph-api/reference/comment
    """
    asked = f"private_reply_conversation{{id,messages.limit({_INLINE}){{{_MESSENGER}}}}}"
    found = optional_mapping(graph.get(comment_id, fields=asked).get("private_reply_conversation"))
    return list(data(found.get("messages")))


def _of(conversation: Mapping[str, Any], *, platform: str, walk: Walk) -> list[Mapping[str, Any]]:
    """A conversation's messages, newest first, at least the recent ones."""
    listed = optional_mapping(conversation.get("messages"))
    first = list(data(listed))
    # Instagram shows no older ones.
    more = optional_mapping(listed.get("paging")).get("next")
    if platform == "instagram" or not more or not all(walk.recent("messages", one) for one in first):
        return first
    known = {text(one, "id") for one in first}
    older = walk.down(Place(edge="messages", of=text(conversation, "id")))
    return [*first, *(one for one in older if text(one, "id") not in known)]


def at(edge: str, value: Mapping[str, Any]) -> datetime:
    """When; now for what does not say: it is kept then, and parse finds out what it is."""
    key = "updated_time" if edge == "dm" else "created_time"
    try:
        return moment(value[key], key)
    except (KeyError, TypeError, ValueError):
        return datetime.now(UTC)
