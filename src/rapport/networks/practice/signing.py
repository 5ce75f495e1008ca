"""How a webhook delivery is signed. Both sides of the wire use this, so it imports nothing of Django."""

from __future__ import annotations

import hashlib
import hmac

TIMESTAMP_HEADER = "x-practice-timestamp"
SIGNATURE_HEADER = "x-practice-signature"
REPLAY_WINDOW_S = 300


class BadSignature(Exception):
    """The delivery was not signed with this secret, or too long ago."""


def signature(*, secret: str, timestamp: str, body: bytes) -> str:
    """``v1=`` and the hex HMAC-SHA256 of ``<timestamp>.<raw body>``."""
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={mac.hexdigest()}"


def verify(*, secret: str, timestamp: str, given: str, body: bytes, now: float) -> None:
    """Raise :class:`BadSignature` unless ``given`` is right and ``timestamp`` (Unix seconds) is recent."""
    # The signature first: an attacker learns nothing about our clock from a forged timestamp.
    expected = signature(secret=secret, timestamp=timestamp, body=body)
    if not secret or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass")):
        raise BadSignature("the signature does not match")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > REPLAY_WINDOW_S:
        raise BadSignature("the delivery is too old, or from the future")
