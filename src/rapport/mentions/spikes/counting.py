"""Counts of what queries found, for the method: five minutes each, of whatever was not set aside."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import holidays
from django.db import connection

from rapport.lib.pg import array
from rapport.mentions.spikes.baseline import BUCKET, PER_HOUR, WEEKS, Series
from rapport.mentions.spikes.method import LATE, Setting

# The six hours that are looked at, and the eight weeks before them with the days that growth is told by.
_HISTORY = timedelta(weeks=WEEKS, days=4)
_LOOKED_AT = timedelta(hours=6) + BUCKET * LATE
_AT_ONCE = 20  # queries whose history is read in one statement

_WATCHED = """
SELECT q.id, q.brand_id, q.created_at, b.time_zone, coalesce(s.country, ''), coalesce(s.false_per_week, 0.2),
       coalesce(s.least, 5), s.muted_until
FROM mentions_query q
JOIN brands_brand b ON b.id = q.brand_id
LEFT JOIN mentions_alertsetting s ON s.brand_id = q.brand_id
WHERE q.deleted_at IS NULL AND q.state = 'active' AND coalesce(s."on", true)
  AND (%(brand)s::bigint IS NULL OR q.brand_id = %(brand)s)
  AND (%(brand)s::bigint IS NOT NULL
       OR EXISTS (SELECT FROM mentions_alert a WHERE a.query_id = q.id AND a.ended_at IS NULL)
       OR (SELECT count(*) FROM mentions_match m WHERE m.query_id = q.id AND m.sent_at >= %(since)s)
          >= coalesce(s.least, 5))
ORDER BY q.id
"""
# What is older than so is kept counted, and counted anew so often: people set mentions aside, and posts come late.
_KEPT_BEFORE, _KEPT_FOR = timedelta(hours=12), timedelta(hours=6)
# A minute of their own for each query, so that not all are counted anew in one.
_SPREAD = 60

_COUNTED = """
SELECT m.query_id, floor(extract(epoch FROM m.sent_at) / 300)::int AS bucket, count(*)::int AS n
FROM mentions_match m
CROSS JOIN LATERAL (SELECT FROM mentions_mention
                    WHERE id = m.mention_id AND state NOT IN ('spam', 'muted') OFFSET 0) n
WHERE m.query_id = q.id AND m.sent_at >= {since} AND m.sent_at {until}
GROUP BY 1, 2
"""
# Once the past was looked through for a query, what was counted before is too little.
_STALE = """
SELECT q.id FROM mentions_query q LEFT JOIN mentions_keptcounts k ON k.query_id = q.id
WHERE q.id = ANY(%(queries)s::bigint[])
  AND (k.id IS NULL OR k.kept_at > %(now)s
       OR k.kept_at < %(now)s - %(kept_for)s - make_interval(mins => (q.id %% %(spread)s)::int)
       OR k.kept_at <= (q.backfill->>'at')::timestamptz)
ORDER BY q.id
"""
_KEEP = f"""
INSERT INTO mentions_keptcounts (query_id, until, kept_at, buckets, counts)
SELECT q.id, %(until)s, %(now)s, coalesce(array_agg(c.bucket ORDER BY c.bucket) FILTER (WHERE c.n > 0), '{{}}'),
       coalesce(array_agg(c.n ORDER BY c.bucket) FILTER (WHERE c.n > 0), '{{}}')
FROM unnest(%(queries)s::bigint[]) AS q(id)
LEFT JOIN LATERAL ({_COUNTED.format(since="%(from)s", until="< %(until)s")}) c ON true
GROUP BY q.id
ON CONFLICT (query_id) DO UPDATE SET until = excluded.until, kept_at = excluded.kept_at,
    buckets = excluded.buckets, counts = excluded.counts
"""  # noqa: S608 - constants of this module
_COUNTS = f"""
SELECT q.query_id, u.bucket, u.n
FROM mentions_keptcounts q CROSS JOIN LATERAL unnest(q.buckets, q.counts) AS u(bucket, n)
WHERE q.query_id = ANY(%(queries)s::bigint[])
UNION ALL
SELECT c.query_id, c.bucket, c.n
FROM mentions_keptcounts q
CROSS JOIN LATERAL ({_COUNTED.replace("q.id", "q.query_id").format(since="q.until", until="<= %(now)s")}) c
WHERE q.query_id = ANY(%(queries)s::bigint[])
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True)
class Watched:
    """A query whose counts are looked at, and by what setting."""

    query_id: int
    brand_id: int
    created_at: datetime
    zone: str
    country: str
    setting: Setting
    muted_until: datetime | None


def watched(*, now: datetime, brand_id: int | None = None) -> list[Watched]:
    """Queries that listen and found enough of late to be a spike, or have an open alert; all of one brand."""
    with connection.cursor() as cursor:
        cursor.execute(_WATCHED, {"brand": brand_id, "since": now - _LOOKED_AT})
        return [
            Watched(query, brand, created, zone, country, Setting(rate, least), muted)
            for query, brand, created, zone, country, rate, least, muted in cursor.fetchall()
        ]


def series_of(queries: Sequence[Watched], *, now: datetime) -> Iterator[tuple[Watched, Series]]:
    """Each with its counts up to ``now``, the five minutes that are not over included."""
    for at in range(0, len(queries), _AT_ONCE):
        yield from _some(queries[at : at + _AT_ONCE], now)


def bucket_of(moment: datetime) -> datetime:
    """The beginning of the five minutes that ``moment`` is in."""
    return datetime.fromtimestamp(moment.timestamp() // 300 * 300, UTC)


def _some(queries: Sequence[Watched], now: datetime) -> Iterator[tuple[Watched, Series]]:
    start = bucket_of(now - _HISTORY)
    length = (bucket_of(now) - start) // BUCKET + 1
    first_bucket = int(start.timestamp()) // 300
    ids = array(one.query_id for one in queries)
    found: dict[int, dict[int, int]] = {one.query_id: {} for one in queries}
    _keep(ids, start, now)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"queries": ids, "now": now})
        for query_id, bucket, count in cursor.fetchall():
            if bucket >= first_bucket:  # what was kept hours ago begins earlier
                found[query_id][bucket - first_bucket] = count
    for one in queries:
        counts = found[one.query_id]
        # Before it was saved, and before what the past gave it, there is nothing to say what is normal.
        first = max(0, min([(one.created_at - start) // BUCKET, *counts, length - 1]))
        yield (
            one,
            Series(
                start + BUCKET * first,
                [counts.get(n, 0) for n in range(first, length)],
                _zone(one.zone),
                holidays_of(one.country, start.year, now.year),
            ),
        )


def _keep(ids: str, start: datetime, now: datetime) -> None:
    """Count anew what was kept for too long, or never; two at once keep the same."""
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"queries": ids, "now": now, "kept_for": _KEPT_FOR, "spread": _SPREAD}
        cursor.execute(_STALE, given)
        stale = [row[0] for row in cursor.fetchall()]
        if stale:
            until = bucket_of(now - _KEPT_BEFORE)
            cursor.execute(_KEEP, {"queries": array(stale), "from": start, "until": until, "now": now})


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


@functools.lru_cache(maxsize=64)
def holidays_of(country: str, first_year: int, last_year: int) -> frozenset[date]:
    """Public holidays of a country (two letters of ISO 3166) in these years; none for one that is not known."""
    if not country or country not in countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=range(first_year, last_year + 1)))


@functools.cache
def countries() -> frozenset[str]:
    """The countries whose holidays are known, by two letters."""
    return frozenset(code for code in holidays.list_supported_countries() if len(code) == 2)


def hours_of(series: Series, start: int) -> list[tuple[str, int, float]]:
    """The hours around an event that began at bucket ``start``, for a chart: beginning, seen, expected."""
    end = len(series)
    first = max(0, start - 12 * PER_HOUR, end - 48 * PER_HOUR)
    return [
        (
            series.at(at).isoformat(),
            series.total(at, min(end, at + PER_HOUR)),
            round(series.normal(min(end, at + PER_HOUR), min(end, at + PER_HOUR) - at).mean, 1),
        )
        for at in range(end - (end - first) // PER_HOUR * PER_HOUR, end, PER_HOUR)
    ]
