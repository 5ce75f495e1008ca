"""One process tree: PostgreSQL, and Rapport's processes, started, watched and stopped together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from rapport.cli.processes import PARENT_PIPE, WEB_SOCKET
from rapport.config.postgres import DatabaseUnavailable, EmbeddedPostgres

log = logging.getLogger("rapport.up")

LOOK_S = 0.1
# Web needs up to three seconds for its open streams.
STOP_S = 8.0
# Pauses before a child that died is started again; one that lived this long starts from the first.
PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
LIVED_S = 5.0
# At most so long do the others wait for the page to answer first: on a small machine they would share
# the processor with it just when somebody waits.
HEAD_START_S = 5.0


@dataclass
class Child:
    """One process that is to run: its command line after ``rapport``, and how it fared. ``serves``: it answers
    on the socket that the supervisor holds."""

    name: str
    arguments: Sequence[str]
    serves: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    start_at: float = 0.0


class Supervisor:
    """Keeps PostgreSQL (if it is ours) and the children alive until told to stop.

    Children are in sessions of their own, so that Ctrl-C reaches only this process and the order of
    stopping is ours. Each holds the read end of a pipe whose other end dies with this process.
    """

    def __init__(
        self, *, children: Sequence[Child], postgres: EmbeddedPostgres | None, sock: socket.socket
    ) -> None:
        self._children = children
        self._postgres = postgres
        self._sock = sock
        self._environment: dict[str, str] = {}
        self._alive_read, self._alive_write = os.pipe()
        self._guard: subprocess.Popen[bytes] | None = None
        self._postgres_pause = 0.0
        self._stop = threading.Event()
        self._force = False
        self.page_answers = threading.Event()

    def ask_to_stop(self) -> None:
        """Stop in order; asked a second time, at once."""
        if self._stop.is_set() and not self._force:
            self._force = True
            click.echo("\nStopping at once.", err=True)
            return
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    def start_database(self, external: str | None) -> str:
        """Start PostgreSQL if it is ours, and return its address, which the children get too."""
        url = external
        if url is None:
            if self._postgres is None:
                raise ValueError("no address and no embedded PostgreSQL")
            url = self._postgres.start()
            self._guard_postgres()
        self._environment = {**os.environ, "DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}
        return url

    def run_once(self, *arguments: str) -> tuple[int, str]:
        """Run a ``rapport`` command to its end; returns its exit code and what it printed. Asked to stop,
        it ends the command."""
        process = self._spawn(arguments, {}, (), stdout=subprocess.PIPE)
        with process:
            while True:
                try:
                    output, _errors = process.communicate(timeout=LOOK_S)
                    return process.returncode, output.decode(errors="replace")
                except subprocess.TimeoutExpired:
                    if self._stop.is_set():
                        process.terminate()
                        with contextlib.suppress(subprocess.TimeoutExpired):
                            process.wait(STOP_S)
                        process.kill()

    def supervise(self) -> None:
        """Start the children and keep everything running until asked to stop."""
        head_start = time.monotonic() + HEAD_START_S
        while not self._stop.is_set():
            self._look_after_postgres()
            for child in self._children:
                if child.serves or self.page_answers.is_set() or time.monotonic() > head_start:
                    self._look_after(child)
            self._stop.wait(LOOK_S)

    def stop_all(self) -> None:
        """Stop the children, then PostgreSQL; kill what does not end in time. Leaves nothing behind."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_S
        while any(process.poll() is None for process in running):
            if self._force or time.monotonic() > deadline:
                for process in running:
                    process.kill()
                break
            time.sleep(0.02)
        for process in running:
            process.wait()
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
        if self._postgres is not None:
            self._postgres.stop()
        os.close(self._alive_write)
        os.close(self._alive_read)
        self._sock.close()

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            child.process = None
            child.deaths = 1 if now - child.started > LIVED_S else child.deaths + 1
            pause = PAUSES_S[min(child.deaths, len(PAUSES_S)) - 1]
            child.start_at = now + pause
            log.warning("%s ended (%s); starting it again%s", child.name, _ending(code), _in(pause))
        if now >= child.start_at:
            child.started = now
            extra = {WEB_SOCKET: str(self._sock.fileno())} if child.serves else {}
            passed = (self._sock.fileno(),) if child.serves else ()
            child.process = self._spawn(child.arguments, extra, passed)

    def _look_after_postgres(self) -> None:
        if self._postgres is None or self._postgres.pid() is not None:
            return
        log.warning("PostgreSQL ended; starting it again")
        try:
            self._postgres.start()
            self._guard_postgres()
        except DatabaseUnavailable as error:
            # Everything else waits for it, so there is nothing better to do than to go on trying.
            log.error("%s", error)
            self._stop.wait(2.0)

    def _guard_postgres(self) -> None:
        """A tiny process that stops PostgreSQL when this one dies without a chance to do so: PostgreSQL
        is no child of ours and cannot watch a pipe."""
        if self._postgres is None:
            return
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
        self._guard = subprocess.Popen(  # noqa: S603 - a fixed command and a number
            ["/bin/sh", "-c", 'read -r _; kill -INT "$1"', "rapport-guard", str(self._postgres.pid())],
            stdin=self._alive_read,
            start_new_session=True,
        )

    def _spawn(
        self,
        arguments: Sequence[str],
        extra: Mapping[str, str],
        passed: Sequence[int],
        stdout: int | None = None,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "rapport.cli", *arguments],
            env={**self._environment, PARENT_PIPE: str(self._alive_read), **extra},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            pass_fds=(self._alive_read, *passed),
            start_new_session=True,
        )


def _ending(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _in(pause: float) -> str:
    return f" in {pause:g} s" if pause else ""
