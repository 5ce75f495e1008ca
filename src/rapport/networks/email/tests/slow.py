"""A slow line to a server."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


@contextlib.contextmanager
def slow_line(port: int, *, bytes_per_s: int) -> Iterator[int]:
    """A port that leads to ``port`` of this machine; what comes from there comes slowly."""

    def carry(source: socket.socket, target: socket.socket, pause: float, piece: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(piece):
                target.sendall(data)
                time.sleep(pause * len(data))
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def join(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            up = threading.Thread(target=carry, args=(near, far, 0.0, 65536), daemon=True)
            up.start()
            carry(far, near, 1 / bytes_per_s, 8192)
            up.join()

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=join, args=(near,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
