"""Ingest: the set-based path against Django's ``bulk_create(update_conflicts=True)``, same rows, same schema."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench.place import table

START = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[str, str, str | None, datetime, str]  # id, author, parent, time, text
Store = Callable[[int, list[Row]], None]


def posts(count: int, *, offset: int, seed: int = 7) -> list[Row]:
    """``count`` posts: about 45 % replies to earlier ones, 30 % of authors seen before."""
    chance = random.Random(seed + offset)
    rows: list[Row] = []
    for number in range(offset, offset + count):
        parent = (
            f"p{chance.randint(max(0, number - 400), number - 1)}"
            if number and chance.random() < 0.45
            else None
        )
        author = f"a{chance.randint(0, number) if chance.random() < 0.3 else number}"
        text = (
            f"@brand {chance.choice(['where is my bag', 'thanks a lot', 'kasni let', 'กระเป๋าหาย'])} {number}"
        )
        rows.append((f"p{number}", author, parent, START + timedelta(seconds=number), text))
    return rows


def ours(channel_id: int, rows: list[Row]) -> None:
    """Everything: raw events stored, parsed by the practice connector's shape, threads, turns, cases."""
    from django.db import transaction

    from rapport.brands.models import Channel
    from rapport.ingest.record import lock_channel, record_events
    from rapport.networks.base import Author, MessageSeen

    channel = Channel.objects.select_related("brand").get(id=channel_id)
    with transaction.atomic():
        lock_channel(channel_id)
        record_events(
            channel=channel,
            events=[
                (
                    MessageSeen(
                        external_id=i, author=Author(external_id=a, handle=a), text=t, sent_at=at, parent_id=p
                    ),
                    at,
                )
                for i, a, p, at, t in rows
            ],
        )


def plain(channel_id: int, rows: list[Row]) -> None:
    """The same tables filled the way a Django project usually does it."""
    from django.db import transaction

    from rapport.brands.models import Channel
    from rapport.contacts.models import Contact, Identity
    from rapport.inbox.models import Case, CaseEvent, CaseThread, Message, Thread, Turn

    channel = Channel.objects.get(id=channel_id)
    common = {"brand_id": channel.brand_id, "channel_id": channel_id}
    with transaction.atomic():
        authors = {author for _, author, *_ in rows}
        known = set(
            Identity.objects.filter(network=channel.network, external_id__in=authors).values_list(
                "external_id", flat=True
            )
        )
        fresh = sorted(authors - known)
        contacts = Contact.objects.bulk_create([Contact(name=author) for author in fresh])
        Identity.objects.bulk_create(
            [
                Identity(contact=c, network=channel.network, external_id=a, handle=a, seen_at=START)
                for a, c in zip(fresh, contacts, strict=True)
            ],
            update_conflicts=True,
            unique_fields=["network", "external_id"],
            update_fields=["handle", "name", "seen_at"],
        )
        identity = {
            i.external_id: i
            for i in Identity.objects.filter(network=channel.network, external_id__in=authors)
        }
        parents = dict(
            Message.objects.filter(
                channel_id=channel_id, external_id__in=[p for _, _, p, *_ in rows if p]
            ).values_list("external_id", "thread_id")
        )
        ids = {row[0] for row in rows}
        roots = [row for row in rows if not row[2] or (row[2] not in parents and row[2] not in ids)]
        threads = dict(
            zip(
                (row[0] for row in roots),
                Thread.objects.bulk_create([Thread(**common, visibility="public") for _ in roots]),
                strict=True,
            )
        )
        of: dict[str, int] = {key: thread.pk for key, thread in threads.items()}
        for row in rows:
            of.setdefault(row[0], of.get(row[2] or "") or parents.get(row[2] or "", 0))
        Message.objects.bulk_create(
            [
                Message(
                    **common, thread_id=of[i], external_id=i, parent_external_id=p, identity=identity[a], own=False,
                    from_brand=False, visibility="public", text=t, lang="", url="", sent_at=at,
                )
                for i, a, p, at, t in rows
            ],
            update_conflicts=True,
            unique_fields=["channel", "external_id"],
            update_fields=["text", "edited_at"],
        )  # fmt: skip
        pairs = {(of[i], identity[a].contact_id): (at, t) for i, a, _, at, t in rows}
        have = set(
            CaseThread.objects.filter(thread_id__in=of.values()).values_list("thread_id", "contact_id")
        )
        new = [pair for pair in pairs if pair not in have]
        cases = Case.objects.bulk_create(
            [
                Case(
                    **common, contact_id=c, visibility="public", preview=pairs[t, c][1], opened_at=pairs[t, c][0],
                    waiting_since=pairs[t, c][0], last_message_at=pairs[t, c][0],
                )
                for t, c in new
            ]
        )  # fmt: skip
        CaseThread.objects.bulk_create(
            [
                CaseThread(case=case, thread_id=t, contact_id=c)
                for case, (t, c) in zip(cases, new, strict=True)
            ]
        )
        CaseEvent.objects.bulk_create(
            [
                CaseEvent(case=case, brand_id=channel.brand_id, kind="opened", at=case.opened_at)
                for case in cases
            ]
        )
        Turn.objects.bulk_create(
            [Turn(**common, thread_id=t.pk, number=1, asked_at=START) for t in threads.values()],
            update_conflicts=True,
            unique_fields=["thread", "number"],
            update_fields=["asked_at"],
        )


def _rates(stores: dict[str, tuple[Store, int]], batch: int, total: int) -> dict[str, float]:
    """Median messages/s of each way, batch by batch in turn, so that a noisy machine hits both alike."""
    rates: dict[str, list[float]] = {name: [] for name in stores}
    for offset in range(0, total, batch):
        rows = posts(batch, offset=offset)
        for name, (store, channel_id) in stores.items():
            start = time.perf_counter()
            store(channel_id, rows)
            rates[name].append(batch / (time.perf_counter() - start))
    # The first fifth warms caches and statistics.
    return {name: statistics.median(found[len(found) // 5 :]) for name, found in rates.items()}


def run(*, quick: bool = False) -> str:
    """Measure, and return a section of Markdown."""
    from rapport.brands.models import Brand, Channel

    brand = Brand.objects.create(slug="bench-ingest", name="Ingest")
    rows = []
    for batch, total in ((1000, 20_000), (100, 4_000), (10, 400)):
        total = total // 4 if quick else total
        stores: dict[str, tuple[Store, int]] = {}
        for name, store in (("ours", ours), ("plain", plain)):
            channel = Channel.objects.create(
                brand=brand, network=f"bench-{name}-{batch}", external_id="brand", handle="@b", state="paused"
            )
            stores[name] = (store, channel.id)
        rates = _rates(stores, batch, total)
        ratio = rates["ours"] / rates["plain"]
        rows.append([str(batch), f"{rates['ours']:,.0f}", f"{rates['plain']:,.0f}", f"**{ratio:.1f}×**"])
        print(
            f"ingest, batch {batch}: {rates['ours']:,.0f} messages/s, plain {rates['plain']:,.0f}, {ratio:.1f}x"
        )
    return (
        "## Ingest\n\n"
        "Messages per second into identities, contacts, threads, messages, turns, cases and events, one process. "
        "*Plain* fills the same tables with `bulk_create(update_conflicts=True)`, without joining threads that a "
        "late parent connects and without deciding who waits, which ours does. Medians over batches, same run.\n\n"
        + table(["batch", "ours", "plain", "ratio"], rows)
        + "\n\nLimit: one PostgreSQL backend's CPU while it updates indexes; then Python building rows.\n"
    )
