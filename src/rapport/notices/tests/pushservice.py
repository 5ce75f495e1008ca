"""A push service and a browser's half of Web Push, by the published rules: RFC 8030 (the service), 8291 and 8188
(the encryption), 8292 (who sends). Written from them, with none of the code under test."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.x509.oid import NameOID

from rapport.networks.doubles import Answer, Double, Request


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hmac(key: bytes, content: bytes) -> bytes:
    mac = HMAC(key, hashes.SHA256())
    mac.update(content)
    return mac.finalize()


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@dataclass
class Browser:
    """A subscription: keys that only this browser has."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen bytes ok"

    @property
    def p256dh(self) -> str:
        return b64(point(self.key.public_key()))

    def read(self, body: bytes) -> bytes:
        """What was pushed. Raises for anything that RFC 8291 does not allow."""
        salt, record_size, id_length = body[:16], *struct.unpack("!IB", body[16:21])
        assert id_length == 65
        theirs, sealed = body[21 : 21 + id_length], body[21 + id_length :]
        assert len(sealed) <= record_size  # one record (RFC 8291, 4)
        assert len(body) <= 4096
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        shared = self.key.exchange(ec.ECDH(), public)
        # RFC 8291, 3.4
        prk_key = _hmac(self.auth, shared)
        ikm = _hmac(prk_key, b"WebPush: info\0" + point(self.key.public_key()) + theirs + b"\x01")
        # RFC 8188, 2.2 and 2.3
        prk = _hmac(salt, ikm)
        content_key = _hmac(prk, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = _hmac(prk, b"Content-Encoding: nonce\0\x01")[:12]
        padded = AESGCM(content_key).decrypt(nonce, sealed, None)
        text, mark = padded.rstrip(b"\0")[:-1], padded.rstrip(b"\0")[-1]
        assert mark == 2  # the last record
        return text


class PushService(Double):
    """Takes pushes over TLS and keeps them by path. ``say``: the answers to give first, as status and headers."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.certificate = folder / "push.pem"
        self._make_certificate()
        self.pushes: dict[str, list[bytes]] = {}
        self.topics: list[str] = []
        self.say: list[tuple[int, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def start(self) -> None:
        super().start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        assert self._server is not None
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def answer(self, request: Request) -> Answer:
        """RFC 8030, 5, and the checks of RFC 8292, 4.2."""
        if self.say:
            status, headers = self.say.pop(0)
            return Answer(status, b"", headers)
        assert request.method == "POST"
        if not request.headers.get("ttl", "").isdigit():
            return Answer(400, b"TTL is needed")
        if request.headers.get("content-encoding") != "aes128gcm":
            return Answer(400, b"unknown encoding")
        if len(request.headers.get("topic", "")) > 32:
            return Answer(400, b"topic is too long")
        if not self._signed(request):
            return Answer(403, b"not signed")
        self.pushes.setdefault(request.path, []).append(request.body)
        self.topics.append(request.headers.get("topic", ""))
        return Answer(201, b"", {"Location": f"{self.url}/message/1"})

    def _signed(self, request: Request) -> bool:
        scheme, _space, given = request.headers.get("authorization", "").partition(" ")
        fields = dict(one.strip().split("=", 1) for one in given.split(","))
        if scheme.lower() != "vapid" or set(fields) != {"t", "k"}:
            return False
        head, body, signature = fields["t"].split(".")
        claims: dict[str, Any] = json.loads(unb64(body))
        raw = unb64(signature)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(fields["k"]))
        key.verify(
            encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
            f"{head}.{body}".encode(),
            ec.ECDSA(hashes.SHA256()),
        )
        return (
            json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
            and claims["aud"] == self.url
            and time.time() < claims["exp"] <= time.time() + 24 * 3600
            and claims["sub"].startswith(("mailto:", "https:"))
        )

    def _make_certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push service of the tests")])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
