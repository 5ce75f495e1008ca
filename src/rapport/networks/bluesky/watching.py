"""Posts whose replies we look after: ours, and those that spoke to us.

Each has the number of replies that were read, how far it is below a post of ours, and since when it is
watched. The AppView tells the numbers of 25 posts in one call; a thread is read only when its number changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import RawItem
from rapport.networks.bluesky.reading import items, kind_of, text_or_empty, when, within_or_empty
from rapport.networks.bluesky.recordkeys import split_uri
from rapport.networks.bluesky.richtext import mentions
from rapport.networks.bluesky.xrpc import Named, Pds
from rapport.networks.errors import TryAgain

logger = logging.getLogger(__name__)

WATCHED = 200
FOR = timedelta(days=3)
THREADS = 8  # read in one poll
_AT_ONCE = 25  # app.bsky.feed.getPosts
_REPLIES = 100
_PARENTS = 10
# The AppView tells us of replies this far below a post of ours.
_DEPTH = 5
_NOT_READ = -1
_FAR = 99  # not below a post of ours


@dataclass
class _Watched:
    replies: int  # that were read; _NOT_READ: what it answers is to be read too
    below: int  # 0 for our own posts
    at: datetime
    count: int = 0  # replies it has now


class Watch:
    """The posts being watched, by address."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._posts: dict[str, _Watched] = {}
        self._seen_own: set[str] = set()
        self._failed: set[str] = set()

    @classmethod
    def load(cls, kept: Any, *, now: datetime) -> Watch:
        """From a cursor; what is too old is left out."""
        watch = cls(now)
        for uri, value in kept.items() if isinstance(kept, Mapping) else ():
            try:
                replies, below, at = int(value[0]), int(value[1]), datetime.fromtimestamp(int(value[2]), UTC)
            except (TypeError, ValueError, IndexError, KeyError, OverflowError, OSError):
                continue
            if now - at < FOR:
                watch._posts[uri] = _Watched(replies, below, at, count=max(replies, 0))
        return watch

    def dump(self) -> dict[str, list[int]]:
        """For the cursor: the newest ones."""
        newest = sorted(self._posts.items(), key=lambda one: one[1].at, reverse=True)[:WATCHED]
        return {uri: [one.replies, one.below, int(one.at.timestamp())] for uri, one in newest}

    def add_notification(self, found: Mapping[str, Any]) -> None:
        """Somebody spoke to us."""
        if found.get("reason") not in {"mention", "reply", "quote"}:
            return
        uri = text_or_empty(found, "uri")
        parent = _parent(within_or_empty(found, "record"))
        below = _FAR
        if found.get("reason") == "reply":
            below = 1 if parent == found.get("reasonSubject") else 2
        self._add(uri, below, _at(found), replies=_NOT_READ if parent and below > 1 else 0)

    def add_own(self, view: Mapping[str, Any], *, known: bool) -> None:
        """A post of ours, with the number of its replies. ``known``: these belong to the past."""
        uri, count = text_or_empty(view, "uri"), _count(view)
        self._seen_own.add(uri)
        self._add(uri, 0, _at(view), replies=count if known else 0)
        if uri in self._posts:
            self._posts[uri].count = count

    @property
    def due(self) -> int:
        """How many still wait to be read."""
        return sum(1 for uri, one in self._posts.items() if _is_due(one) and uri not in self._failed)

    def read(self, pds: Pds) -> list[RawItem]:
        """Look at the numbers, and read what changed."""
        fresh = list(self._count_replies(pds))
        due = sorted(
            (uri for uri, one in self._posts.items() if _is_due(one)), key=lambda u: self._posts[u].at
        )
        for uri in due[:THREADS]:
            try:
                fresh += self._thread(pds, uri)
            except TryAgain as error:
                # One that the AppView cannot give, such as one of thousands, must not keep the others, and what
                # was heard before it, from being kept. The next poll asks for it again.
                logger.info("a thread cannot be read now: %s", error)
                self._failed.add(uri)
                if error.after is not None:
                    self._failed.update(due)
                    break
        return fresh

    def _add(self, uri: str, below: int, at: datetime | None, *, replies: int = 0) -> None:
        at = min(at or self._now, self._now)
        try:
            split_uri(uri)
        except ValueError:
            return
        if uri not in self._posts and self._now - at < FOR:
            self._posts[uri] = _Watched(replies, below, at)

    def _count_replies(self, pds: Pds) -> Iterator[RawItem]:
        """Ask for the numbers of replies. Posts that are gone are told as such."""
        asked = [uri for uri in self._posts if uri not in self._seen_own][:WATCHED]
        for start in range(0, len(asked), _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            found = pds.get("app.bsky.feed.getPosts", [("uris", uri) for uri in some])
            views = {text_or_empty(view, "uri"): view for view in items(found, "posts", _AT_ONCE)}
            for uri in some:
                if uri in views:
                    self._posts[uri].count = _count(views[uri])
                else:
                    yield from self._missing(pds, uri)

    def _missing(self, pds: Pds, uri: str) -> Iterator[RawItem]:
        """A post that is not shown to us: deleted, or its author blocked us."""
        del self._posts[uri]
        try:
            pds.get("app.bsky.feed.getPostThread", {"uri": uri, "depth": 0, "parentHeight": 0})
        except Named as error:
            if error.name == "NotFound":
                payload = {"uri": uri, "seen_at": self._now.isoformat()}
                yield RawItem(kind="gone", payload=payload, key=f"gone:{uri}")

    def _thread(self, pds: Pds, uri: str) -> Iterator[RawItem]:
        """The replies to a watched post, and what it answers if that was not read yet."""
        watched = self._posts[uri]
        height = _PARENTS if watched.replies == _NOT_READ else 0
        try:
            found = pds.get("app.bsky.feed.getPostThread", {"uri": uri, "depth": 1, "parentHeight": height})
        except Named:  # deleted just now; the next look at the numbers tells
            watched.replies = watched.count
            return
        thread = within_or_empty(found, "thread")
        yield from _parents(thread)
        author = within_or_empty(within_or_empty(thread, "post"), "author").get("did")
        for node in items(thread, "replies", _REPLIES):
            view = within_or_empty(node, "post")
            by = within_or_empty(view, "author").get("did")
            reply = text_or_empty(view, "uri")
            if not reply or not isinstance(by, str):
                continue  # hidden from us, or gone
            to_us = self._speaks_to_us(pds.did, view, by, author, watched.below)
            if by != pds.did and to_us:
                self._add(reply, min(watched.below + 1, _FAR), _at(view))
                if reply in self._posts:
                    self._posts[reply].count = max(self._posts[reply].count, _count(view))
            yield _item(view, context=not to_us)
        watched.replies = watched.count

    @staticmethod
    def _speaks_to_us(own: str, view: Mapping[str, Any], by: str, above: Any, below: int) -> bool:
        """Whether a reply is for us: under a post of ours, naming us, by us, or the same person going on."""
        record = within_or_empty(view, "record")
        return by in {own, above} or below < _DEPTH or own in mentions(record.get("facets"))


def _parents(thread: Mapping[str, Any]) -> Iterator[RawItem]:
    """What a post answers, upwards: context, unless somebody told us of it already."""
    node = within_or_empty(thread, "parent")
    for _height in range(_PARENTS):
        if not kind_of(node).endswith("#threadViewPost"):
            return
        yield _item(within_or_empty(node, "post"), context=True)
        node = within_or_empty(node, "parent")


def _item(view: Mapping[str, Any], *, context: bool) -> RawItem:
    name = "context" if context else "post"
    return RawItem(
        kind="post", payload={"post": view, "context": context}, key=f"{name}:{text_or_empty(view, 'uri')}"
    )


def _at(value: Mapping[str, Any]) -> datetime | None:
    try:
        return when(value, "indexedAt")
    except (ValueError, KeyError, TypeError):
        return None


def _is_due(one: _Watched) -> bool:
    return one.count > one.replies


def _count(view: Mapping[str, Any]) -> int:
    found = view.get("replyCount")
    return found if type(found) is int and found >= 0 else 0


def _parent(record: Mapping[str, Any]) -> str:
    return text_or_empty(within_or_empty(within_or_empty(record, "reply"), "parent"), "uri", 300)
