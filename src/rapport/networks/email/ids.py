"""Names of messages and threads: Message-IDs as they come, and ours, which are chosen before sending.

The Message-ID of a reply of ours holds the outgoing row's key, so every try of one reply has the same, and
the thread's token, so an answer that names only our reply still finds its thread.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

LONGEST = 190  # of an external id; the database keeps 200
_THREAD = "r[a-z2-7]{16}"
_OURS = re.compile(rf"([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})\.({_THREAD})\.rapport@\S+")
_TAG = re.compile(_THREAD)
_KEY = re.compile(r"mail:(r[a-z2-7]{16})")


def external_id(message_id: str) -> str:
    """The id of a message with this Message-ID (without its angle brackets)."""
    if len(message_id) <= LONGEST and message_id.isprintable():
        return message_id
    return "sha256:" + hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()


def twin_id(message_id: str, mark: str) -> str:
    """The id of a message whose Message-ID another message has; ``mark`` tells it from that one."""
    return "twin:" + hashlib.sha256(f"{mark} {message_id}".encode("utf-8", "surrogatepass")).hexdigest()


def is_name(external_id: str) -> bool:
    """Whether an external id is a Message-ID as it came."""
    return not external_id.startswith(("sha256:", "none:", "twin:"))


def without_id(parts: Iterable[str | bytes]) -> str:
    """The id of a message that came without one, from what does not change between copies of it."""
    digest = hashlib.sha256()
    for part in parts:
        piece = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(piece).to_bytes(8, "big") + piece)
    return "none:" + digest.hexdigest()


def token(root: str) -> str:
    """The thread's token, from the Message-ID of its first message. It is as hard to guess as that is."""
    digest = hashlib.blake2b(root.encode("utf-8", "surrogatepass"), digest_size=10).digest()
    return "r" + base64.b32encode(digest).decode("ascii").lower()


def thread_key(found: str) -> str:
    """The key of the thread with this token."""
    return f"mail:{found}"


def token_of_key(key: str | None) -> str | None:
    """The token in a thread key of ours."""
    match = _KEY.fullmatch(key or "")
    return match[1] if match else None


def token_of_tag(tag: str) -> str | None:
    """The token in an address's tag."""
    return tag if _TAG.fullmatch(tag) else None


def our_message_id(*, idempotency_key: str, thread: str, domain: str) -> str:
    """The Message-ID of our mail; the same for every try."""
    return f"{idempotency_key}.{thread}.rapport@{domain}"


def read_ours(message_id: str) -> tuple[str, str] | None:
    """Idempotency key and thread token in a Message-ID of ours, or None for another's."""
    match = _OURS.fullmatch(message_id) if len(message_id) < 500 else None
    return (match[1], match[2]) if match else None
