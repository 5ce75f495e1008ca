"""A real NATS server with JetStream on 127.0.0.1, in a directory of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import pytest

_PLACES = ("/usr/sbin", "/usr/local/bin")
START_S = 20.0


def program() -> str | None:
    """Where the server is; Debian's is not on every path."""
    return shutil.which("nats-server", path=os.pathsep.join([os.environ.get("PATH", ""), *_PLACES]))


def needed() -> str:
    """The program; without it the test skips and says so, but for CI, which installs it."""
    found = program()
    if found is None:
        reason = "nats-server is not installed (Debian: apt-get install nats-server)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class NatsServer:
    """Runs while the block does; :meth:`stop` and :meth:`start` in between are an outage."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"nats://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NatsServer:
        self._folder = tempfile.mkdtemp(prefix="rapport-nats-")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:  # fmt: skip
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        with (Path(self._folder) / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._executable, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self._folder],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        until = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < until, "nats-server does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
