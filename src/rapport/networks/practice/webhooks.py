"""Delivering events to subscribers: at least once, signed, retried, and unruly when chaos says so."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from rapport.networks.practice.accounts import chaos_now
from rapport.networks.practice.models import Chaos, Subscription, WebhookDelivery
from rapport.networks.practice.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from rapport.networks.practice.stream import DELIVERIES

log = logging.getLogger(__name__)

BATCH = 200  # deliveries claimed at once
PER_REQUEST = 50  # events in one request
LEASE = timedelta(seconds=30)  # how long a sender that died delays what it held
TIMEOUT_S = 10.0
MAX_ATTEMPTS = 12  # with the backoff below: about two hours; the event stream still has what is given up
KEEP_DONE = timedelta(hours=6)
_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery leased to this sender."""

    id: int
    subscription_id: int
    url: str
    secret: str
    payload: Any
    attempts: int


def deliver_due(*, client: httpx.Client) -> int:
    """Claim what is due, send it, record the outcome; returns how many deliveries were tried.

    Three steps, no transaction open while the subscriber works: a sender that dies after sending
    leaves a lease that runs out, and the events are delivered again.
    """
    chaos = chaos_now()
    if chaos.outage:
        return 0
    claimed = _claim()
    for group in _requests(claimed, chaos):
        error = _post(client, group)
        _record(group, error)
    return len(claimed)


def _claim() -> list[Claimed]:
    now = timezone.now()
    with transaction.atomic():
        rows = list(
            WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=WebhookDelivery.State.PENDING, not_before__lte=now)
            .select_related("event")
            .order_by("not_before", "pk")[:BATCH]
        )
        WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(not_before=now + LEASE)
    to = Subscription.objects.in_bulk({row.subscription_id for row in rows})
    return [
        Claimed(
            id=row.pk,
            subscription_id=row.subscription_id,
            url=to[row.subscription_id].url,
            secret=str(to[row.subscription_id].secret),
            payload=row.event.payload,
            attempts=row.attempts + 1,
        )
        for row in rows
        if row.subscription_id in to
    ]


def _requests(claimed: Iterable[Claimed], chaos: Chaos) -> list[list[Claimed]]:
    """One list per request, by subscription and in order; chaos adds repeats and swaps neighbours away."""
    by_subscription: dict[int, list[Claimed]] = {}
    for one in sorted(claimed, key=lambda one: one.id):
        by_subscription.setdefault(one.subscription_id, []).append(one)
    requests = []
    for group in by_subscription.values():
        unruly = list(group)
        for one in group:
            if _random.random() < chaos.reorder_rate:
                unruly.remove(one)
                unruly.insert(_random.randrange(len(unruly) + 1), one)
        repeats = [one for one in group if _random.random() < chaos.duplicate_rate]
        requests += [unruly[i : i + PER_REQUEST] for i in range(0, len(unruly), PER_REQUEST)]
        requests += [repeats[i : i + PER_REQUEST] for i in range(0, len(repeats), PER_REQUEST)]
    return requests


def _post(client: httpx.Client, group: list[Claimed]) -> str:
    """Send one request; "" when the subscriber took it, else what went wrong."""
    body = json.dumps({"events": [one.payload for one in group]}, ensure_ascii=False).encode()
    timestamp = str(int(time.time()))
    try:
        response = client.post(
            group[0].url,
            content=body,
            headers={
                "Content-Type": "application/json",
                TIMESTAMP_HEADER: timestamp,
                SIGNATURE_HEADER: signature(secret=group[0].secret, timestamp=timestamp, body=body),
            },
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return "" if response.status_code < 300 else f"status {response.status_code}"


def backoff(attempts: int) -> timedelta:
    """1, 2, 4, … seconds, at most 30 minutes."""
    return timedelta(seconds=min(2 ** max(0, attempts - 1), 1800))


def _record(group: list[Claimed], error: str) -> None:
    now = timezone.now()
    rows = WebhookDelivery.objects.filter(
        pk__in=[one.id for one in group], state=WebhookDelivery.State.PENDING
    )
    if not error:
        rows.update(state=WebhookDelivery.State.DELIVERED, done_at=now, last_error="")
        return
    by_attempts: dict[int, list[int]] = {}
    for one in group:
        by_attempts.setdefault(one.attempts, []).append(one.id)
    for attempts, ids in by_attempts.items():  # a handful: one statement per number of tries
        gone = attempts >= MAX_ATTEMPTS
        rows.filter(pk__in=ids).update(
            attempts=attempts,
            last_error=error[:200],
            not_before=now + backoff(attempts),
            state=WebhookDelivery.State.ABANDONED if gone else WebhookDelivery.State.PENDING,
            done_at=now if gone else None,
        )


def prune() -> int:
    """Forget deliveries that were done some hours ago; the events themselves stay in the stream."""
    rows, _by_model = (
        WebhookDelivery.objects.exclude(state=WebhookDelivery.State.PENDING)
        .filter(done_at__lt=timezone.now() - KEEP_DONE)
        .delete()
    )
    return rows


def webhook_client() -> httpx.Client:
    """A client for :func:`deliver_due`: keeps connections, ignores proxies, gives up after ten seconds."""
    return httpx.Client(timeout=TIMEOUT_S, trust_env=False)


def deliver_webhooks(*, stop: Callable[[], bool], idle_s: float = 0.25) -> None:
    """Deliver until ``stop()``. Wakes at once for new events, and every ``idle_s`` for retries.

    A database that goes away is waited for: the network must outlive a restart of PostgreSQL.
    """
    pruned = time.monotonic()
    with webhook_client() as client:
        while not stop():
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {DELIVERIES}")
                while not stop():
                    if deliver_due(client=client) < BATCH:
                        _wait(idle_s)
                    if time.monotonic() - pruned > 600:
                        pruned = time.monotonic()
                        prune()
            except (psycopg.OperationalError, OperationalError, InterfaceError) as error:
                log.warning("the practice network waits for its database: %s", str(error).strip())
                connection.close()
                time.sleep(1.0)
    connection.close()


def _wait(seconds: float) -> None:
    """Until the next NOTIFY, but at most ``seconds``."""
    connection.ensure_connection()
    for _notice in connection.connection.notifies(timeout=seconds, stop_after=1):
        return
