"""One push to one browser: encrypted for it alone (RFC 8291), signed as ours (RFC 8292), sent (RFC 8030).

The signing key is made from the instance's secret key, so it is the same on every machine, travels with the
other secrets in a backup, and is written down nowhere else.
"""

from __future__ import annotations

import base64
import functools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import http_ece
import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from rapport.networks.client import retry_after
from rapport.networks.http import PrivateAddress, request
from rapport.notices.devices import decoded
from rapport.notices.models import Device

# A push service keeps a push so long for a device that is off.
KEEP_S = 24 * 3600
_TOKEN_S = 12 * 3600  # at most a day (RFC 8292, 2)
_DEADLINE_S = 15.0
_MAX_BYTES = 100_000
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


class Result(Enum):
    """What became of a push. ``GONE``: the browser takes no more. ``REFUSED``: asking again is of no use."""

    TAKEN = "taken"
    GONE = "gone"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True)
class Outcome:
    """``after``: how long the service asks to wait; ``reason`` for people who look why."""

    result: Result
    reason: str = ""
    after: timedelta | None = None


def public_key() -> str:
    """What a browser needs to subscribe: our key's public half."""
    return _encoded(_point(_signing_key(settings.SECRET_KEY)))


def send(*, device: Device, payload: Mapping[str, Any], topic: str, urgent: bool = False) -> Outcome:
    """Push ``payload`` (JSON of at most 3,000 bytes). A later one with the same ``topic`` takes its place."""
    body = http_ece.encrypt(
        json.dumps(payload, ensure_ascii=False).encode(),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decoded(device.p256dh),
        auth_secret=decoded(device.auth),
        version="aes128gcm",
    )
    headers = {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEEP_S),
        "Topic": topic,
        "Urgency": "high" if urgent else "normal",
        "Authorization": f"vapid t={_token(device.endpoint)}, k={public_key()}",
    }
    try:
        answer = request(
            "POST",
            device.endpoint,
            headers=headers,
            content=body,
            deadline_s=_DEADLINE_S,
            max_bytes=_MAX_BYTES,
        )
    except PrivateAddress:
        return Outcome(Result.REFUSED, "its address is on a private network")
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, ValueError):
        return Outcome(Result.REFUSED, "its address cannot be used")
    except httpx.HTTPError as error:
        return Outcome(Result.LATER, type(error).__name__)
    return _read(answer)


def _read(answer: httpx.Response) -> Outcome:
    status = answer.status_code
    if 200 <= status < 300:
        return Outcome(Result.TAKEN)
    if status in {404, 410}:
        return Outcome(Result.GONE, f"status {status}")
    if status in {408, 425, 429} or status >= 500:
        return Outcome(Result.LATER, f"status {status}", retry_after(answer))
    return Outcome(Result.REFUSED, f"status {status}")


def _token(endpoint: str) -> str:
    """A signed word that this push is from us, good for one push service (a JWT, ES256)."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + _TOKEN_S,
        "sub": _contact(),
    }
    head = _encoded(json.dumps({"typ": "JWT", "alg": "ES256"}).encode())
    signed = f"{head}.{_encoded(json.dumps(claims).encode())}"
    key = _signing_key(settings.SECRET_KEY)
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _contact() -> str:
    """Whom a push service can ask about our pushes."""
    if settings.RAPPORT_SMTP:
        return f"mailto:{settings.DEFAULT_FROM_EMAIL}"
    base = str(settings.RAPPORT_BASE_URL)
    return base if base.startswith("https://") else f"mailto:rapport@{urlsplit(base).hostname}"


@functools.cache
def _signing_key(secret: str) -> ec.EllipticCurvePrivateKey:
    drawn = HKDF(hashes.SHA256(), 48, salt=None, info=b"rapport web push key").derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(drawn, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
