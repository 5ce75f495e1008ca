"""A PostgreSQL of its own for a benchmark, thrown away afterwards; and how results are written down."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg

if TYPE_CHECKING:
    from rapport.config.postgres import EmbeddedPostgres


# While a database is filled nobody needs what is in it after a crash.
_FILLING = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
}


@contextlib.contextmanager
def fresh_database() -> Iterator[None]:
    """Django on an empty, migrated, embedded PostgreSQL in a temporary directory."""
    data = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    try:
        with _django_on(data):
            yield
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def filled_database(messages: int, keep: Path | None) -> Iterator[None]:
    """Django on an embedded PostgreSQL with so many generated messages.

    With ``keep`` it lies in a directory there, which stays, and which a later run with the same size takes as it is.
    """
    data = (keep / str(messages)).resolve() if keep else Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    done = data / "bench-filled"
    try:
        if not done.exists():
            shutil.rmtree(data, ignore_errors=True)
            fill(data, messages)
            done.touch()
        with _django_on(data):
            yield
    finally:
        if keep is None:
            shutil.rmtree(data, ignore_errors=True)


def fill(data: Path, messages: int) -> None:
    """In a process of its own: Django is told once where its database is, and this one restarts."""
    began = time.perf_counter()
    print(f"filling a database with {messages:,} messages", flush=True)
    subprocess.run([sys.executable, "-m", "bench.place", str(data), str(messages)], check=True)
    print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)


def _filler(data: Path, messages: int) -> None:
    from rapport.config.postgres import EmbeddedPostgres

    server = EmbeddedPostgres(data)
    _configure(server, [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in _FILLING.items()])
    try:
        with _django_on(data):
            from bench.generate import generate

            free_mb = psutil.virtual_memory().available // 2**20
            generate(messages=messages, memory_mb=max(min(free_mb // 4, 1500), 64))
    finally:
        _configure(server, ["ALTER SYSTEM RESET ALL"])


def _configure(server: EmbeddedPostgres, statements: list[str]) -> None:
    with psycopg.connect(server.start(), autocommit=True) as session:
        for statement in statements:
            session.execute(statement)
    server.stop()


@contextlib.contextmanager
def _django_on(data: Path) -> Iterator[None]:
    from rapport.config.postgres import EmbeddedPostgres

    server = EmbeddedPostgres(data)
    os.environ["RAPPORT_DATA"] = str(data)
    os.environ["DATABASE_URL"] = server.start()
    os.environ["DJANGO_SETTINGS_MODULE"] = "rapport.config.settings"
    os.environ["RAPPORT_LOG_LEVEL"] = "WARNING"
    try:
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
        yield
        connections.close_all()
    finally:
        server.stop()


def timed(work: Callable[[], object], *, rounds: int, warmup: int = 1) -> list[float]:
    """Seconds of each of ``rounds`` runs, after ``warmup`` that are not counted."""
    for _ in range(warmup):
        work()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found


def quantile(values: list[float], q: float) -> float:
    """The smallest value that a share ``q`` of ``values`` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def milliseconds(values: list[float]) -> str:
    """``median / p95`` in milliseconds."""
    return f"{statistics.median(values) * 1000:.1f} / {quantile(values, 0.95) * 1000:.1f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


if __name__ == "__main__":
    _filler(Path(sys.argv[1]), int(sys.argv[2]))
