"""A network's double: a real HTTP server on this machine that behaves by the network's published rules.

For the tests of networks, also of those in packages of their own. A subclass answers requests in
:meth:`Double.answer` and keeps what happened in its own attributes; one lock is held meanwhile, so it can be
written as if nothing else ran.
"""

from __future__ import annotations

import html
import json
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass(frozen=True)
class Request:
    """A request as it arrived. ``headers`` has lower-case names; of parameters given twice the last counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The body's JSON. Raises ValueError."""
        return json.loads(self.body)

    @cached_property
    def form(self) -> dict[str, str]:
        """Fields of a form, also those of a multipart one; its files are :attr:`files`."""
        if self.headers.get("content-type", "").startswith("multipart/form-data"):
            return {
                name: content.decode() for name, (filename, content) in self._parts.items() if not filename
            }
        return {
            name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()
        }

    @cached_property
    def files(self) -> dict[str, bytes]:
        return {name: content for name, (filename, content) in self._parts.items() if filename}

    @cached_property
    def _parts(self) -> dict[str, tuple[str, bytes]]:
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + self.body)
        found = {}
        for part in parts.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            found[str(name)] = (part.get_filename() or "", content if isinstance(content, bytes) else b"")
        return found


@dataclass(frozen=True)
class Answer:
    """``body`` is sent as JSON unless it is bytes or None. ``lines`` is sent instead, one after the other,
    until it ends; "" among them is a blank line."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lines: Iterator[str] | None = None


def login_page(redirect_uri: str, *, allowed: Mapping[str, str], refused: Mapping[str, str]) -> Answer:
    """The network's own login page, seen by somebody who is logged in there: two links back, a yes and a no.

    ``allowed`` and ``refused`` are what the browser then brings along.
    """
    links = "".join(
        f'<p><a id="{name}" href="{html.escape(f"{redirect_uri}?{urlencode(query)}")}">{name}</a></p>'
        for name, query in (("allow", allowed), ("refuse", refused))
    )
    page = f'<!doctype html><html lang="en"><title>Login</title>{links}</html>'
    return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


class Double(ABC):
    """Used as a context manager. Listens on 127.0.0.1; the port is free at first and kept over an outage."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.requests: list[Request] = []
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._lose: Callable[[Request], bool] | None = None
        self._connections: set[socket.socket] = set()

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the network does and says. Called with :attr:`lock` held."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Double:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        double = self

        class Handler(_Handler):
            network = double

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Connections in use are cut, as when a server dies."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        with self.lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()
        self._server = None

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Away while inside; back under the same address with all it had."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def answers_lost(self, which: Callable[[Request], bool]) -> Iterator[None]:
        """While inside, requests that ``which`` picks are carried out, but the connection breaks before the
        answer."""
        self._lose = which
        try:
            yield
        finally:
            self._lose = None


class _Handler(BaseHTTPRequestHandler):
    network: Double

    def log_message(self, *args: object) -> None:
        return

    def setup(self) -> None:
        super().setup()
        with self.network.lock:
            self.network._connections.add(self.connection)

    def finish(self) -> None:
        with self.network.lock:
            self.network._connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            path=parts.path,
            query={
                name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
            },
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )
        with self.network.lock:
            self.network.requests.append(request)
            answer = self.network.answer(request)
            lose = self.network._lose
        if lose is not None and lose(request):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        with suppress(OSError):
            self._say(answer)

    def _say(self, answer: Answer) -> None:
        body = answer.body
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.send_response(answer.status)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json; charset=utf-8"
        for name, value in {"Content-Type": kind, **answer.headers}.items():
            self.send_header(name, value)
        if answer.lines is None:
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        self.end_headers()
        for line in answer.lines:
            self.wfile.write(line.encode() + b"\r\n")
            self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # the base class calls them so
