"""What somebody sent with the form, as the raw event that is stored."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rapport.networks.base import RawItem
from rapport.networks.webform.tokens import thread_url

MAX_NAME = 200
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3 less the angle brackets
MAX_SUBJECT = 200
MAX_MESSAGE = 20_000
MAX_FILES = 3
MAX_FILE_BYTES = 4_000_000
MAX_ALL_BYTES = 6_000_000

# Letters and digits that nobody confuses when they read them out.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class File:
    """A file somebody attached. ``content_type`` by its bytes."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """``nonce``: of the form that was sent, so that sending it twice is one message. ``thread_key``: the
    conversation it goes on with, None for a new one. ``lang``: the browser's. ``consent``: the words
    that were agreed to."""

    nonce: str
    at: datetime
    message: str
    name: str = ""
    email: str = ""
    subject: str = ""
    lang: str = ""
    consent: str = ""
    thread_key: str | None = None
    author_id: str | None = None
    files: Sequence[File] = ()

    def digest(self) -> str:
        """Another one whenever something else is sent: somebody may go back, write more, and send again."""
        hasher = hashlib.blake2b(digest_size=20)
        for part in (self.nonce, self.name, self.email, self.subject, self.message, self.thread_key or ""):
            hasher.update(part.encode("utf-8", "surrogatepass") + b"\0")
        for file in self.files:
            hasher.update(hashlib.sha256(file.content).digest())
        return hasher.hexdigest()

    @property
    def key(self) -> str:
        """The conversation's key: ``form:`` and its reference number."""
        return self.thread_key or f"form:{reference(self.digest())}"


def reference(digest: str) -> str:
    """The number people are given, such as ``7KMQ-2XB9-TDW4``: 31 to the twelfth are enough to be unique."""
    number = int(digest, 16)
    found = ""
    for _place in range(12):
        number, rest = divmod(number, len(_ALPHABET))
        found += _ALPHABET[rest]
    return "-".join(found[at : at + 4] for at in range(0, 12, 4))


def raw_item(given: Submission) -> RawItem:
    """The raw event. Sent twice, it is the same."""
    key = given.key
    digest = given.digest()
    payload: dict[str, Any] = {
        "id": f"{key.removeprefix('form:')}/{digest[:12]}",
        "thread": key,
        "at": given.at.isoformat(),
        # An address that anybody can type makes nobody the person who wrote with it before.
        "author": given.author_id or key,
        "name": given.name,
        "email": given.email,
        "subject": given.subject,
        "message": given.message,
        "lang": given.lang,
        "consent": given.consent,
        "link": thread_url(key),
        "files": [
            {
                "name": file.name,
                "type": file.content_type,
                "content": base64.b64encode(file.content).decode("ascii"),
            }
            for file in given.files
        ],
    }
    return RawItem(
        kind="submitted" if given.thread_key is None else "added", payload=payload, key=f"form:{digest}"
    )
