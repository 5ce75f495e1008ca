"""One HTTP call with an end: connectors call networks through :func:`request`.

A client's own time-outs are for each read, so a server that sends a byte now and then holds its caller
for ever, and one that sends without end fills the memory. Leases count on a call that ends.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from django.conf import settings

from rapport.networks import ending

# A whole call, and the longest answer. Two calls (find, then send) end well within a lease of a reply.
DEADLINE_S = 20.0
MAX_BYTES = 20_000_000
_CONNECT_S = 5.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PrivateAddress(Exception):
    """An address that leads into a private network, where a server must not be sent by strangers."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is on a private network")
        self.host = host


def is_public(address: str) -> bool:
    """Whether an IP address (text) is one of the public Internet."""
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        # A gateway may lead from these to the IPv4 address inside (RFC 4291, 6052, 3056).
        nat64 = ipaddress.IPv4Address(found.packed[-4:]) if found in _NAT64 else None
        found = found.ipv4_mapped or nat64 or found.sixtofour or found
    return found.is_global and not found.is_multicast


def may_call(address: str, *, private_ok: bool = False) -> bool:
    """Whether we may talk to this IP address: a public one, or any where the operator allows it
    (``RAPPORT_PRIVATE_ADDRESSES``), or where the address is our own choice."""
    return private_ok or settings.RAPPORT_PRIVATE_ADDRESSES or is_public(address)


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
    content: bytes | None = None,
    deadline_s: float = DEADLINE_S,
    max_bytes: int = MAX_BYTES,
    private_ok: bool = False,
) -> httpx.Response:
    """The answer, read to its end. No redirects, no proxies from the environment.

    The address that was really connected to is checked before anything is sent, so neither a name that
    points inside nor one that changes its mind leads there. Raises :class:`PrivateAddress`, and what httpx
    raises: :class:`httpx.ReadTimeout` after ``deadline_s``, and :class:`httpx.DecodingError` for an
    answer of more than ``max_bytes``.
    """
    wire = _Wire(private_ok=private_ok)
    with ending.endable(wire.cut):
        return _answer(wire, method, url, headers, params, content, deadline_s, max_bytes)


def _answer(
    wire: _Wire,
    method: str,
    url: str,
    headers: Mapping[str, str],
    params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None,
    content: bytes | None,
    deadline_s: float,
    max_bytes: int,
) -> httpx.Response:
    if wire.was_cut:
        raise httpx.ConnectTimeout("the process ends")
    timer = threading.Timer(deadline_s, wire.cut)
    timer.daemon = True
    timer.start()
    try:
        with (
            httpx.Client(trust_env=False, verify=_tls(), timeout=httpx.Timeout(deadline_s, connect=_CONNECT_S))
            as client,
            client.stream(
                method, url, params=_params(params), content=content, headers=dict(headers),
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


def _params(given: Mapping[str, Any] | Sequence[tuple[str, Any]] | None) -> httpx.QueryParams | None:
    """Without parameters an address keeps the ones it has."""
    if not given:
        return None
    return httpx.QueryParams(given if isinstance(given, Mapping) else list(given))


class _Wire:
    """The connection under a call, to be cut from another thread."""

    def __init__(self, *, private_ok: bool) -> None:
        self._private_ok = private_ok
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.was_cut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by httpx what happens; a connection shows itself when it is made."""
        if event == "connection.connect_tcp.complete":
            peer = str(info["return_value"].get_extra_info("server_addr")[0])
            if not may_call(peer, private_ok=self._private_ok):
                info["return_value"].close()
                raise PrivateAddress(peer)
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
