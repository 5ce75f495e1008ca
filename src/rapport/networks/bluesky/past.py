"""The past, a page at a time: notifications, then our own posts, then direct messages.

Each part is read from the newest down to ``since``. The cursor: ``part``, ``page``, and for direct messages
``convos`` (those that are left to read).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rapport.networks.base import Polled, RawItem
from rapport.networks.bluesky import chat
from rapport.networks.bluesky.polling import notification_item, post_item
from rapport.networks.bluesky.reading import items, text_or_empty, when, within_or_empty
from rapport.networks.bluesky.xrpc import CHAT, Pds

_PAGE = 100
_CONVOS = 100


def history(pds: Pds, cursor: Mapping[str, Any], *, since: datetime, direct: bool) -> Polled:
    """One page of the past. ``direct``: direct messages too."""
    part, page = text_or_empty(cursor, "part") or "notifications", text_or_empty(cursor, "page")
    match part:
        case "notifications":
            fresh, page = _notifications(pds, page, since)
            return _going_on(fresh, part, page, after="posts")
        case "posts":
            fresh, page = _posts(pds, page, since)
            return _going_on(fresh, part, page, after="direct" if direct else "")
        case "direct":
            return _direct(pds, cursor, since)
    return Polled(items=[], cursor=dict(cursor))


def _going_on(fresh: list[RawItem], part: str, page: str, *, after: str) -> Polled:
    following = {"part": part, "page": page} if page else {"part": after or "end"}
    return Polled(items=fresh, cursor=following, more=following["part"] != "end")


def _notifications(pds: Pds, page: str, since: datetime) -> tuple[list[RawItem], str]:
    found = pds.get(
        "app.bsky.notification.listNotifications", {"limit": _PAGE, **({"cursor": page} if page else {})}
    )
    listed = items(found, "notifications", _PAGE)
    fresh = [one for one in listed if _is_since(one, since)]
    on = text_or_empty(found, "cursor") if len(fresh) == len(listed) > 0 else ""
    return [notification_item(one) for one in fresh], on


def _posts(pds: Pds, page: str, since: datetime) -> tuple[list[RawItem], str]:
    params = {"actor": pds.did, "filter": "posts_with_replies", "limit": _PAGE}
    found = pds.get("app.bsky.feed.getAuthorFeed", {**params, **({"cursor": page} if page else {})})
    # Posts of others that were passed on stand among them at the time of passing on.
    listed = [within_or_empty(entry, "post") for entry in items(found, "feed", _PAGE)]
    own = [view for view in listed if within_or_empty(view, "author").get("did") == pds.did]
    fresh = [view for view in own if _is_since(view, since)]
    on = text_or_empty(found, "cursor") if listed and len(fresh) == len(own) else ""
    return [post_item(view) for view in fresh], on


def _direct(pds: Pds, cursor: Mapping[str, Any], since: datetime) -> Polled:
    convos = cursor.get("convos")
    if not isinstance(convos, list):
        listed = pds.get("chat.bsky.convo.listConvos", {"limit": _CONVOS}, headers=CHAT)
        left = [
            {"id": one.get("id"), "members": one.get("members")} for one in items(listed, "convos", _CONVOS)
        ]
        return Polled(
            items=[], cursor={"part": "direct", "convos": left} if left else {"part": "end"}, more=bool(left)
        )
    if not convos:
        return Polled(items=[], cursor={"part": "end"})
    fresh, page, reached = chat.messages(pds, convos[0], text_or_empty(cursor, "page"), since)
    left = convos[1:] if reached else convos
    following = {"part": "direct", "convos": left, **({} if reached else {"page": page})}
    return Polled(items=fresh, cursor=following if left else {"part": "end"}, more=bool(left))


def _is_since(value: Mapping[str, Any], since: datetime) -> bool:
    try:
        return when(value, "indexedAt") >= since
    except (ValueError, KeyError, TypeError):
        return True
