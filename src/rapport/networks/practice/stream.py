"""Event streams: writing events and their deliveries, and reading them by cursor."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from rapport.networks.practice.errors import Problem
from rapport.networks.practice.models import StreamEvent, Subscription, WebhookDelivery
from rapport.networks.practice.wire import Json, moment

DELIVERIES = "practice_deliveries"  # NOTIFY channel: something waits to be delivered
_LOCK = 0x7072_6163  # "prac": one number for the advisory lock of all streams


@dataclass(frozen=True, slots=True)
class Happened:
    """One event for one company's stream. ``body`` is the payload without id, type and account."""

    account_id: int
    kind: str
    at: datetime
    body: Json


def append(events: Sequence[Happened]) -> list[StreamEvent]:
    """Write events, and a delivery for each active subscription, in the caller's transaction.

    Call it last in the transaction: it holds a lock until commit. Without the lock a lower id could
    be committed after a higher one was read, and a reader's cursor would step over it.
    """
    if not events:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('practice_streamevent', 'id')) FROM generate_series(1, %s)",
            [len(events)],
        )
        ids = sorted(row[0] for row in cursor.fetchall())
    rows = [
        StreamEvent(
            pk=pk, account_id=one.account_id, kind=one.kind, created_at=one.at, payload=_payload(pk, one)
        )
        for pk, one in zip(ids, events, strict=True)
    ]
    StreamEvent.objects.bulk_create(rows)
    _schedule(rows)
    return rows


def _payload(pk: int, one: Happened) -> Json:
    return {
        "id": f"evt-{pk}",
        "type": one.kind,
        "account_id": str(one.account_id),
        "created_at": moment(one.at),
        **one.body,
    }


def _schedule(rows: Iterable[StreamEvent]) -> None:
    by_account: dict[int, list[StreamEvent]] = {}
    for row in rows:
        by_account.setdefault(row.account_id, []).append(row)
    deliveries = [
        WebhookDelivery(subscription_id=pk, event=event)
        for pk, account_id in Subscription.objects.filter(account_id__in=by_account, active=True).values_list(
            "pk", "account_id"
        )
        for event in by_account[account_id]
    ]
    if deliveries:
        WebhookDelivery.objects.bulk_create(deliveries)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [DELIVERIES])


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a cursor, oldest first; ``cursor`` continues after them."""

    payloads: list[Any]
    cursor: str
    more: bool


def read(*, account_id: int, cursor: str, limit: int) -> Page:
    """What is new in an account's stream. Raises :class:`Problem` for a cursor that is not ours."""
    after = decode_cursor(cursor)
    rows = list(
        StreamEvent.objects.filter(account_id=account_id, pk__gt=after)
        .exclude(kind="ping")
        .order_by("pk")
        .values_list("pk", "payload")[: limit + 1]
    )
    page = rows[:limit]
    return Page(
        payloads=[payload for _, payload in page],
        cursor=encode_cursor(page[-1][0] if page else after),
        more=len(rows) > limit,
    )


def encode_cursor(after: int) -> str:
    """Opaque to clients, so that its inside may change."""
    return base64.urlsafe_b64encode(json.dumps({"after": after}).encode()).decode()


def decode_cursor(cursor: str) -> int:
    """The event id in a cursor; 0 for the empty one. Raises :class:`Problem`."""
    if not cursor:
        return 0
    try:
        after = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))["after"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Problem("bad_cursor", "That cursor was not given out by this network.") from error
    if not isinstance(after, int) or not 0 <= after < 2**63:
        raise Problem("bad_cursor", "That cursor was not given out by this network.")
    return after


def latest_cursor(account_id: int) -> str:
    """A cursor behind everything an account's stream holds now."""
    newest = (
        StreamEvent.objects.filter(account_id=account_id).order_by("-pk").values_list("pk", flat=True).first()
    )
    return encode_cursor(newest or 0)
