"""Record keys and addresses: timestamp identifiers (TIDs) and ``at://`` addresses. Pure.

https://atproto.com/specs/tid and https://atproto.com/specs/at-uri-scheme
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta

POST = "app.bsky.feed.post"

# What the desk can store of an id. A did:plc post has 70; only a very long did:web would be longer.
LONGEST_URI = 200

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_URI = re.compile(
    r"at://(did:[a-z]+:[A-Za-z0-9._:%-]{1,150}|[A-Za-z0-9.-]{1,253})/([A-Za-z][A-Za-z0-9.-]{2,300})/([A-Za-z0-9._:~-]{1,512})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_BITS = 10
_MICROSECONDS = 1_000_000


def tid(micros: int, clock: int) -> str:
    """The TID of a moment (microseconds since 1970) and a clock id (10 bits): 13 characters."""
    number = ((micros << _CLOCK_BITS) | (clock & 0x3FF)) & (2**63 - 1)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))


def derived_tid(key: str, at: datetime) -> str:
    """The one TID that belongs to ``key``: of the second ``at``, with everything below it from the key.

    30 bits of the key's hash tell two posts of one second apart. The same key and time give the same TID
    in every process, so a second try to post lands on the record of the first.
    """
    found = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    second = (at.astimezone(UTC) - _EPOCH) // timedelta(seconds=1)
    return tid(second * _MICROSECONDS + (found >> _CLOCK_BITS) % _MICROSECONDS, found)


def tid_time(value: str) -> datetime | None:
    """When a TID says it was made, or None when it is no TID."""
    if len(value) != 13 or any(letter not in _ALPHABET for letter in value):
        return None
    number = 0
    for letter in value:
        number = number * 32 + _ALPHABET.index(letter)
    try:
        return _EPOCH + timedelta(microseconds=(number & (2**63 - 1)) >> _CLOCK_BITS)
    except OverflowError:
        return None


def split_uri(uri: str) -> tuple[str, str, str]:
    """Authority (a DID, seldom a handle), collection and record key. Raises ValueError."""
    found = _URI.fullmatch(uri)
    if found is None or len(uri) > LONGEST_URI:
        raise ValueError("not the address of a record")
    return found[1], found[2], found[3]


def uri_of(did: str, collection: str, rkey: str) -> str:
    """The address of a record."""
    return f"at://{did}/{collection}/{rkey}"


def owner(uri: str) -> str:
    """The DID (or handle) whose record it is, "" where it is no such address."""
    try:
        return split_uri(uri)[0]
    except ValueError:
        return ""


def web_address(uri: str) -> str:
    """Where people read a post: on bsky.app, "" where it is no post."""
    try:
        did, collection, rkey = split_uri(uri)
    except ValueError:
        return ""
    return f"https://bsky.app/profile/{did}/post/{rkey}" if collection == POST else ""
