"""Threads we are in, read again from time to time.

A reply that names nobody brings no notification, an edit and a deletion bring none either. So the threads of
what was said to us are looked at again: soon while they are young, seldom later, a few at a time, and only
while the server's budget allows. https://docs.joinmastodon.org/methods/statuses/#context.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from rapport.networks.base import Account as Channel
from rapport.networks.base import RawItem
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.mastodon import items
from rapport.networks.mastodon.api import Mastodon, NotThere, listed

log = logging.getLogger(__name__)

KEPT = 40
POSTS_EACH = 12
AT_ONCE = 3
FOR = timedelta(days=7)
# A thread is looked at again after a tenth of its age.
SOONEST = timedelta(seconds=2)
LONGEST_CONTEXT = 200
ASKED_AFTER = 3


@dataclass
class Thread:
    """``theirs``: ids of what customers said to us in it, oldest first. ``ours``: our newest answer in it."""

    theirs: list[str]
    ours: str = ""
    active_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    looked_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def due_at(self) -> datetime:
        age = max(self.looked_at - self.active_at, timedelta(0))
        return self.looked_at + max(SOONEST, age / 10)


class Threads:
    """The threads of a channel, as many as are worth the calls; part of the poll's cursor."""

    def __init__(self, threads: list[Thread], *, us: str) -> None:
        self.all, self._us = threads, us

    @classmethod
    def load(cls, stored: Any, *, us: str) -> Threads:
        found = []
        for one in listed(stored)[:KEPT]:
            try:
                found.append(
                    Thread(
                        theirs=[str(each) for each in one["theirs"]],
                        ours=str(one["ours"]),
                        active_at=datetime.fromisoformat(one["active_at"]),
                        looked_at=datetime.fromisoformat(one["looked_at"]),
                    )
                )
            except (KeyError, TypeError, ValueError):
                continue
        return cls(found, us=us)

    def dump(self) -> list[dict[str, Any]]:
        return [
            {
                "theirs": one.theirs,
                "ours": one.ours,
                "active_at": one.active_at.isoformat(),
                "looked_at": one.looked_at.isoformat(),
            }
            for one in self.all
        ]

    def note(self, item: RawItem, *, now: datetime) -> None:
        """Remember a post that was said to us, or our own answer."""
        status = item.payload if item.kind == "status" else items.field(item.payload, "status")
        if item.kind not in {"status", "notification.mention"} or not items.text_id(status):
            return
        if items.field(status, "reblog") is not None:
            return
        self.note_status(status, now=now)

    def note_status(self, status: Any, *, now: datetime) -> None:
        status_id, answers = items.text_id(status), str(items.field(status, "in_reply_to_id") or "")
        own = items.author_id(status) == self._us
        thread = next(
            (one for one in self.all if {status_id, answers} & {*one.theirs, one.ours} - {""}), None
        )
        at = min(items.time_of(status) or now, now)
        if thread is None:
            if own or at < now - FOR:
                return
            self.all.append(Thread(theirs=[status_id], active_at=at, looked_at=at))
            self.all.sort(key=lambda one: one.active_at)
            del self.all[:-KEPT]
        elif own:
            thread.ours = status_id
            thread.active_at = max(thread.active_at, at)
        elif status_id not in thread.theirs:
            thread.theirs = [*thread.theirs, status_id][-POSTS_EACH:]
            thread.active_at = max(thread.active_at, at)

    def due(self, now: datetime) -> list[Thread]:
        self.all = [one for one in self.all if one.theirs and one.active_at > now - FOR]
        return sorted((one for one in self.all if one.due_at() <= now), key=Thread.due_at)[:AT_ONCE]


def look(
    api: Mastodon, channel: Channel, threads: Threads, *, now: datetime, goes_on: Callable[[], bool]
) -> list[RawItem]:
    """What a look at the threads that are due brought: answers, edits, deletions, and what stands around them."""
    found: list[RawItem] = []
    for thread in threads.due(now):
        if goes_on():
            thread.looked_at = now
            try:
                found += _look_at(api, channel.external_id, threads, thread, now=now)
            except (Refused, TryAgain) as error:
                # One that the server cannot give, such as one of thousands, must not keep all others, and what
                # was heard before it, from being kept. It has its turn again.
                log.info("a thread cannot be looked at now: %s", error)
                break
    return found


def _look_at(api: Mastodon, us: str, threads: Threads, thread: Thread, *, now: datetime) -> list[RawItem]:
    try:
        around = _context(api, thread.ours or thread.theirs[-1])
    except NotThere:
        if thread.ours:
            thread.ours = ""
            return []
        return _gone(api, thread, set(), now=now)
    there = {items.text_id(one) for one in around}
    found = []
    for status in around[-LONGEST_CONTEXT:]:
        ours = items.author_id(status) == us
        said = ours or items.said_to(status, us)
        found.append(items.from_status(status, context=not said))
        if said:
            threads.note_status(status, now=now)
    return found + _gone(api, thread, there, now=now)


def _context(api: Mastodon, status_id: str) -> list[Any]:
    """Everything around a post that we are shown, without the post itself."""
    found = api.get(f"/api/v1/statuses/{quote(status_id, safe='')}/context")
    return [*listed(items.field(found, "ancestors")), *listed(items.field(found, "descendants"))]


def _gone(api: Mastodon, thread: Thread, there: set[str], *, now: datetime) -> list[RawItem]:
    """Posts of a thread that were not among those around it, asked for one by one: edited, or deleted."""
    found: list[RawItem] = []
    for status_id in [one for one in reversed(thread.theirs) if one not in there][:ASKED_AFTER]:
        try:
            status = api.get(f"/api/v1/statuses/{quote(status_id, safe='')}")
        except NotThere:
            thread.theirs.remove(status_id)
            found.append(items.deleted(status_id, at=now))
        else:
            if isinstance(status, Mapping):
                found.append(items.from_status(status))
    return found
