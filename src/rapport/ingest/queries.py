"""Reading the raw events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
