"""Lines of an HTTP answer that does not end, read in a thread of its own: a read that waits cannot be asked to stop."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx
from django.utils.translation import gettext as _

from rapport.networks.errors import NetworkError, Refused, TryAgain
from rapport.networks.http import may_call

# An answer begins within this time, or nobody is there; also so that a lease on the stream is kept.
ANSWER_S = 20.0
_CONNECT_S = 10.0
_LOOK_S = 0.25


class Lines:
    """What is read of one answer; see :func:`opened`."""

    def __init__(self, *, silent_s: float, longest: int, check: Callable[[httpx.Response], None]) -> None:
        self._silent_s, self._longest, self._check = silent_s, longest, check
        self._lines: queue.Queue[str | NetworkError | None] = queue.Queue(1000)
        self._begun = threading.Event()
        self._closed = threading.Event()
        self._socket: socket.socket | None = None

    def wait(self, stop: Callable[[], bool]) -> bool:
        """Until the answer has begun and was found good; False when ``stop()`` came first.

        Raises what ``check`` raised, and TryAgain when nothing came for :data:`ANSWER_S`.
        """
        until = time.monotonic() + ANSWER_S
        while not self._begun.wait(_LOOK_S):
            if stop():
                return False
            if time.monotonic() >= until:
                raise TryAgain(_("The network cannot be reached."))
        return not stop()

    def next(self, *, within_s: float) -> list[str] | None:
        """The lines that came meanwhile, none when there were none ``within_s``; None at the end.

        Raises what ``check`` raised, and TryAgain when the connection broke or was silent for too long.
        """
        found: list[str] = []
        try:
            one = self._lines.get(timeout=within_s)
            while isinstance(one, str):
                found.append(one)
                one = self._lines.get_nowait()
        except queue.Empty:
            return found
        if found:
            self._lines.put(one)  # the end, after what came before it
            return found
        if isinstance(one, NetworkError):
            raise one
        return None

    def start(self, url: str, headers: Mapping[str, str], params: Mapping[str, str] | None) -> None:
        threading.Thread(target=self._read, args=(url, headers, params), daemon=True, name="lines").start()

    def close(self) -> None:
        self._closed.set()
        if self._socket is not None:
            with suppress(OSError):  # shutdown() wakes the reader, close() would not
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        with suppress(queue.Empty):  # it may wait for room
            while True:
                self._lines.get_nowait()

    # In the reader's thread -----------------------------------------------------------------------
    def _read(self, url: str, headers: Mapping[str, str], params: Mapping[str, str] | None) -> None:
        try:
            self._take(url, headers, params)
            self._put(None)
        except httpx.ConnectError:
            self._put(TryAgain(_("The network cannot be reached.")))
        except (httpx.HTTPError, httpx.InvalidURL):
            self._put(TryAgain(_("The stream ended.")))
        except NetworkError as error:
            self._put(error)
        finally:
            self._begun.set()

    def _take(self, url: str, headers: Mapping[str, str], params: Mapping[str, str] | None) -> None:
        with (
            httpx.Client(
                trust_env=False, timeout=httpx.Timeout(self._silent_s, connect=_CONNECT_S)
            ) as client,
            client.stream(
                "GET", url, params=dict(params) if params else None, headers=dict(headers),
                extensions={"trace": self._trace},
            ) as response,
        ):  # fmt: skip
            self._check(response)
            self._begun.set()
            rest = ""
            for chunk in response.iter_text():
                *lines, rest = (rest + chunk).split("\n")
                for line in lines:
                    self._put(line.removesuffix("\r"))
                if len(rest) > self._longest:
                    raise TryAgain(_("The stream sent more than an event can be."))
                if self._closed.is_set():
                    return

    def _put(self, line: str | NetworkError | None) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._lines.put(line, timeout=0.5)
                return

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by httpx what happens; a connection shows itself when it is made."""
        if event == "connection.connect_tcp.complete":
            wire = info["return_value"]
            if self._closed.is_set() or not may_call(str(wire.get_extra_info("server_addr")[0])):
                wire.close()
                raise Refused(_("The streaming server's address is on a private network."))
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")


@contextmanager
def opened(
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    silent_s: float,
    longest: int,
    check: Callable[[httpx.Response], None],
) -> Iterator[Lines]:
    """The lines of an answer from now on; the connection is closed at the end, whatever the server does.

    ``silent_s``: a server that says nothing for so long is gone. ``longest``: letters of a line. ``check`` is told
    the answer before its lines are read, and raises one of the three errors when it is not the one that was
    wanted. The address is looked at before anything is sent.
    """
    lines = Lines(silent_s=silent_s, longest=longest, check=check)
    lines.start(url, headers, params)
    try:
        yield lines
    finally:
        lines.close()
