"""One HTTP call with an end: connectors call networks through :func:`request`.

A client's own time-outs are for each read, so a server that sends a byte now and then holds its caller
for ever, and one that sends without end fills the memory. Leases count on a call that ends.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any

import httpx

# A whole call, and the longest answer. Two calls (find, then send) end well within a lease of a reply.
DEADLINE_S = 20.0
MAX_BYTES = 20_000_000
_CONNECT_S = 5.0


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str | int] | None = None,
    content: bytes | None = None,
    deadline_s: float = DEADLINE_S,
    max_bytes: int = MAX_BYTES,
) -> httpx.Response:
    """The answer, read to its end. No redirects, no proxies from the environment.

    Raises what httpx raises: :class:`httpx.ReadTimeout` after ``deadline_s``, and
    :class:`httpx.DecodingError` for an answer of more than ``max_bytes``.
    """
    wire = _Wire()
    timer = threading.Timer(deadline_s, wire.cut)
    timer.daemon = True
    timer.start()
    try:
        with (
            httpx.Client(trust_env=False, verify=_tls(), timeout=httpx.Timeout(deadline_s, connect=_CONNECT_S))
            as client,
            client.stream(
                method, url, params=params, content=content, headers=dict(headers),
                extensions={"trace": wire.trace},
            ) as response,
        ):  # fmt: skip
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    raise httpx.DecodingError("the answer is too long", request=response.request)
            # An answer without a length ends as the connection ends, also when it was cut.
            if wire.was_cut:
                raise httpx.ReadTimeout("the answer took too long", request=response.request)
            # What is kept is decoded already.
            plain = [(k, v) for k, v in response.headers.multi_items() if k != "content-encoding"]
            return httpx.Response(
                response.status_code, headers=plain, content=bytes(body), request=response.request
            )
    except httpx.TransportError as error:
        if wire.was_cut:
            raise httpx.ReadTimeout("the answer took too long") from error
        raise
    finally:
        timer.cancel()


class _Wire:
    """The connection under a call, to be cut from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.was_cut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by httpx what happens; a connection shows itself when it is made."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
            if self.was_cut:  # it took all the time to connect
                self.cut()
        elif event.endswith("response_closed.started"):
            with self._lock:
                self._socket = None

    def cut(self) -> None:
        with self._lock:
            self.was_cut = True
            if self._socket is not None:
                # shutdown() wakes whoever reads, close() would not. Not the TLS socket's own method,
                # which forgets the session while the reader uses it.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Reading the certificate store takes longer than a call to a near network, so it is done once."""
    return httpx.create_ssl_context()
