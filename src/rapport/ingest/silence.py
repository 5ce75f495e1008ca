"""When a channel's silence is unusual, by its own history.

The rule: over the last four weeks, take the gaps between the messages that others wrote. Silence is unusual
when it is longer than six hours, and longer than three times the gap that 99 of 100 do not exceed, and longer
than the second longest gap by a quarter. Nights and weekends come every week, so they are among the longest
gaps and are no alarm; one outage in the four weeks does not hide the next one, because the longest gap alone
does not count. With fewer than twenty messages nothing is said.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection

WINDOW = timedelta(days=28)
FEWEST = 20
SHORTEST = timedelta(hours=6)
TIMES_P99 = 3.0
TIMES_SECOND = 1.25


def learn_silence() -> int:
    """Set ``silent_after`` of every channel; returns how many changed. One statement for all.

    Messages are found by when they arrived (never before they were said) and measured by when they were said.
    """
    rule: dict[str, Any] = {
        "window": WINDOW,
        "fewest": FEWEST,
        "shortest": SHORTEST,
        "p99": TIMES_P99,
        "second": TIMES_SECOND,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH said AS (
                SELECT channel_id, sent_at - lag(sent_at) OVER (PARTITION BY channel_id ORDER BY sent_at) AS gap
                FROM inbox_message
                WHERE arrived_at >= now() - %(window)s AND sent_at >= now() - %(window)s
                  AND NOT own AND NOT context
            ), measured AS (
                SELECT channel_id, count(*) AS messages,
                       percentile_disc(0.99) WITHIN GROUP (ORDER BY gap) AS p99,
                       (array_agg(gap ORDER BY gap DESC NULLS LAST))[2] AS second
                FROM said GROUP BY channel_id
            ), ruled AS (
                SELECT c.id, CASE WHEN m.messages >= %(fewest)s THEN
                    greatest(%(shortest)s, m.p99 * %(p99)s, m.second * %(second)s) END AS silent_after
                FROM brands_channel c LEFT JOIN measured m ON m.channel_id = c.id
            )
            UPDATE brands_channel c SET silent_after = r.silent_after FROM ruled r
            WHERE r.id = c.id AND r.silent_after IS DISTINCT FROM c.silent_after
            """,
            rule,
        )
        return int(cursor.rowcount)
