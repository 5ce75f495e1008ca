"""From raw events to threads, contacts and cases, for each network: its own fixtures over and over, with new ids.

The baseline is storing the same raw events without reading them, in the same run.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.place import table

if TYPE_CHECKING:
    from rapport.networks.base import Connector, Event
    from rapport.networks.testing import Fixture

BATCH = 500
_IDS = ("external_id", "original_id", "parent_id", "thread_key")


def _mixture(connector: type[Connector]) -> list[Fixture]:
    """The network's fixtures that can be read; what must be refused is no part of a usual day."""
    from rapport.networks.testing import fixtures

    found = []
    for one in fixtures(connector):
        try:
            connector.parse(one.kind, one.payload)
        except Exception:
            continue
        found.append(one)
    return found


def _as_new(events: list[Event], number: int) -> Iterator[Event]:
    """The same events of other messages: ids that belong together still do, authors repeat as they do in life."""
    for event in events:
        changed: dict[str, Any] = {
            name: f"{value}~{number}" for name in _IDS if (value := getattr(event, name, None)) is not None
        }
        author = getattr(event, "author", None)
        if author is not None and number % 10 < 7:
            changed["author"] = dataclasses.replace(author, external_id=f"{author.external_id}~{number}")
        yield dataclasses.replace(event, **changed)


def _rates(connector: type[Connector], mixture: list[Fixture], seconds: float) -> tuple[float, float, float]:
    """Raw events/s: stored only; read only; stored, read and recorded."""
    from django.db import transaction

    from rapport.brands.models import Brand, Channel
    from rapport.ingest.actions import store_raw
    from rapport.ingest.clean import clean
    from rapport.ingest.record import lock_channel, record_events
    from rapport.networks.base import RawItem

    brand, _new = Brand.objects.get_or_create(slug="bench-parse", defaults={"name": "Parse"})
    # Paused, and under a name of its own: no process but this one touches it.
    channel = Channel.objects.create(
        brand=brand, network=connector.network, external_id="bench", handle="@bench", state="paused"
    )
    now = datetime.now(UTC)
    spent = {"store": 0.0, "parse": 0.0, "record": 0.0}
    done, number, warm = 0, 0, True
    while sum(spent.values()) < seconds or warm:
        batch = [mixture[(number + n) % len(mixture)] for n in range(BATCH)]
        began = time.perf_counter()
        with transaction.atomic():
            store_raw(
                channel_id=channel.id,
                items=[RawItem(one.kind, one.payload, key=f"{number + n}") for n, one in enumerate(batch)],
            )
        stored = time.perf_counter()
        parsed = [
            [clean(event, received_at=now) for event in connector.parse(one.kind, one.payload)]
            for one in batch
        ]
        read = time.perf_counter()
        # Making ids new is the bench's own work and is not counted.
        events = [
            (event, now)
            for n, found in enumerate(parsed)
            for event in _as_new(found, (number + n) // len(mixture))
        ]
        renamed = time.perf_counter()
        with transaction.atomic():
            lock_channel(channel.id)
            record_events(channel=channel, events=events)
        recorded = time.perf_counter()
        number += BATCH
        if warm:  # the first batch warms caches and plans
            warm = False
            continue
        done += BATCH
        spent["store"] += stored - began
        spent["parse"] += read - stored
        spent["record"] += recorded - renamed
    return done / spent["store"], done / spent["parse"], done / sum(spent.values())


def run(*, quick: bool = False) -> str:
    """Measure, and return a section of Markdown."""
    from rapport.networks.registry import connectors

    rows = []
    for name, connector in sorted(connectors().items()):
        mixture = _mixture(connector)
        if len(mixture) < 3:
            continue
        store, parse, whole = _rates(connector, mixture, 2.0 if quick else 10.0)
        ratio = f"**{store / whole:.1f}×**"
        rows.append(
            [
                str(connector.label),
                str(len(mixture)),
                f"{store:,.0f}",
                f"{parse:,.0f}",
                f"{whole:,.0f}",
                ratio,
            ]
        )
        print(
            f"parse, {name}: stored {store:,.0f}/s, read {parse:,.0f}/s, all {whole:,.0f}/s, {store / whole:.1f}x"
        )
    return (
        "## Reading what networks send\n\n"
        f"Raw events per second, one process, batches of {BATCH}: each network's fixtures over and over, as other "
        "messages each time. *Stored* is the raw event alone, *read* is the connector's parse, *all* is both and "
        "everything that follows (contacts, threads, messages, turns, cases). *Ratio*: what reading costs beside "
        "storing alone.\n\n"
        + table(["network", "kinds in the mixture", "stored", "read", "all", "ratio"], rows)
        + "\n\nLimit: as for ingest, one PostgreSQL backend's CPU; for e-mail, Python's parsing of MIME.\n"
    )
