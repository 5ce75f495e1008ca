"""A call ends, whatever the other side does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from rapport.networks.http import request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def server(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError), listening.accept()[0] as connection:
                connection.recv(65536)
                answer(connection, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("head", "drop"),
    [(b"", b"H"), (HEAD, b"x"), (HEAD + b"\r\n", b" "), (HEAD + b"Content-Length: 999\r\n\r\n", b" ")],
    ids=["nothing", "headers", "a body without end", "a body"],
)
def test_a_server_that_drips_holds_nobody(head: bytes, drop: bytes) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        while not over.wait(0.05):
            connection.sendall(drop)

    with server(drip) as url:
        begun = time.monotonic()
        # The first would be a broken protocol at once, which is as good an end.
        with pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError)):
            request("GET", url, headers={}, deadline_s=0.5)
        assert time.monotonic() - begun < 5


def test_a_server_that_says_nothing_holds_nobody() -> None:
    with server(lambda _connection, over: over.wait(30) and None) as url, pytest.raises(httpx.ReadTimeout):
        request("GET", url, headers={}, deadline_s=0.3)


def test_an_endless_answer_is_not_kept() -> None:
    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD + b"\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 65536)

    with server(flood) as url, pytest.raises(httpx.DecodingError):
        request("GET", url, headers={}, max_bytes=1_000_000)


def test_an_answer_is_read_to_its_end() -> None:
    body = b'{"a": 1}'
    answer = HEAD + b"Retry-After: 7\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with server(lambda connection, _over: connection.sendall(answer)) as url:
        got = request("POST", url, headers={"X-Mark": "1"}, content=b"x")
    assert (got.status_code, got.json(), got.headers["retry-after"]) == (200, {"a": 1}, "7")
