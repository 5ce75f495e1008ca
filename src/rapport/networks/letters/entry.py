"""What an agent enters, as the raw event that is stored."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rapport.networks.base import RawItem

ACCOUNT = "letters"  # the external id of the one channel of each brand
MAX_TEXT = 50_000
MAX_NAME = 200
MAX_ADDRESS = 500
MAX_PHONE = 40
MAX_FILES = 10
MAX_FILE_BYTES = 6_000_000
MAX_ALL_BYTES = 7_000_000

Way = Literal["letter", "call", "visit"]


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A picture or a PDF of the letter. ``content_type`` by its bytes."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``key``: a UUID's text from the form, so that sending it twice is one entry. ``at``: when it was
    written or said. ``thread_key`` and ``author_id``: of the conversation it goes on with."""

    key: str
    way: Way
    at: datetime
    text: str
    recorded_by: str
    name: str = ""
    phone: str = ""
    address: str = ""
    thread_key: str | None = None
    author_id: str | None = None
    scans: Sequence[Scan] = ()


def raw_item(entry: Entry) -> RawItem:
    """The raw event. Entered twice with one key, it is the same."""
    thread = entry.thread_key or f"letters:{entry.key}"
    payload: dict[str, Any] = {
        "id": entry.key,
        "thread": thread,
        "way": entry.way,
        "at": entry.at.isoformat(),
        "author": entry.author_id
        or author_id(name=entry.name, phone=entry.phone, address=entry.address, thread_key=thread),
        "name": entry.name,
        "phone": entry.phone,
        "address": entry.address,
        "text": entry.text,
        "recorded_by": entry.recorded_by,
        "files": [
            {
                "name": scan.name,
                "type": scan.content_type,
                "content": base64.b64encode(scan.content).decode("ascii"),
            }
            for scan in entry.scans
        ],
    }
    return RawItem(kind="entered", payload=payload, key=f"letters:{entry.key}")


def author_id(*, name: str, phone: str, address: str, thread_key: str) -> str:
    """Who it is: a telephone number is one person, so is a name at an address. A name alone is nobody."""
    number = re.sub(r"[^\d+]", "", phone)
    number = f"+{number[2:]}" if number.startswith("00") else number
    if len(number.lstrip("+")) >= 6:
        return f"tel:{number[:1]}{number[1:].replace('+', '')}"
    if name and address:
        folded = "\n".join(" ".join(part.casefold().split()) for part in (name, address))
        return (
            f"person:{hashlib.blake2b(folded.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
        )
    return thread_key
