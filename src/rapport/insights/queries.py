"""Response figures, read from turns and messages. Definitions: :mod:`rapport.insights.metrics`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db import connection

from rapport.insights.metrics import SIXTY_MINUTES_S, THIRTY_MINUTES_S

By = Literal["brand", "channel", "agent", "day", "hour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRow:
    """Figures of one brand, or of one channel, agent, day or hour of it.

    ``key``: the channel's or agent's id, the day (``2026-11-21``) or the beginning of the hour (with
    its offset) in the brand's time zone; ``label``: the same for people. By agent, a conversation is
    whose first response it was; the row without key holds those that nobody answered here: not yet,
    or outside Rapport. By agent ``messages_in`` is None. Seconds and shares are None without data.
    """

    brand_id: int
    brand: str
    brand_slug: str
    key: str | None
    label: str | None
    conversations: int
    messages_in: int | None
    messages_out: int
    answered: int
    response_rate: float | None
    first_response_median_s: float | None
    first_response_p90_s: float | None
    within_30m: float | None
    within_60m: float | None
    unanswered: int
    turns: int
    turns_answered: int
    every_response_median_s: float | None
    every_response_p90_s: float | None
    every_within_30m: float | None
    every_within_60m: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """Who waits for one brand at this moment. Seconds are None when nobody does."""

    brand_id: int
    brand: str
    brand_slug: str
    waiting: int
    waiting_longest_s: float | None
    waiting_median_s: float | None


# What a row is keyed by. {at} is the column of platform time; hours are instants, so the two hours
# that share a name when clocks are put back stay two.
_KEYS: dict[By, str] = {
    "brand": "''",
    "channel": "channel_id::text",
    "agent": "coalesce(user_id::text, '')",
    "day": "to_char({at} AT TIME ZONE b.time_zone, 'YYYY-MM-DD')",
    "hour": "extract(epoch FROM date_trunc('hour', {at}, b.time_zone))::bigint::text",
}
_LABELS: dict[By, str] = {
    "channel": "(SELECT handle || ' (' || network || ')' FROM brands_channel WHERE id = nullif(key, '')::bigint)",
    "agent": "(SELECT name FROM staff_user WHERE id = nullif(key, '')::bigint)",
}

_RESPONSES = """
WITH scope AS (
    SELECT id, slug, name, time_zone FROM brands_brand
    WHERE %(brands)s::bigint[] IS NULL OR id = ANY(%(brands)s)
), waited AS (
    SELECT t.brand_id, {turn_key} AS key,
           count(*) FILTER (WHERE number = 1) AS conversations,
           count(response_s) FILTER (WHERE number = 1) AS answered,
           percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY response_s)
               FILTER (WHERE number = 1) AS first_s,
           count(*) FILTER (WHERE number = 1 AND response_s <= %(m30)s) AS first_30m,
           count(*) FILTER (WHERE number = 1 AND response_s <= %(m60)s) AS first_60m,
           count(*) AS turns,
           count(response_s) AS turns_answered,
           percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY response_s) AS every_s,
           count(*) FILTER (WHERE response_s <= %(m30)s) AS every_30m,
           count(*) FILTER (WHERE response_s <= %(m60)s) AS every_60m
    FROM inbox_turn t JOIN scope b ON b.id = t.brand_id
    WHERE (%(since)s::timestamptz IS NULL OR asked_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR asked_at < %(until)s)
    GROUP BY 1, 2
), said AS (
    SELECT m.brand_id, {message_key} AS key,
           count(*) FILTER (WHERE NOT from_brand) AS messages_in, count(*) FILTER (WHERE own) AS messages_out
    FROM inbox_message m JOIN scope b ON b.id = m.brand_id
    WHERE NOT automatic AND (own OR NOT from_brand)
      AND (%(since)s::timestamptz IS NULL OR sent_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR sent_at < %(until)s)
    GROUP BY 1, 2
)
SELECT scope.id, scope.name, scope.slug, scope.time_zone, key, {label},
       coalesce(conversations, 0), coalesce(messages_in, 0), coalesce(messages_out, 0), coalesce(answered, 0),
       first_s, first_30m, first_60m, coalesce(turns, 0), coalesce(turns_answered, 0),
       every_s, every_30m, every_60m
FROM scope {join} (waited FULL JOIN said USING (brand_id, key)) ON brand_id = scope.id
ORDER BY scope.name, scope.id, {order}
"""


def response_rows(
    *, brand_ids: Sequence[int] | None, since: datetime | None, until: datetime | None, by: By
) -> list[ResponseRow]:
    """Response figures of the period [``since``, ``until``), one row per brand and ``by``.

    ``brand_ids`` None: every brand. Times must have a zone; None leaves that end open. By brand, each
    brand has a row, also one that was silent; otherwise only what happened has one. One statement.
    """
    statement = _RESPONSES.format(
        turn_key=_KEYS[by].format(at="t.asked_at"),
        message_key=_KEYS[by].format(at="m.sent_at"),
        label=_LABELS.get(by, "NULL"),
        join="LEFT JOIN" if by == "brand" else "JOIN",
        # Ids and instants by their size, days by their name, nobody last.
        order="key" if by == "day" else "nullif(key, '')::bigint NULLS LAST",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "brands": None if brand_ids is None else list(brand_ids),
                "since": since,
                "until": until,
                "m30": THIRTY_MINUTES_S,
                "m60": SIXTY_MINUTES_S,
            },
        )
        return [_row(by, *values) for values in cursor.fetchall()]


def _row(
    by: By,
    brand_id: int,
    brand: str,
    slug: str,
    time_zone: str,
    raw_key: str | None,
    raw_label: str | None,
    conversations: int,
    messages_in: int,
    messages_out: int,
    answered: int,
    first_s: list[float | None] | None,
    first_30m: int | None,
    first_60m: int | None,
    turns: int,
    turns_answered: int,
    every_s: list[float | None] | None,
    every_30m: int | None,
    every_60m: int | None,
) -> ResponseRow:
    key = raw_key or None
    if by == "hour" and key is not None:
        key = datetime.fromtimestamp(int(key), UTC).astimezone(ZoneInfo(time_zone)).isoformat()
    first_median, first_p90 = first_s or (None, None)
    every_median, every_p90 = every_s or (None, None)
    return ResponseRow(
        brand_id=brand_id,
        brand=brand,
        brand_slug=slug,
        key=key,
        label=raw_label or key,
        conversations=conversations,
        messages_in=None if by == "agent" else messages_in,
        messages_out=messages_out,
        answered=answered,
        response_rate=_share(answered, conversations),
        first_response_median_s=first_median,
        first_response_p90_s=first_p90,
        within_30m=_share(first_30m, answered),
        within_60m=_share(first_60m, answered),
        unanswered=conversations - answered,
        turns=turns,
        turns_answered=turns_answered,
        every_response_median_s=every_median,
        every_response_p90_s=every_p90,
        every_within_30m=_share(every_30m, turns_answered),
        every_within_60m=_share(every_60m, turns_answered),
    )


def _share(part: int | None, whole: int) -> float | None:
    return (part or 0) / whole if whole else None


_WAITING = """
SELECT b.id, b.name, b.slug, count(c.id),
       extract(epoch FROM max(now() - c.waiting_since))::float,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM now() - c.waiting_since)::float)
FROM brands_brand b
LEFT JOIN inbox_case c ON c.brand_id = b.id AND c.status IN ('open', 'snoozed') AND c.waiting_since IS NOT NULL
WHERE %(brands)s::bigint[] IS NULL OR b.id = ANY(%(brands)s)
GROUP BY b.id, b.name, b.slug ORDER BY b.name, b.id
"""


def waiting_now(*, brand_ids: Sequence[int] | None) -> list[WaitingRow]:
    """Per brand, how many contacts wait for an answer now and for how long. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"brands": None if brand_ids is None else list(brand_ids)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [
        WaitingRow(
            brand_id=brand_id,
            brand=name,
            brand_slug=slug,
            waiting=waiting,
            waiting_longest_s=longest,
            waiting_median_s=median,
        )
        for brand_id, name, slug, waiting, longest, median in rows
    ]
