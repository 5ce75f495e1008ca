"""Reading conversations of Messenger and Instagram, newest first.

https://developers.facebook.com/docs/messenger-platform/conversations
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from rapport.networks.base import RawItem
from rapport.networks.meta.graph import Graph
from rapport.networks.meta.values import data, moment, optional_mapping, text

_MESSENGER = "id,created_time,from,to,message,attachments,sticker,shares"
_INSTAGRAM = "id,created_time,from,to,message,attachments,shares,story,is_unsupported"
_LISTED = 25  # conversations in an answer
_INLINE = 20  # Instagram shows no more than the 20 newest messages of a conversation
_MOST_PAGES = 8


def fields(platform: str) -> str:
    return _INSTAGRAM if platform == "instagram" else _MESSENGER


def messages_since(
    graph: Graph, *, platform: str, account: Mapping[str, str], since: datetime, most: int = _MOST_PAGES
) -> list[RawItem]:
    """Messages written at ``since`` or later, oldest first. ``account``: ``{"id", "handle"}`` for parse."""
    found: list[tuple[datetime, RawItem]] = []
    inline = f"id,updated_time,messages.limit({_INLINE}){{{fields(platform)}}}"
    for page in graph.pages("me/conversations", most=most, platform=platform, fields=inline, limit=_LISTED):
        ended = False
        for conversation in data(page):
            if _at(conversation, "updated_time") < since:
                ended = True
                continue
            # Times are whole seconds, so the order of what was said within one is the list's.
            messages = reversed(list(_of(graph, conversation, platform=platform, since=since)))
            found.extend((_at(one, "created_time"), raw_message(one, account)) for one in messages)
        if ended:
            break
    return [item for _at, item in sorted(found, key=lambda one: one[0])]


def page_of_past(
    graph: Graph, *, platform: str, account: Mapping[str, str], since: datetime, params: Mapping[str, str]
) -> tuple[list[RawItem], Mapping[str, Any]]:
    """One answer's conversations with their messages back to ``since``; the answer itself for paging."""
    inline = f"id,updated_time,messages.limit({_INLINE}){{{fields(platform)}}}"
    page = graph.get("me/conversations", platform=platform, fields=inline, limit=_LISTED, **params)
    items = [
        raw_message(message, account)
        for conversation in data(page)
        if _at(conversation, "updated_time") >= since
        for message in _of(graph, conversation, platform=platform, since=since)
    ]
    return items, page


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


def _of(
    graph: Graph, conversation: Mapping[str, Any], *, platform: str, since: datetime
) -> Iterator[Mapping[str, Any]]:
    listed = optional_mapping(conversation.get("messages"))
    first = list(data(listed))
    recent = [one for one in first if _at(one, "created_time") >= since]
    yield from recent
    # Instagram shows no older ones.
    more = optional_mapping(listed.get("paging")).get("next")
    if platform == "instagram" or not more or len(recent) < len(first):
        return
    known = {text(one, "id") for one in first}
    path = f"{quote(text(conversation, 'id'), safe='')}/messages"
    for page in graph.pages(path, most=_MOST_PAGES, fields=fields(platform), limit=100):
        messages = list(data(page))
        recent = [one for one in messages if _at(one, "created_time") >= since]
        yield from (one for one in recent if text(one, "id") not in known)
        if len(recent) < len(messages):
            return


def _at(value: Mapping[str, Any], key: str) -> datetime:
    """When; now for what does not say: it is kept then, and parse finds out what it is."""
    try:
        return moment(value[key], key)
    except (KeyError, TypeError, ValueError):
        return datetime.now(UTC)
