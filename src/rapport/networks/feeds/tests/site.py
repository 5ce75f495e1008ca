"""A web site with feeds: a real HTTP server on 127.0.0.1 that does what sites with feeds do."""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What a path answers. ``body`` may be made anew for each request. ``conditional``: with ETag and
    Last-Modified, and 304 to those who have it."""

    body: bytes | Callable[[], bytes] = b""
    content_type: str = "application/atom+xml; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    conditional: bool = True
    login: str = ""


class Site:
    """Started at once; ``url`` is its address. ``asked`` has (path, headers, status) of every request."""

    def __init__(self, port: int = 0) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str], int]] = []
        self.modified: dict[str, tuple[bytes, str]] = {}
        self._lock = threading.Lock()
        self._server = self._bind(port)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start()

    def _bind(self, port: int) -> ThreadingHTTPServer:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_args: object) -> None:
                """Tests are quiet."""

        ThreadingHTTPServer.allow_reuse_address = True
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        return server

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped while inside, and then started again on the same port."""
        self.stop()
        try:
            yield
        finally:
            self._server = self._bind(self.port)
            self._start()

    def statuses(self, path: str) -> list[int]:
        with self._lock:
            return [status for asked, _headers, status in self.asked if asked == path]

    def headers_of(self, path: str) -> list[dict[str, str]]:
        with self._lock:
            return [headers for asked, headers, _status in self.asked if asked == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(handler.path)
        sent = {name.lower(): value for name, value in handler.headers.items()}
        status, headers, body = self._made(handler.path, page, sent)
        with self._lock:
            self.asked.append((handler.path, sent, status))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 304:
            handler.wfile.write(body)

    def _made(self, path: str, page: Page | None, sent: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if page is None:
            return 404, {"Content-Type": "text/html"}, b"<h1>Not found</h1>"
        if page.login:
            right = "Basic " + base64.b64encode(page.login.encode()).decode()
            if sent.get("authorization") != right:
                return 401, {"WWW-Authenticate": 'Basic realm="members"'}, b""
        body = page.body() if callable(page.body) else page.body
        headers = {"Content-Type": page.content_type, **page.headers}
        if page.status != 200 or not page.conditional:
            return page.status, headers, body
        etag = f'W/"{sha256(body).hexdigest()[:16]}"'
        modified = self._modified(path, body)
        headers |= {"ETag": etag, "Last-Modified": modified}
        # RFC 9110, 13.1.3: If-None-Match decides when both are there.
        given = sent.get("if-none-match")
        if given == etag or (given is None and sent.get("if-modified-since") == modified):
            return 304, {"ETag": etag, **page.headers}, b""
        if "gzip" in sent.get("accept-encoding", ""):
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        return 200, headers, body

    def _modified(self, path: str, body: bytes) -> str:
        with self._lock:
            known = self.modified.get(path)
            if known is None or known[0] != body:
                known = (body, format_datetime(datetime.now(UTC).replace(microsecond=0), usegmt=True))
                self.modified[path] = known
            return known[1]
