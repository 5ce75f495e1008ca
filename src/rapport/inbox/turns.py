"""Turns: who waited for an answer, since when, and when it came.

Derived from a thread's messages alone. Messages are ordered by platform time; on equal times the
contact's come first, then by external id, so the order of arrival never matters. Automatic messages
and other brands' messages are left out. A run of contact messages is one question; the brand's next
message answers it. The first turn's answer is the conversation's first response.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from rapport.lib.pg import array

# Only turns that changed are written. Set operations instead of joins between the derived tables: they
# stay linear whatever the planner believes about their size.
_RECOMPUTE = """
WITH said AS (
    SELECT thread_id, brand_id, channel_id, sent_at, user_id, own, external_id,
           lag(own) OVER (PARTITION BY thread_id ORDER BY sent_at, own, external_id) AS before
    FROM inbox_message
    WHERE thread_id = ANY(%(threads)s::bigint[]) AND NOT automatic AND (own OR NOT from_brand)
), mark AS (
    -- The first message of each question and the answer to it: these alternate, beginning with a question.
    SELECT *, lead(sent_at) OVER alternating AS answered_at, lead(user_id) OVER alternating AS answered_by
    FROM said WHERE (NOT own AND before IS DISTINCT FROM false) OR (own AND before = false)
    WINDOW alternating AS (PARTITION BY thread_id ORDER BY sent_at, own, external_id)
), turn AS MATERIALIZED (
    SELECT brand_id, channel_id, thread_id,
           row_number() OVER (PARTITION BY thread_id ORDER BY sent_at, external_id) AS number,
           sent_at AS asked_at, answered_at,
           CASE WHEN answered_at IS NOT NULL
                THEN least(extract(epoch FROM answered_at - sent_at), 2147483647)::int END AS response_s,
           answered_by AS user_id
    FROM mark WHERE NOT own
), gone AS (
    SELECT thread_id, number FROM inbox_turn WHERE thread_id = ANY(%(threads)s::bigint[])
    EXCEPT
    SELECT thread_id, number FROM turn
), removed AS (
    DELETE FROM inbox_turn t USING gone WHERE t.thread_id = gone.thread_id AND t.number = gone.number
)
INSERT INTO inbox_turn (brand_id, channel_id, thread_id, number, asked_at, answered_at, response_s, user_id)
SELECT * FROM turn
ON CONFLICT (thread_id, number) DO UPDATE
SET asked_at = excluded.asked_at, answered_at = excluded.answered_at,
    response_s = excluded.response_s, user_id = excluded.user_id
WHERE (inbox_turn.asked_at, inbox_turn.answered_at, inbox_turn.user_id)
      IS DISTINCT FROM (excluded.asked_at, excluded.answered_at, excluded.user_id)
"""


def recompute(*, thread_ids: Sequence[int]) -> None:
    """Bring the turns of these threads in line with their messages."""
    if not thread_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_RECOMPUTE, {"threads": array(thread_ids)})
