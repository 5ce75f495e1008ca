"""A real ``rapport up`` on a directory of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from rapport.config.postgres import EmbeddedPostgres

PROCESSES = ("web", "worker", "listen")
START_S = 120.0


class Instance:
    """Rapport's process tree on ``data``, and ways to look at it and hurt it."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        for name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE"):
            kept.pop(name, None)
        self.environment = {
            **kept,
            "RAPPORT_DATA": str(data),
            "RAPPORT_PORT": str(self.port),
            "RAPPORT_LOG_LEVEL": "WARNING",
            "RAPPORT_WEB_PROCESSES": "1",
            **settings,
        }
        self.postgres = EmbeddedPostgres(data)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data.with_suffix(".log")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> float:
        """Run ``rapport up`` until its page answers; returns the seconds that took."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rapport.cli", "up", *arguments],
                env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                cwd=self.data.parent, start_new_session=True,
            )  # fmt: skip
        while not self.answers():
            assert self.process.poll() is None, f"rapport up ended:\n{self.tail()}"
            assert time.monotonic() - began < START_S, f"no page after {START_S} s:\n{self.tail()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def answers(self) -> bool:
        """Whether the login page is served, database and all."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.base_url}/login/", timeout=2, trust_env=False).status_code == 200
        return False

    def tail(self) -> str:
        """The end of what the processes said."""
        return self.log.read_text(errors="replace")[-4000:]

    def pid_of(self, name: str) -> int | None:
        """Process id of ``web``, ``worker``, ``listen`` or ``postgres``, when it runs."""
        if name == "postgres":
            return self.postgres.pid()
        assert self.process is not None
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children():
                with contextlib.suppress(psutil.Error):
                    if child.cmdline()[-1:] == [name]:
                        return child.pid
        return None

    def kill(self, name: str) -> bool:
        """``kill -9`` one of them; False when it does not run at this moment."""
        pid = self.pid_of(name)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def stop(self) -> float:
        """Ctrl-C, and wait; returns the seconds that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - began

    def leftovers(self) -> list[str]:
        """Command lines of processes that still work for this directory."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = process.environ().get("RAPPORT_DATA") == str(self.data)
                if ours or str(self.data) in " ".join(process.cmdline()):
                    found.append(" ".join(process.cmdline()))
        return found

    def destroy(self) -> None:
        """End everything, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        self.postgres.stop()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(data: Path, **settings: str) -> Iterator[Instance]:
    """An instance that runs, and is gone afterwards."""
    instance = Instance(data, **settings)
    try:
        instance.start()
        yield instance
    finally:
        instance.destroy()
