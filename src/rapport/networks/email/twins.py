"""Different mails with one Message-ID, told apart.

A message's external id is its Message-ID, because answers name nothing else. Broken scripts give every mail the
same one, and some machines send a mail back under the id it had. Parsing sees one mail at a time, so the reader
remembers in its cursor which mail had an id first; that one keeps it, and any other gets an id of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from rapport.networks.email import ids
from rapport.networks.email.parse import Marks, marks

# How many of the last Message-IDs a cursor remembers (about 40 bytes each), and how many that came repeatedly.
_RECENT = 400
_REPEATED = 100
_ENTRY = re.compile(r"[0-9a-f]{14}(?:\.[0-9a-f]{6}){3}")
# What lists and spam filters put before a subject.
_LABELS = re.compile(r"^(?:\s*(?:\[[^\]]{1,60}\]|\*{2,5}[^*]{1,40}\*{2,5}))+\s*")


class Owners:
    """Who has which Message-ID: entries ``message-id.date.sender.subject``, each a short hash, latest last."""

    def __init__(self, cursor: Mapping[str, Any]) -> None:
        found = cursor.get("ids")
        found = found if isinstance(found, Mapping) else {}
        self._recent = _entries(found.get("recent"))
        self._repeated = _entries(found.get("repeated"))

    def state(self) -> dict[str, list[str]]:
        """For the cursor's ``ids``."""
        return {
            "recent": list(self._recent.values())[-_RECENT:],
            "repeated": list(self._repeated.values())[-_REPEATED:],
        }

    def twin(self, data: bytes, me: Collection[str]) -> str:
        """What tells this mail from the one that has its Message-ID; "" when it has the id itself."""
        found = marks(data, me)
        if found is None or not found.message_id:
            return ""
        own = found.sender in me
        if ids.read_ours(found.message_id) is not None:
            # Our mails have these ids before they are sent, so nobody else's can have one.
            return "" if own else _print(found)
        entry = _entry(found)
        named = entry[:14]
        repeated = self._repeated.pop(named, None)
        owner = repeated or self._recent.pop(named, None)
        twin = owner is not None and not _same(owner, entry, own=own)
        (self._repeated if twin or repeated else self._recent)[named] = owner or entry
        return _print(found) if twin else ""


def _same(owner: str, entry: str, *, own: bool) -> bool:
    """Whether two mails with one Message-ID are one. A list may change its subject or its sender on the way, and
    a program may file our own mail with another date than it sent it with."""
    _, date, sender, subject = owner.split(".")
    _, its_date, its_sender, its_subject = entry.split(".")
    if own:
        return sender == its_sender
    return date == its_date and (sender == its_sender or subject == its_subject)


def _entry(found: Marks) -> str:
    subject = _LABELS.sub("", found.subject).casefold().strip()
    parts = [_hash(one, 3) for one in (found.date, found.sender, subject)]
    return ".".join([_hash(found.message_id, 7), *parts])


def _print(found: Marks) -> str:
    return _hash("\n".join((found.date, found.sender, found.subject)), 12)


def _hash(value: str, size: int) -> str:
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def _entries(value: Any) -> dict[str, str]:
    found = value if isinstance(value, list) else []
    return {one[:14]: one for one in found if isinstance(one, str) and _ENTRY.fullmatch(one)}
