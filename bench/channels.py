"""One listener that polls a thousand channels, against the same listener with ten: CPU, memory, connections.

The network is a double inside the process that answers at once with nothing new, so what is measured is ours.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psutil

from bench.place import table

POLL_S = 15


class _Answers:
    """How many polls there were since the last look."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()


_answers = _Answers()


def _register() -> None:
    """A network of the bench's own, known to this process alone."""
    from rapport.networks import registry
    from rapport.networks.base import Budget, Capabilities, Connector, Event, Polled, Profile

    class BenchConnector(Connector):
        network = "bench"
        label = "Bench"
        capabilities = Capabilities(
            max_length=500, poll=True, budgets=(Budget(name="read", calls=3000, per=timedelta(minutes=15)),)
        )

        def check(self) -> Profile:
            return Profile(external_id="x", handle="x")

        def poll(self, cursor: Mapping[str, Any]) -> Polled:
            with _answers.lock:
                _answers.count += 1
            return Polled(items=[], cursor={"at": 1})

        @staticmethod
        def parse(kind: str, payload: Any) -> list[Event]:
            return []

    registry.connectors.cache_clear()
    known = dict(registry.connectors())
    registry.connectors = functools.cache(lambda: {**known, "bench": BenchConnector})


def _measure(count: int, seconds: float) -> dict[str, float]:
    from django.db import connection, connections

    from rapport.brands.models import Brand, Channel
    from rapport.ingest.listener import Listener

    brand, _new = Brand.objects.get_or_create(slug="bench-channels", defaults={"name": "Channels"})
    Channel.objects.filter(network="bench").delete()
    Channel.objects.bulk_create(
        Channel(
            brand=brand, network="bench", external_id=str(n), handle=f"@c{n}", polled=True, credentials={"token": "x"}
        )
        for n in range(count)
    )  # fmt: skip
    listener = Listener(concurrency=8)
    process = psutil.Process()
    thread = threading.Thread(target=listener.run)
    thread.start()
    # The first round finds every channel due at once and spreads them.
    time.sleep(POLL_S if count > 100 else 3)
    with _answers.lock:
        _answers.count = 0
    cpu, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    used = sum(process.cpu_times()[:2]) - cpu
    with _answers.lock:
        polls = _answers.count
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rapport'")
        open_connections = cursor.fetchone()[0] - 1  # ours
        cursor.execute(
            "SELECT coalesce(max(extract(epoch FROM now() - next_poll_at)), 0) FROM brands_channel "
            "WHERE network = 'bench'"
        )
        late = float(cursor.fetchone()[0])
    memory = process.memory_info().rss
    listener.stop()
    thread.join(30)
    connections.close_all()
    return {
        "polls": polls / took,
        "cpu": used / took,
        "cpu_ms": 1000 * used / polls if polls else 0.0,
        "memory": memory / 1e6,
        "connections": open_connections,
        "late": max(late, 0.0),
    }


def run(*, quick: bool = False) -> str:
    """Measure, and return a section of Markdown."""
    from django.conf import settings

    settings.RAPPORT_POLL_SECONDS = POLL_S
    _register()
    seconds = 20.0 if quick else 60.0
    found = {count: _measure(count, seconds) for count in (10, 1000)}
    rows = []
    for title, key, shape in (
        ("polls/s", "polls", "{:.1f}"),
        ("CPU of the listener, cores", "cpu", "{:.2f}"),
        ("CPU for a poll, ms", "cpu_ms", "{:.1f}"),
        ("memory, MB", "memory", "{:.0f}"),
        ("database connections", "connections", "{:.0f}"),
        ("latest poll, s late", "late", "{:.1f}"),
    ):
        ten, thousand = found[10][key], found[1000][key]
        ratio = f"**{thousand / ten:.1f}×**" if ten else "–"
        rows.append([title, shape.format(ten), shape.format(thousand), ratio])
        print(f"channels, {title}: {shape.format(ten)} with 10, {shape.format(thousand)} with 1,000")
    return (
        "## Channels\n\n"
        f"One listener process with 8 threads, every channel polled every {POLL_S} s, {seconds:.0f} s measured. The "
        "network is a double in the same process that answers at once with nothing new, and states a budget.\n\n"
        + table(["", "10 channels", "1,000 channels", "ratio"], rows)
        + "\n\nLimit: Python's CPU in the listener. A poll is five short statements; a real network's answer adds its "
        "own time to a thread, so with slow networks raise `RAPPORT_LISTEN_CONCURRENCY`, or start another listener.\n"
    )
