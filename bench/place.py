"""A PostgreSQL of its own for a benchmark, thrown away afterwards; and how results are written down."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def fresh_database() -> Iterator[None]:
    """Django on an empty, migrated, embedded PostgreSQL in a temporary directory."""
    from rapport.config.postgres import EmbeddedPostgres

    data = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
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
        shutil.rmtree(data, ignore_errors=True)


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
