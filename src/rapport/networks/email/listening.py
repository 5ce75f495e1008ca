"""Hearing: new mail by poll and by IDLE, and the past. A cursor has, for each folder, the next UID to read.

``{"folders": {name: {"uidvalidity", "next" or "before", "read_at", "slow"}}, "ids": {"recent", "repeated"}}``
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Polled, RawItem
from rapport.networks.email.box import Box
from rapport.networks.email.imap import Envelope, Folder, Mailbox
from rapport.networks.email.parse import identify, says_it_is_ours
from rapport.networks.email.twins import Owners
from rapport.networks.email.wire import Deadline
from rapport.networks.errors import TryAgain

POLL_S = 35.0
PAGE = 50
_LOOK = 100  # mails looked at for a page
PAGE_BYTES = 30_000_000
# A longer mail is kept up to here: all its text, and the files that fit.
MAX_MAIL = 30_000_000
_PART_OF_LONG = 2_000_000
# So much of a mail is asked for where more of it did not come in time.
_PARTS = (_PART_OF_LONG, 100_000)
# The first poll takes what came while the channel was being connected.
_LITTLE_BEFORE = timedelta(minutes=10)
# IDLE is asked anew before servers hang up (RFC 2177: 29 minutes; some cut sooner).
_TICK_S = 2.0
_TICKS = 150


def poll(box: Box, cursor: Mapping[str, Any]) -> Polled:
    """What is new in every folder, up to a page."""
    with Deadline(POLL_S) as deadline, Mailbox(box, deadline) as mailbox:
        page = _Page(box, deadline, Owners(cursor))
        names = _folders(box, mailbox)
        states = {name: state for name in names if (state := _state(cursor, name)) is not None}
        for name in names:
            states[name] = page.take_new(mailbox, name, states.get(name))
            if page.cut is not None:
                break
        return page.polled(states)


def stream(box: Box, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
    """What comes into the first folder, as it comes. The others are for the poll."""
    name = box.folders[0]
    state = _state(cursor, name)
    owners = Owners(cursor)
    with Deadline(POLL_S) as deadline, Mailbox(box, deadline) as mailbox:
        while not stop():
            more = True
            while more:
                deadline.extend(POLL_S)
                page = _Page(box, deadline, owners)
                state = page.take_new(mailbox, name, state)
                polled = page.polled({name: state})
                more = polled.more
                yield polled
                if page.cut is not None:
                    raise page.cut
            for happened in mailbox.wait(_TICK_S, rounds=_TICKS):
                if happened or stop():
                    break
                yield Polled(items=(), cursor=polled.cursor)


def history(box: Box, cursor: Mapping[str, Any], since: datetime) -> Polled:
    """A page of the past, newest first. The cursor has, for each folder, the UID before which to go on."""
    with Deadline(POLL_S) as deadline, Mailbox(box, deadline) as mailbox:
        page = _Page(box, deadline, Owners(cursor))
        states: dict[str, Any] = {}
        for name in _folders(box, mailbox):
            known = _state(cursor, name)
            state = page.take_past(mailbox, name, known, since) if page.cut is None else known
            if state is not None:
                states[name] = state
        return page.polled(states)


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
    """Mail collected in one call, up to a number, a size and a time.

    ``cut``: set when the time ended within a mail; the connection is gone then, and the state says to ask for
    less of that mail.
    """

    def __init__(self, box: Box, deadline: Deadline, owners: Owners) -> None:
        self.cut: TryAgain | None = None
        self._box = box
        self._deadline = deadline
        self._owners = owners
        self._items: list[RawItem] = []
        self._bytes = 0
        self._more = False

    def polled(self, states: dict[str, Any]) -> Polled:
        cursor = {"folders": states, "ids": self._owners.state()}
        return Polled(items=self._items, cursor=cursor, more=self._more)

    def take_new(self, mailbox: Mailbox, name: str, state: dict[str, Any] | None) -> dict[str, Any]:
        """Take what is new in a folder; its new state: {"uidvalidity", "next", "read_at", "slow"}."""
        now = datetime.now(UTC)
        if state is not None and self._full():
            self._more = True
            return state
        folder = mailbox.open(name, write=self._box.mark_seen)
        first = self._first(mailbox, folder, state, now)
        uids = mailbox.after(first) if folder.uidnext == 0 or folder.uidnext > first else []
        # What came since the folder was opened has a higher UID than it said.
        following = max([folder.uidnext, first, *(one + 1 for one in uids)])
        slow = _kept_slow(state, folder)
        for one in self._envelopes(mailbox, uids):
            if self._full():
                self._more = True
                following = one.uid
                break
            slow = self._take(mailbox, folder, one, _slow(state, folder))
            if self.cut is not None:
                following = one.uid
                break
        if len(uids) > _LOOK:
            self._more = True
            following = min(following, uids[_LOOK])
        return {"uidvalidity": folder.uidvalidity, "next": following, "read_at": now.isoformat()} | slow

    def take_past(
        self, mailbox: Mailbox, name: str, state: dict[str, Any] | None, since: datetime
    ) -> dict[str, Any] | None:
        """Take older mail of a folder; its new state: {"uidvalidity", "before", "slow"}, before 0 when it is done."""
        if state is not None and state.get("before") == 0:
            return state
        if self._full():
            self._more = True
            return state
        folder = mailbox.open(name)
        known = state is not None and state["uidvalidity"] == folder.uidvalidity
        before = int(state.get("before") or 0) or None if state is not None and known else None
        uids = [one for one in mailbox.since(since.date()) if before is None or one < before][::-1]
        slow = _kept_slow(state, folder)
        for one in self._envelopes(mailbox, uids):
            if self._full():
                break
            if one.arrived is None or one.arrived >= since:
                slow = self._take(mailbox, folder, one, _slow(state, folder))
            if self.cut is not None:
                before = one.uid + 1
                break
            before = one.uid
        done = not uids or before == uids[-1]
        self._more = self._more or not done
        return {"uidvalidity": folder.uidvalidity, "before": 0 if done else before} | slow

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

    def _take(
        self, mailbox: Mailbox, folder: Folder, one: Envelope, slow: Mapping[int, int]
    ) -> dict[str, Any]:
        """Take a mail, or its beginning where it is long or in ``slow`` (UID to bytes). When the time ends within
        it: sets ``cut`` and returns the state's ``slow``, so that it holds up what comes after it only once."""
        most = slow.get(one.uid, _PART_OF_LONG if one.size > MAX_MAIL else MAX_MAIL)
        try:
            self._read(mailbox, folder, one, most)
        except TryAgain as error:
            less = next((part for part in _PARTS if part < min(most, one.size)), None)
            # As little as this comes over any line that works: it is not the mail then.
            if not self._deadline.was_cut or less is None:
                raise
            self.cut, self._more = error, True
            return {"slow": {"uid": one.uid, "most": less}}
        return {}

    def _read(self, mailbox: Mailbox, folder: Folder, one: Envelope, most: int) -> None:
        # A draft is not sent; our own record of a mail under way is one too.
        if b"\\Draft" in one.flags:
            return
        try:
            data = mailbox.fetch(one.uid, most=most)
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
        twin = self._owners.twin(data, self._box.me)
        self._items.append(raw_item(self._box, folder, one, data, truncated=one.size > most, twin=twin))
        if self._box.mark_seen:
            mailbox.mark([one.uid], add=b"\\Seen")


def raw_item(
    box: Box, folder: Folder, one: Envelope, data: bytes, *, truncated: bool, twin: str = ""
) -> RawItem:
    """A mail as a raw event, with what parsing must know of the mailbox.

    ``twin``: what tells it from another mail that has its Message-ID (:class:`~.twins.Owners`).
    """
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
    if twin:
        payload["twin"] = twin
    # A copy of our own mail that only says it is ours is another happening than the one in Sent.
    name = "copy" if not sent and says_it_is_ours(data, box.me) else "post"
    return RawItem("mail", payload, f"{name}:{identify(data, twin=twin)}")


def _kept_slow(state: Mapping[str, Any] | None, folder: Folder) -> dict[str, Any]:
    """The state's ``slow`` as it was, for a page that is full before it comes to that mail."""
    return {"slow": dict(state["slow"])} if state is not None and _slow(state, folder) else {}


def _slow(state: Mapping[str, Any] | None, folder: Folder) -> dict[int, int]:
    """The mail that did not come in time, and how many bytes of it to ask for."""
    found = state.get("slow") if state is not None and state["uidvalidity"] == folder.uidvalidity else None
    if not isinstance(found, Mapping):
        return {}
    uid, most = found.get("uid"), found.get("most")
    return {uid: most} if isinstance(uid, int) and isinstance(most, int) and most > 0 else {}


def _time_in(value: Any) -> datetime | None:
    """A time that a cursor holds."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
