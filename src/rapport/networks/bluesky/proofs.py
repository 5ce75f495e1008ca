"""Signed statements for OAuth: proofs of possession (DPoP, RFC 9449) and who the client is (RFC 7523).

Keys are P-256, signatures ES256, as https://atproto.com/specs/oauth demands.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

Key = ec.EllipticCurvePrivateKey

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def new_key() -> Key:
    """A key for one login. It is kept with the credentials."""
    return ec.generate_private_key(ec.SECP256R1())


def saved(key: Key) -> str:
    """A key as text, for keeping encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def loaded(text: str) -> Key:
    """A key from :func:`saved`. Raises ValueError."""
    key = serialization.load_pem_private_key(text.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("another kind of key")
    return key


def client_keys() -> dict[str, Key]:
    """The keys that say who this Rapport is, by their id, the newest first: one for each encryption key.

    They follow from the encryption keys, so that there is nothing more to keep; while an old encryption
    key is configured, logins made under it go on.
    """
    keys = [_derived(one) for one in settings.RAPPORT_ENCRYPTION_KEYS]
    return {public_jwk(one)["kid"]: one for one in keys}


def public_jwk(key: Key) -> dict[str, str]:
    """The public half (RFC 7517), with its thumbprint (RFC 7638) as id."""
    numbers = key.public_key().public_numbers()
    jwk = {
        "crv": "P-256",
        "kty": "EC",
        "x": _b64(numbers.x.to_bytes(32, "big")),
        "y": _b64(numbers.y.to_bytes(32, "big")),
    }
    print_ = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**jwk, "kid": _b64(print_)}


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A compact JWS (RFC 7515)."""
    parts = f"{_b64(_json({**header, 'alg': 'ES256'}))}.{_b64(_json(claims))}"
    r, s = decode_dss_signature(key.sign(parts.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{parts}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def assertion(client_id: str, issuer: str, kid: str, key: Key) -> str:
    """Who the client is, for the token endpoint."""
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, "jti": secrets.token_urlsafe(16)}
    return signed({"kid": kid}, {**claims, "iat": now, "exp": now + 60}, key)


def challenge(verifier: str) -> str:
    """The PKCE challenge (RFC 7636, S256)."""
    return _b64(hashlib.sha256(verifier.encode()).digest())


class Prover:
    """Signs each call with the login's key; learns the nonce that the server wants in it."""

    def __init__(self, key: Key, token: str = "") -> None:
        self._key = key
        self._token = token
        self._nonce = ""

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url.partition("?")[0],
            "iat": int(time.time()),
        }
        if self._nonce:
            claims["nonce"] = self._nonce
        if self._token:
            claims["ath"] = _b64(hashlib.sha256(self._token.encode()).digest())
        jwk = {name: value for name, value in public_jwk(self._key).items() if name != "kid"}
        proof = {"DPoP": signed({"typ": "dpop+jwt", "jwk": jwk}, claims, self._key)}
        return {**proof, "Authorization": f"DPoP {self._token}"} if self._token else proof

    def learn(self, response: httpx.Response) -> None:
        self._nonce = response.headers.get("DPoP-Nonce", self._nonce)[:500]


def _derived(secret: str) -> Key:
    material = HKDF(hashes.SHA256(), 48, salt=None, info=b"rapport bluesky oauth client").derive(
        secret.encode()
    )
    return ec.derive_private_key(int.from_bytes(material, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
