"""Reading the raw events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from rapport.ingest.models import RawEvent, RawState


def parked_events(*, brand_ids: Sequence[int] | None = None) -> QuerySet[RawEvent]:
    """Events that could not be understood, newest first; of these brands, or of all."""
    events = RawEvent.objects.filter(state=RawState.PARKED).select_related("channel__brand")
    if brand_ids is not None:
        events = events.filter(channel__brand_id__in=brand_ids)
    return events.order_by("-id")


@dataclass(frozen=True)
class Backlog:
    """What waits to be processed. ``oldest``: arrival of the longest-waiting event."""

    pending: int
    parked: int
    oldest: datetime | None


def backlog() -> Backlog:
    """How far processing is behind."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM ingest_rawevent WHERE state = 'pending'),
                   (SELECT count(*) FROM ingest_rawevent WHERE state = 'parked'),
                   (SELECT received_at FROM ingest_rawevent WHERE state = 'pending' ORDER BY id LIMIT 1)
            """
        )
        pending, parked, oldest = cursor.fetchone()
    return Backlog(pending, parked, oldest)


@dataclass(frozen=True)
class OnlyPolled:
    """Events that polling found on a channel whose events are pushed, and that no push brought."""

    last_day: int
    total: int


def only_polled(*, channel_ids: Sequence[int]) -> dict[int, OnlyPolled]:
    """How much would have been missed without polling, by channel; one that has none is left out.

    Counted since the first push, and five minutes late, because a push may be slower than a poll.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT channel_id, count(*) FILTER (WHERE received_at > now() - interval '24 hours'), count(*)
            FROM ingest_rawevent
            WHERE only_polled AND channel_id = ANY(%s) AND received_at < now() - interval '5 minutes'
            GROUP BY channel_id
            """,
            [list(channel_ids)],
        )
        return {row[0]: OnlyPolled(row[1], row[2]) for row in cursor.fetchall()}


def lags(*, channel_ids: Sequence[int]) -> dict[int, timedelta]:
    """How long after it was said a message reaches us: the median of the last 24 hours, by channel.

    What is a day older than its arrival, or than the channel, was fetched from the past, and is no lag.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.channel_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY m.arrived_at - m.sent_at)
            FROM inbox_message m JOIN brands_channel c ON c.id = m.channel_id
            WHERE m.arrived_at > now() - interval '24 hours' AND m.sent_at > m.arrived_at - interval '24 hours'
              AND m.sent_at > c.created_at AND NOT m.own AND m.channel_id = ANY(%s)
            GROUP BY m.channel_id
            """,
            [list(channel_ids)],
        )
        return {channel_id: max(lag, timedelta(0)) for channel_id, lag in cursor.fetchall()}
