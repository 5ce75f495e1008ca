"""Header fields of a mail, decoded within bounds.

The mail is read with the ``compat32`` policy and the few fields we want are decoded here: the structured
header parser of ``email.policy.default`` took 16 s for one field of 60 kB and overruns the stack on nested
comments, and both can be sent by anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice
from typing import TypeAlias

from rapport.networks.email.addresses import is_address, normal

_MAX_VALUE = 8_000
_MAX_FIELDS = 1_000
_MAX_ADDRESSES = 100
_MAX_REFERENCES = 100
_ID = re.compile(r"<([^<>\s]{1,998})>")
_BARE_ID = re.compile(r"[^<>\s@]{1,400}@[^<>\s@]{1,400}")
_ENCODED = re.compile(r"=\?[\w.*-]{1,60}\?[bqBQ]\?[^?]*\?=")
# How far a sender's clock may be from our own server's before we rather believe the server.
_SENDER_AHEAD = timedelta(minutes=10)
_SENDER_BEHIND = timedelta(hours=48)

# With surrogates where a field holds bytes outside ASCII.
Mail: TypeAlias = "Message[str, str]"


def raw(mail: Mail, name: str) -> str:
    """The first field of that name as it stands, unfolded, without control characters; "" if absent."""
    return next(every(mail, name), "")


def every(mail: Mail, name: str) -> Iterator[str]:
    """All fields of that name, from the top."""
    wanted = name.lower()
    for key, value in islice(mail.raw_items(), _MAX_FIELDS):
        if key.lower() == wanted:
            yield _readable(str(value)[:_MAX_VALUE])


def _readable(value: str) -> str:
    # RFC 6532 allows UTF-8 as it is; older senders put their own charset there.
    data = value.encode("utf-8", "surrogateescape")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def decoded(value: str) -> str:
    """Encoded words (RFC 2047) made text. What cannot be decoded stays as it is."""
    if "=?" not in value:
        return value
    # Words that stand side by side are one text, cut perhaps within a character.
    try:
        parts = decode_header(value)
        text = "".join(_word(part, charset) for part, charset in parts)
    except (ValueError, LookupError, TypeError, MessageError):
        text = _ENCODED.sub("?", value)
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _word(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    try:
        return part.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return part.decode("utf-8", "replace")


def text(mail: Mail, name: str) -> str:
    """A field for people, decoded."""
    return decoded(raw(mail, name))


def addresses(mail: Mail, *names: str) -> list[tuple[str, str]]:
    """``(name, address)`` of everybody in these fields; what is no address is left out."""
    found: list[tuple[str, str]] = []
    for name in names:
        for value in every(mail, name):
            found += _pairs(value)
            if len(found) >= _MAX_ADDRESSES:
                return found[:_MAX_ADDRESSES]
    return found


def _pairs(value: str) -> list[tuple[str, str]]:
    try:
        pairs = getaddresses([value])
    except (RecursionError, ValueError, IndexError, TypeError, MessageError):
        return []
    # Names are decoded after the addresses were told apart, so a comma or an address inside an encoded
    # name is a part of the name.
    return [
        (decoded(name)[:200], normal(address))
        for name, address in pairs[:_MAX_ADDRESSES]
        if is_address(normal(address))
    ]


def message_ids(value: str) -> list[str]:
    """Message-IDs in a field's value, without angle brackets; a bare one is taken where nothing else is."""
    found = _ID.findall(value)
    if not found and (bare := _BARE_ID.search(value)):
        found = [bare[0]]
    return list(dict.fromkeys(found))


def message_id(mail: Mail) -> str:
    """The mail's own Message-ID, "" if it has none."""
    value = raw(mail, "Message-ID")
    return next(iter(message_ids(value)), "") or value.strip("<> ").replace(" ", "")[:998]


def parents(mail: Mail) -> list[str]:
    """What it answers, the thread's first message first and the one it answers last."""
    references = [one for value in every(mail, "References") for one in message_ids(value)]
    if len(references) > _MAX_REFERENCES:
        references = references[:1] + references[1 - _MAX_REFERENCES :]
    answered = message_ids(raw(mail, "In-Reply-To"))[:1]
    return [one for one in references if one not in answered] + answered


def date(value: str) -> datetime | None:
    """A date in a header, in UTC; None for what is none."""
    try:
        found = parsedate_to_datetime(value)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def sent_at(mail: Mail, *, arrived: datetime | None) -> datetime | None:
    """When it was sent: the sender's date, unless that cannot be true beside what our server says.

    ``arrived`` is the mailbox's own date. A mailbox that moved house gives all its mail the day of the move,
    so our server's ``Received`` line is taken where it is older.
    """
    stated = date(raw(mail, "Date"))
    received = date(raw(mail, "Received").rpartition(";")[2])
    known = [one for one in (arrived, received) if one is not None]
    if not known:
        return stated
    came = min(known)
    if stated is not None and came - _SENDER_BEHIND <= stated <= came + _SENDER_AHEAD:
        return stated
    return came
