"""Counting deliveries that are genuine, but for accounts that nobody connected here.

They are thanked for and not kept: whose they are, nobody here may read. That there are many says that an app delivers
for an account that was disconnected, or never connected.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import connection

from rapport.ingest.models import StrayDelivery


def count_stray(*, network: str) -> None:
    """One more today. The caller has verified it, so that no stranger makes us count."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ingest_straydelivery (network, day, count) VALUES (%s, %s, 1)
            ON CONFLICT (network, day) DO UPDATE SET count = ingest_straydelivery.count + 1
            """,
            [network, _today()],
        )


def stray_today() -> dict[str, int]:
    """How many came today (UTC), by network; one that sent none is left out."""
    found = StrayDelivery.objects.filter(day=_today()).order_by("network")
    return dict(found.values_list("network", "count"))


def _today() -> date:
    return datetime.now(UTC).date()
