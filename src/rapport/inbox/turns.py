"""Turns: who waited for an answer, since when, and when it came.

Derived from a thread's messages alone. Messages are ordered by platform time; on equal times the
contact's come first, then by external id, so the order of arrival never matters. Automatic messages
and other brands' messages are left out. A run of contact messages is one question; the brand's next
message answers it. The first turn's answer is the conversation's first response.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

_RECOMPUTE = """
WITH said AS (
    SELECT thread_id, brand_id, channel_id, sent_at, user_id, own, external_id,
           lag(own) OVER (PARTITION BY thread_id ORDER BY sent_at, own, external_id) AS before
    FROM inbox_message
    WHERE thread_id = ANY(%(threads)s) AND NOT automatic AND (own OR NOT from_brand)
), mark AS (
    -- Questions and answers alternate, so the k-th question is answered by the k-th answer.
    SELECT *, row_number() OVER (PARTITION BY thread_id, own ORDER BY sent_at, external_id) AS number
    FROM said WHERE (NOT own AND before IS DISTINCT FROM false) OR (own AND before = false)
), turn AS (
    SELECT q.brand_id, q.channel_id, q.thread_id, q.number, q.sent_at AS asked_at, a.sent_at AS answered_at,
           CASE WHEN a.sent_at IS NOT NULL
                THEN least(extract(epoch FROM a.sent_at - q.sent_at), 2147483647)::int END AS response_s, a.user_id
    FROM mark q LEFT JOIN mark a ON a.thread_id = q.thread_id AND a.own AND a.number = q.number
    WHERE NOT q.own
), gone AS (
    DELETE FROM inbox_turn t USING (
        SELECT wanted.id AS thread_id, (SELECT count(*) FROM turn WHERE turn.thread_id = wanted.id) AS number
        FROM unnest(%(threads)s::bigint[]) AS wanted(id)
    ) kept WHERE t.thread_id = kept.thread_id AND t.number > kept.number
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
        cursor.execute(_RECOMPUTE, {"threads": list(thread_ids)})
