"""``rapport listen`` ends soon after it is asked to, whatever the networks do meanwhile."""

from __future__ import annotations

import base64
import hashlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest

from rapport.cli.tests.conftest import Instance

SOON_S = 6.0
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class SilentServer:
    """Opens what is asked for, and then says nothing more: streams by WebSocket or server-sent events, and calls
    that are never answered."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in [self._listening, *self._open]:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                found = self._listening.accept()[0]
                self._open.append(found)
                threading.Thread(target=self._answer, args=(found,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            path = head.split(b" ", 2)[1].decode()
            headers = dict(
                line.decode().lower().split(": ", 1)
                if b"key" not in line.lower()
                else ("key", line.decode().split(": ", 1)[1])
                for line in head.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
            )
            kind, said = self._said(path, headers)
            connection.sendall(said)
            self.opened[kind] += 1

    @staticmethod
    def _said(path: str, headers: dict[str, str]) -> tuple[str, bytes]:
        if "streaming" not in path and "subscribe" not in path and "search/stream" not in path:
            return "call", b""
        if "upgrade" not in headers:
            body = b'{"data": []}'
            if path.endswith("rules") and "content-length" not in headers:
                return "rules", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            if path.endswith("rules"):
                return "rules", b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
            return "events", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        if path.startswith("/events"):
            return "refused", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        proof = base64.b64encode(hashlib.sha1((headers["key"].strip() + _MAGIC).encode()).digest())
        return "websocket", (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    found = SilentServer()
    yield found
    found.close()


_CHANNELS = """
from rapport.brands.models import Brand, Channel
brand = Brand.objects.create(name="Aero", slug="aero")
at = "http://127.0.0.1:{port}"
def make(network, credentials, **settings):
    Channel.objects.create(
        brand=brand, network=network, external_id=str(Channel.objects.count()), handle="aero",
        credentials=credentials, settings=settings, streamed=True, polled=True,
    )
make("mastodon", {{"token": "t", "access_token": "t"}}, server=at, streaming=at.replace("http", "ws"))
make("mastodon", {{"token": "t", "access_token": "t"}}, server=at, streaming=at.replace("http", "ws") + "/events")
make("x", {{"access_token": "t", "bearer_token": "t"}}, api_url=at)
"""


def test_open_streams_and_calls_that_say_nothing_do_not_hold_up_its_end(
    instance: Instance, silent: SilentServer
) -> None:
    instance.environment["RAPPORT_PRIVATE_ADDRESSES"] = "true"
    instance.python(_CHANNELS.format(port=silent.port))
    with subprocess.Popen(
        [sys.executable, "-m", "rapport.cli", "listen"], env=instance.env(), cwd=instance.data,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            until = time.monotonic() + 60
            wanted = {"websocket": 1, "events": 2, "call": 3}
            while any(silent.opened[kind] < count for kind, count in wanted.items()):
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < until, silent.opened
                time.sleep(0.05)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            _out, errors = process.communicate(timeout=60)
            took = time.monotonic() - began
        finally:
            process.kill()
    assert took < SOON_S, errors
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    # Another listener goes on at once, and nobody was to blame.
    held = instance.rows(
        "SELECT id FROM brands_channel WHERE stream_lease_until IS NOT NULL OR poll_lease_until IS NOT NULL "
        "OR failures > 0 OR last_error <> ''"
    )
    assert held == []
