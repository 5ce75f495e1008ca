"""One poll: notifications, our own posts, the threads that are being watched, and direct messages.

Notifications alone are not enough: the AppView makes them when it indexes a post, and a reply that is
indexed together with the post it answers can go without. So posts of ours and posts that spoke to us are
watched for some days, and read again when their number of replies changes.

The cursor: ``since`` (the newest notification seen), ``sweep`` (a list that was not read to its end:
``page`` and ``newest``), ``watch`` (see :mod:`.watching`), ``chat`` (the log's rev).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Polled, RawItem
from rapport.networks.bluesky import chat
from rapport.networks.bluesky.reading import items, text_or_empty, when, within_or_empty
from rapport.networks.bluesky.watching import Watch
from rapport.networks.bluesky.xrpc import Named, Pds
from rapport.networks.errors import NetworkError

logger = logging.getLogger(__name__)

PAGE = 100
PAGES = 10  # of notifications, in one poll
OWN_PAGES = 4
A_LITTLE_BEFORE = timedelta(minutes=15)
# The AppView orders by the client's time where that is the earlier one, so news may come in below what was
# seen already.
OVERLAP = timedelta(minutes=30)


def poll(pds: Pds, cursor: Mapping[str, Any], *, now: datetime, direct: bool) -> Polled:
    """What is new. ``direct``: direct messages too."""
    since = _time(cursor.get("since")) or now - A_LITTLE_BEFORE
    watch = Watch.load(cursor.get("watch"), now=now)
    sweep = within_or_empty(cursor, "sweep")
    down_to = since - OVERLAP if "since" in cursor else since
    page, newest = text_or_empty(sweep, "page"), _time(sweep.get("newest")) or since
    try:
        notifications, page, newest = _sweep(pds, down_to=down_to, page=page, newest=newest)
    except Named:
        if not page:
            raise
        # A page that is not known any more must not stop us for ever.
        notifications, page, newest = _sweep(pds, down_to=down_to, page="", newest=newest)
    fresh = [notification_item(one) for one in notifications]
    for one in notifications:
        watch.add_notification(one)
    kept = {"watch": watch.dump(), **({"chat": cursor["chat"]} if "chat" in cursor else {})}
    if page:
        rest = {"page": page, "newest": newest.isoformat()}
        return Polled(items=fresh, cursor={"since": since.isoformat(), "sweep": rest, **kept}, more=True)
    fresh += _own_posts(pds, watch, since=since - OVERLAP, first=not cursor)
    fresh += watch.read(pds)
    more = watch.due > 0
    kept = {"since": newest.isoformat(), "watch": watch.dump()}
    rev = str(cursor.get("chat", ""))
    if direct:
        direct_items, rev, unread = _direct(pds, rev, now - A_LITTLE_BEFORE)
        fresh += direct_items
        more = more or unread
    return Polled(items=fresh, cursor={**kept, **({"chat": rev} if rev else {})}, more=more)


def notification_item(found: Mapping[str, Any]) -> RawItem:
    """A notification as a raw event, with the key that the same post has whichever way it comes."""
    reason, uri = text_or_empty(found, "reason", 60), text_or_empty(found, "uri")
    kind = "post" if reason in {"mention", "reply", "quote"} else reason
    return RawItem(kind="notification", payload=found, key=f"{kind}:{uri}" if kind and uri else "")


def post_item(view: Mapping[str, Any], *, context: bool = False) -> RawItem:
    """A post as a raw event."""
    uri = text_or_empty(view, "uri")
    return RawItem(
        kind="post",
        payload={"post": view, "context": context},
        key=f"{'context' if context else 'post'}:{uri}" if uri else "",
    )


def _sweep(
    pds: Pds, *, down_to: datetime, page: str, newest: datetime
) -> tuple[list[Mapping[str, Any]], str, datetime]:
    """Notifications, newest first, down to a time: what was found, the page to go on with, the newest time."""
    fresh: list[Mapping[str, Any]] = []
    for _number in range(PAGES):
        params = {"limit": PAGE, **({"cursor": page} if page else {})}
        found = pds.get("app.bsky.notification.listNotifications", params)
        listed = items(found, "notifications", PAGE)
        for one in listed:
            at = _time(one.get("indexedAt"))
            if at is not None and at < down_to:
                return fresh, "", newest
            newest = max(newest, at or newest)
            fresh.append(one)
        page = text_or_empty(found, "cursor")
        if not page or not listed:
            return fresh, "", newest
    return fresh, page, newest


def _own_posts(pds: Pds, watch: Watch, *, since: datetime, first: bool) -> list[RawItem]:
    """Our own posts, also those that were not written here; all of them are watched.

    ``first``: replies to older ones belong to the past.
    """
    fresh: list[RawItem] = []
    page = ""
    for _number in range(OWN_PAGES):
        params = {"actor": pds.did, "filter": "posts_with_replies", "limit": 50}
        found = pds.get("app.bsky.feed.getAuthorFeed", {**params, **({"cursor": page} if page else {})})
        oldest = since
        for entry in items(found, "feed", 50):
            view = within_or_empty(entry, "post")
            at = _time(view.get("indexedAt"))
            if within_or_empty(view, "author").get("did") != pds.did or at is None:
                continue  # passed on by us
            watch.add_own(view, known=first and at < since)
            oldest = at
            if at >= since:
                fresh.append(post_item(view))
        page = text_or_empty(found, "cursor")
        if not page or oldest <= since:
            break
    return fresh


def _direct(pds: Pds, rev: str, since: datetime) -> tuple[list[RawItem], str, bool]:
    """Direct messages. Their service is another one: when it is away, public posts are not held up."""
    try:
        if rev:
            with contextlib.suppress(Named):  # a place in the log that is not known any more
                return chat.news(pds, rev)
        fresh, rev = chat.begin(pds, since)
        return fresh, rev, False
    except NetworkError as error:
        logger.warning("Bluesky's direct messages cannot be read now: %s", error)
        return [], rev, False


def _time(value: Any) -> datetime | None:
    try:
        found = when({"at": value}, "at")
    except (ValueError, TypeError):
        return None
    return min(found, datetime.now(UTC) + timedelta(minutes=5))
