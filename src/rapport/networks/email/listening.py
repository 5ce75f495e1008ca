"""Hearing: new mail by poll and by IDLE, and the past. A cursor has, for each folder, the next UID to read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Polled, RawItem
from rapport.networks.email.box import Box
from rapport.networks.email.imap import Envelope, Folder, Mailbox
from rapport.networks.email.parse import identify, says_it_is_ours
from rapport.networks.email.wire import Deadline
from rapport.networks.errors import TryAgain

POLL_S = 35.0
PAGE = 50
_LOOK = 100  # mails looked at for a page
PAGE_BYTES = 30_000_000
# A longer mail is kept up to here: all its text, and the files that fit.
MAX_MAIL = 30_000_000
_PART_OF_LONG = 2_000_000
# The first poll takes what came while the channel was being connected.
_LITTLE_BEFORE = timedelta(minutes=10)
# IDLE is asked anew before servers hang up (RFC 2177: 29 minutes; some cut sooner).
_TICK_S = 2.0
_TICKS = 150


def poll(box: Box, cursor: Mapping[str, Any]) -> Polled:
    """What is new in every folder, up to a page."""
    with Deadline(POLL_S) as deadline, Mailbox(box, deadline) as mailbox:
        page = _Page(box, deadline)
        names = _folders(box, mailbox)
        states = {name: state for name in names if (state := _state(cursor, name)) is not None}
        for name in names:
            states[name] = page.take_new(mailbox, name, states.get(name))
        return page.polled({"folders": states})


def stream(box: Box, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
    """What comes into the first folder, as it comes. The others are for the poll."""
    name = box.folders[0]
    state = _state(cursor, name)
    with Deadline(POLL_S) as deadline, Mailbox(box, deadline) as mailbox:
        while not stop():
            more = True
            while more:
                deadline.extend(POLL_S)
                page = _Page(box, deadline)
                state = page.take_new(mailbox, name, state)
                polled = page.polled({"folders": {name: state}})
                more = polled.more
                yield polled
            for happened in mailbox.wait(_TICK_S, rounds=_TICKS):
                if happened or stop():
                    break
                yield Polled(items=(), cursor={"folders": {name: state}})


def history(box: Box, cursor: Mapping[str, Any], since: datetime) -> Polled:
    """A page of the past, newest first. The cursor has, for each folder, the UID before which to go on."""
    with Deadline(POLL_S) as deadline, Mailbox(box, deadline) as mailbox:
        page = _Page(box, deadline)
        states: dict[str, Any] = {}
        for name in _folders(box, mailbox):
            state = page.take_past(mailbox, name, _state(cursor, name), since)
            if state is not None:
                states[name] = state
        return page.polled({"folders": states})


def _folders(box: Box, mailbox: Mailbox) -> list[str]:
    """The folders of the settings, and Sent: what colleagues send from their own programs is an answer too."""
    sent = mailbox.sent_folder()
    return list(dict.fromkeys([*box.folders, *([sent] if sent is not None else [])]))


def _state(cursor: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    folders = cursor.get("folders")
    found = folders.get(name) if isinstance(folders, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(found.get("uidvalidity"), int):
        return None
    return dict(found)


class _Page:
    """Mail collected in one call, up to a number, a size and a time."""

    def __init__(self, box: Box, deadline: Deadline) -> None:
        self._box = box
        self._deadline = deadline
        self._items: list[RawItem] = []
        self._bytes = 0
        self._more = False

    def polled(self, cursor: dict[str, Any]) -> Polled:
        return Polled(items=self._items, cursor=cursor, more=self._more)

    def take_new(self, mailbox: Mailbox, name: str, state: dict[str, Any] | None) -> dict[str, Any]:
        """Take what is new in a folder; its new state: {"uidvalidity", "next", "read_at"}."""
        now = datetime.now(UTC)
        if state is not None and self._full():
            self._more = True
            return state
        folder = mailbox.open(name, write=self._box.mark_seen)
        first = self._first(mailbox, folder, state, now)
        uids = mailbox.after(first) if folder.uidnext == 0 or folder.uidnext > first else []
        # What came since the folder was opened has a higher UID than it said.
        following = max([folder.uidnext, first, *(one + 1 for one in uids)])
        for one in self._envelopes(mailbox, uids):
            if self._full():
                self._more = True
                following = one.uid
                break
            self._take(mailbox, folder, one)
        if len(uids) > _LOOK:
            self._more = True
            following = min(following, uids[_LOOK])
        return {"uidvalidity": folder.uidvalidity, "next": following, "read_at": now.isoformat()}

    def take_past(
        self, mailbox: Mailbox, name: str, state: dict[str, Any] | None, since: datetime
    ) -> dict[str, Any] | None:
        """Take older mail of a folder; its new state: {"uidvalidity", "before"}, before 0 when it is done."""
        if state is not None and state.get("before") == 0:
            return state
        if self._full():
            self._more = True
            return state
        folder = mailbox.open(name)
        known = state is not None and state["uidvalidity"] == folder.uidvalidity
        before = int(state.get("before") or 0) or None if state is not None and known else None
        uids = [one for one in mailbox.since(since.date()) if before is None or one < before][::-1]
        for one in self._envelopes(mailbox, uids):
            if self._full():
                break
            if one.arrived is None or one.arrived >= since:
                self._take(mailbox, folder, one)
            before = one.uid
        done = not uids or before == uids[-1]
        self._more = self._more or not done
        return {"uidvalidity": folder.uidvalidity, "before": 0 if done else before}

    def _first(self, mailbox: Mailbox, folder: Folder, state: dict[str, Any] | None, now: datetime) -> int:
        """The UID to read from."""
        if state is not None and state["uidvalidity"] == folder.uidvalidity:
            return int(state.get("next") or 1)
        # Never read, or the server numbered its mail anew (RFC 3501, 2.3.1.1): by date then. What was read
        # before has the same key and is stored once.
        since = now - _LITTLE_BEFORE
        if state is not None:
            last = _time_in(state.get("read_at"))
            since = (last or now) - timedelta(days=1)
        recent = mailbox.since((since - timedelta(days=1)).date())
        young = [one.uid for one in mailbox.envelopes(recent[-2000:]) if one.arrived and one.arrived >= since]
        return min([*young, folder.uidnext or (recent[-1] + 1 if recent else 1)])

    def _envelopes(self, mailbox: Mailbox, uids: list[int]) -> list[Envelope]:
        return mailbox.envelopes(uids[:_LOOK])

    def _full(self) -> bool:
        return (
            len(self._items) >= PAGE
            or self._bytes >= PAGE_BYTES
            or (bool(self._items) and self._deadline.left() < POLL_S / 2)
        )

    def _take(self, mailbox: Mailbox, folder: Folder, one: Envelope) -> None:
        # A draft is not sent; our own record of a mail under way is one too.
        if b"\\Draft" in one.flags:
            return
        long = one.size > MAX_MAIL
        try:
            data = mailbox.fetch(one.uid, most=_PART_OF_LONG if long else MAX_MAIL)
        except TryAgain as error:
            if self._deadline.was_cut or mailbox.is_lost():
                raise
            # It must not hold up what comes after it, nor be lost: it is kept as what it is.
            where = {"folder": folder.name, "uid": one.uid, "uidvalidity": folder.uidvalidity}
            self._items.append(RawItem("unreadable", {**where, "reason": str(error)}))
            return
        if not data:  # gone meanwhile
            return
        self._bytes += len(data)
        self._items.append(raw_item(self._box, folder, one, data, truncated=long))
        if self._box.mark_seen:
            mailbox.mark([one.uid], add=b"\\Seen")


def raw_item(box: Box, folder: Folder, one: Envelope, data: bytes, *, truncated: bool) -> RawItem:
    """A mail as a raw event, with what parsing must know of the mailbox."""
    sent = folder.name not in box.folders
    payload = {
        "rfc822": base64.b64encode(data).decode("ascii"),
        "folder": folder.name,
        "uid": one.uid,
        "uidvalidity": folder.uidvalidity,
        "arrived": one.arrived.isoformat() if one.arrived is not None else None,
        "sent": sent,
        "me": list(box.me),
        "lists": list(box.lists),
        "trusted": list(box.trusted),
        "truncated": truncated,
    }
    # A copy of our own mail that only says it is ours is another happening than the one in Sent.
    name = "copy" if not sent and says_it_is_ours(data, box.me) else "post"
    return RawItem("mail", payload, f"{name}:{identify(data)}")


def _time_in(value: Any) -> datetime | None:
    """A time that a cursor holds."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
