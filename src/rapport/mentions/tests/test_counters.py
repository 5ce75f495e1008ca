"""What was heard is counted by the hour once it is old, and its sums stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Sum

from rapport.mentions import counters
from rapport.mentions.counters import fold_counters
from rapport.mentions.models import Denominator

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 4, 8, 12, 2, tzinfo=UTC)


def _row(at: datetime, heard: int, *, lang: str = "en", source: str = "source:1") -> None:
    Denominator.objects.create(source_key=source, at=at, lang=lang, heard=heard, matched=1)


def test_old_rows_become_one_of_their_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "_AT_ONCE", 7)  # so that an hour is put together in parts
    month, years = datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
    for n in range(12):
        _row(month + timedelta(minutes=5 * n), 10)
    _row(month + timedelta(minutes=5), 3, lang="de")
    _row(month + timedelta(minutes=5), 4, source="channels")
    _row(years, 5)
    _row(years + timedelta(hours=3), 6)
    fresh = NOW - timedelta(days=30, hours=1)
    _row(fresh.replace(minute=5), 7)

    assert fold_counters(now=NOW) == 15
    assert fold_counters(now=NOW) == 0
    found = Denominator.objects.values_list("source_key", "at", "lang", "heard", "matched")
    assert set(found) == {
        ("source:1", month, "en", 120, 12),
        ("source:1", month, "de", 3, 1),
        ("channels", month, "en", 4, 1),
        ("source:1", datetime(1970, 1, 1, tzinfo=UTC), "en", 11, 2),
        ("source:1", fresh.replace(minute=5), "en", 7, 1),
    }
    assert Denominator.objects.aggregate(n=Sum("heard"))["n"] == 145


def test_a_time_of_all_sources_is_found_by_its_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO mentions_denominator (source_key, at, lang, heard, matched)
            SELECT 'source:' || s, '2026-01-01'::timestamptz + n * interval '1 hour', '', 1, 0
            FROM generate_series(1, 20) s, generate_series(1, 1000) n
            """
        )
        cursor.execute("ANALYZE mentions_denominator")
        cursor.execute(
            "EXPLAIN SELECT sum(heard) FROM mentions_denominator WHERE at >= '2026-01-03' AND at < '2026-01-04'"
        )
        assert "heard_at" in "\n".join(row[0] for row in cursor.fetchall())
