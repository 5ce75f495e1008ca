"""How finely it is counted what was heard, and how what has become old is put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

_SLOT = timedelta(minutes=5)
# Whoever posts says when and in which language: neither may make rows without end.
_OLD = timedelta(days=30)
_OLD_SLOT = timedelta(hours=1)
_TOO_OLD = timedelta(days=400)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# A day later than they become old, so that nobody writes the rows that are put together.
_LATER = timedelta(days=1)
_AT_ONCE = 20_000

# The hour's own row, where there is one, stays and is added to.
_FOLD = """
WITH old AS (
    DELETE FROM mentions_denominator
    WHERE id IN (SELECT id FROM mentions_denominator
                 WHERE at > %(long_ago)s AND at < %(before)s
                   AND (at < %(too_old)s OR extract(epoch FROM at)::bigint %% %(slot)s <> 0)
                 LIMIT %(at_once)s)
    RETURNING source_key, at, lang, heard, matched
), folded AS (
    INSERT INTO mentions_denominator AS d (source_key, at, lang, heard, matched)
    SELECT source_key, CASE WHEN at < %(too_old)s THEN %(long_ago)s
                            ELSE to_timestamp(extract(epoch FROM at)::bigint / %(slot)s * %(slot)s) END AS slot,
           lang, sum(heard), sum(matched)
    FROM old GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (source_key, at, lang) DO UPDATE
    SET heard = d.heard + excluded.heard, matched = d.matched + excluded.matched
)
SELECT count(*) FROM old
"""


def slot_of(moment: datetime, now: datetime) -> datetime:
    """Five minutes; an hour of what is old; one slot for what is older than anybody asks."""
    if moment < now - _TOO_OLD:
        return _LONG_AGO
    length = int((_OLD_SLOT if moment < now - _OLD else _SLOT).total_seconds())
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % length, UTC)


def fold_counters(*, now: datetime | None = None) -> int:
    """Make one row of an hour's after a month, and one of all after 400 days; returns how many rows went into others.

    Sums stay what they were, but for days of time zones that are half an hour off the full hour, such as India's: of
    what is old, up to half an hour counts to the day before.
    """
    now = now or timezone.now()
    gone = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                _FOLD,
                {
                    "long_ago": _LONG_AGO,
                    "before": now - _OLD - _LATER,
                    "too_old": now - _TOO_OLD - _LATER,
                    "slot": int(_OLD_SLOT.total_seconds()),
                    "at_once": _AT_ONCE,
                },
            )
            some = int(cursor.fetchone()[0])
        gone += some
        if some < _AT_ONCE:
            return gone
