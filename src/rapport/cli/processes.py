"""How Rapport's long-running processes begin and end: signals, a parent that died, a socket to serve on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# The supervisor gives each child the read end of a pipe; when the supervisor dies, however it dies,
# the kernel closes the other end and the child sees the end of the file.
PARENT_PIPE = "RAPPORT_PARENT_PIPE"
# The listening socket, kept open by the supervisor so that browsers wait while the web process restarts.
WEB_SOCKET = "RAPPORT_WEB_SOCKET"

GRACE_S = 5.0


class Stopped(SystemExit):
    """Somebody asked the process to stop; exit code 0."""

    def __init__(self) -> None:
        super().__init__(0)


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` (from the main thread) on SIGINT, SIGTERM or SIGHUP while the block runs."""

    def handler(_number: int, _frame: FrameType | None) -> None:
        stop()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def raise_stopped() -> None:
    """A ``stop`` for code that can be interrupted anywhere."""
    raise Stopped


def end_with_parent() -> None:
    """If a supervisor started this process, stop when it is gone: politely, then for certain."""
    descriptor = os.environ.pop(PARENT_PIPE, None)
    if descriptor is None:
        return

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(int(descriptor), 64):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


class PortBusy(Exception):
    """Another program listens there."""


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises :class:`PortBusy`, or OSError for an address that is not ours."""
    family, _kind, _protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise PortBusy(str(error)) from error
    return sock


def inherited_socket() -> socket.socket | None:
    """The socket the supervisor listens on, when there is one."""
    descriptor = os.environ.pop(WEB_SOCKET, None)
    return socket.socket(fileno=int(descriptor)) if descriptor is not None else None
