"""Asking what is new: notifications each time, the rest in turn.

Lists are read from the top, so what came late or out of order under an older id is still found, and pages
are turned from the last known id on (``min_id``) when more came than one page holds. Ids are given back as
they came. https://docs.joinmastodon.org/methods/notifications/, …/conversations/, …/timelines/.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from rapport.networks.base import Account, Polled, RawItem
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.mastodon import items, threads
from rapport.networks.mastodon.api import Mastodon, Page, listed

# How far before the first poll "now" begins.
A_LITTLE_BEFORE = timedelta(minutes=10)
# A poll ends its calls after this long, so that with the last one it fits into a lease.
ENOUGH_S = 15.0
PAGES = 5
REMEMBERED = 120
REMEMBERED_IN_THREADS = 400
# Also what the account's own policy keeps away from people's eyes (Mastodon 4.3: strangers, new accounts,
# private mentions): those are customers.
NOTIFICATIONS: dict[str, Any] = {"limit": 40, "include_filtered": "true"}
# A list a server does not have, or that failed, is left alone for so long.
NOT_THERE = timedelta(hours=6)
BROKEN = timedelta(minutes=5)


@dataclass(frozen=True)
class Source:
    """A list to read. ``every``: how long between two looks. ``make``: raw event of one entry, None to skip."""

    name: str
    path: str
    params: Mapping[str, Any]
    every: timedelta
    make: Callable[[Any], RawItem | None]


def poll(api: Mastodon, account: Account, cursor: Mapping[str, Any], *, now: datetime) -> Polled:
    """One round. The cursor: ``since`` (time), ``lists`` (by source: ``last`` id, ``seen`` hashes of keys,
    ``due`` time, ``behind`` while pages are to be caught up), ``threads`` (see :mod:`.threads`) and ``looked``
    (hashes of what was found there)."""
    round_ = _Round(api, account, cursor, now)
    notifications, *others = sources(account)
    round_.read(notifications)
    for source in others:
        if round_.due(source) and round_.goes_on():
            round_.read_or_leave(source)
    if round_.goes_on() and api.spare > 0.3:
        round_.look_at_threads()
    return round_.polled()


def sources(account: Account) -> list[Source]:
    """The lists of a channel, the notifications first."""

    def heard(found: Any) -> RawItem:
        return items.from_status(found)

    def last_of(conversation: Any) -> RawItem | None:
        status = items.field(conversation, "last_status")
        return items.from_status(status) if status is not None else None

    me = quote(account.external_id, safe="")
    found = [
        Source(
            "notifications", "/api/v1/notifications", NOTIFICATIONS, timedelta(0), items.from_notification
        ),
        Source("own", f"/api/v1/accounts/{me}/statuses", {"limit": 20}, timedelta(seconds=10), heard),
        Source("conversations", "/api/v1/conversations", {"limit": 20}, timedelta(seconds=30), last_of),
    ]
    for tag in listed(account.settings.get("hashtags"))[:20]:
        name = str(tag).strip().removeprefix("#").lower()
        if name:
            path = f"/api/v1/timelines/tag/{quote(name, safe='')}"
            found.append(Source(f"#{name}", path, {"limit": 40}, timedelta(seconds=30), heard))
    timeline = account.settings.get("timeline")
    if timeline in {"local", "federated"}:
        params = {"limit": 40} | ({"local": "true"} if timeline == "local" else {})
        every = timedelta(seconds=15)
        found.append(Source(str(timeline), "/api/v1/timelines/public", params, every, heard))
    return found


class _Round:
    def __init__(self, api: Mastodon, account: Account, cursor: Mapping[str, Any], now: datetime) -> None:
        self._api, self._account, self._now = api, account, now
        self._until = time.monotonic() + ENOUGH_S
        self._since = _time(cursor.get("since")) or now - A_LITTLE_BEFORE
        old = cursor.get("lists")
        self._lists: dict[str, dict[str, Any]] = {
            name: dict(state)
            for name, state in (old if isinstance(old, Mapping) else {}).items()
            if isinstance(state, Mapping)
        }
        self.threads = threads.Threads.load(cursor.get("threads"), us=account.external_id)
        self._looked = _marks(cursor.get("looked"))
        # What was told of before, whichever list it was in.
        self._known = {one for state in self._lists.values() for one in _marks(state.get("seen"))}
        self._known.update(self._looked)
        self.items: list[RawItem] = []
        self._more = False

    def goes_on(self) -> bool:
        return time.monotonic() < self._until

    def due(self, source: Source) -> bool:
        due = _time(self._state(source).get("due"))
        return due is None or due <= self._now

    def polled(self) -> Polled:
        wanted = {source.name for source in sources(self._account)}
        cursor = {
            "since": self._since.isoformat(),
            "lists": {name: state for name, state in self._lists.items() if name in wanted},
            "threads": self.threads.dump(),
            "looked": self._looked[-REMEMBERED_IN_THREADS:],
        }
        return Polled(items=self.items, cursor=cursor, more=self._more)

    def read_or_leave(self, source: Source) -> None:
        """A list that a server lacks or cannot give now must not keep the others from being read."""
        state = self._state(source)
        try:
            self.read(source)
        except CredentialsGone:
            raise
        except Refused:
            state["due"] = (self._now + NOT_THERE).isoformat()
        except TryAgain as error:
            state["due"] = (self._now + (error.after or BROKEN)).isoformat()

    def read(self, source: Source) -> None:
        """What is new in one list, oldest first, into ``items``."""
        state = self._state(source)
        state["due"] = (self._now + source.every).isoformat()
        first = self._api.page(source.path, source.params)
        pages = [first]
        if not state.get("behind") and not self._meets(source, first):
            if state.get("last"):
                state["behind"] = True
            elif state.get("read"):
                # Nothing was ever seen here, and now there is more than a page.
                pages += self._down(source, first)
        if state.get("behind"):
            missed = self._up(source, state)
            # While there is more to catch up, the newest wait for their turn.
            pages = missed if state["behind"] else [first, *missed]
        found = [entry for page in reversed(pages) for entry in reversed(page.items)]
        if not state.get("behind"):
            state["last"] = _newest(first) or state.get("last", "")
        state["read"] = True
        self._take(source, state, found)

    def look_at_threads(self) -> None:
        """What stands in our threads and was not told of before."""
        for item in threads.look(self._api, self._account, self.threads, now=self._now, goes_on=self.goes_on):
            mark = _mark(item)
            if mark not in self._known:
                self._known.add(mark)
                self._looked.append(mark)
                self.items.append(item)

    def _take(self, source: Source, state: dict[str, Any], entries: Sequence[Any]) -> None:
        seen = _marks(state.get("seen"))
        for entry in entries:
            item = source.make(entry)
            at = items.time_of(entry) or items.time_of(items.field(entry, "last_status"))
            if item is None or (at is not None and at < self._since):
                continue
            mark = _mark(item)
            if mark not in seen:
                seen.append(mark)
            if mark in self._known:
                continue
            self._known.add(mark)
            self.items.append(item)
            if source.name in {"notifications", "own", "conversations"}:
                self.threads.note(item, now=self._now)
        state["seen"] = seen[-REMEMBERED:]

    def _meets(self, source: Source, page: Page) -> bool:
        """Whether a page reaches down to what was read before, or to before our time."""
        seen = set(_marks(self._state(source).get("seen")))
        for entry in page.items:
            item, at = source.make(entry), items.time_of(entry)
            if (item is not None and _mark(item) in seen) or (at is not None and at < self._since):
                return True
        return not page.older and len(page.items) < source.params["limit"]

    def _up(self, source: Source, state: dict[str, Any]) -> list[Page]:
        """Pages after the last known id, newest page first; ``behind`` until the top is reached."""
        pages: list[Page] = []
        for _page in range(PAGES):
            page = self._api.page(source.path, {**source.params, "min_id": state["last"]})
            last = _newest(page)
            if not last or last == state["last"]:
                state["behind"] = False
                break
            pages.insert(0, page)
            state["last"] = last
            if not self.goes_on():
                break
        self._more = self._more or bool(state["behind"])
        return pages

    def _down(self, source: Source, page: Page) -> list[Page]:
        """Older pages, newest first, until before our time."""
        pages: list[Page] = []
        for _page in range(PAGES):
            older = page.older or (items.text_id(page.items[-1]) if page.items else "")
            if not older or not self.goes_on():
                break
            page = self._api.page(source.path, {**source.params, "max_id": older})
            pages.append(page)
            if self._meets(source, page):
                break
        return pages

    def _state(self, source: Source) -> dict[str, Any]:
        return self._lists.setdefault(source.name, {})


def _newest(page: Page) -> str:
    """The id to go on from; the server's own word for it goes first, for it may not be an entry's id."""
    return page.newer or (items.text_id(page.items[0]) if page.items else "")


def _mark(item: RawItem) -> str:
    return hashlib.blake2b(item.dedupe_key().encode(), digest_size=6).hexdigest()


def _marks(value: Any) -> list[str]:
    return [one for one in listed(value) if isinstance(one, str)]


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)
    except ValueError:
        return None
