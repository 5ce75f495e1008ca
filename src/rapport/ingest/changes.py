"""What becomes of messages: edited, deleted, hidden, passed on, liked; kept as events, summed up on the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from rapport.ingest.clean import Batch

# A change may come before its message, and what was withdrawn before it was given; so the sums are always
# made anew from the changes we know.
_SUM_UP = """
UPDATE inbox_message m SET deleted_at = became.deleted_at, hidden_at = became.hidden_at,
    repost_count = became.reposts, like_count = became.likes
FROM unnest(%(ids)s::text[]) AS changed(external_id) CROSS JOIN LATERAL (
    SELECT min(c.at) FILTER (WHERE c.kind = 'deleted') AS deleted_at,
           CASE WHEN max(c.at) FILTER (WHERE c.kind = 'hidden')
                     > coalesce(max(c.at) FILTER (WHERE c.kind = 'shown'), '-infinity')
                THEN max(c.at) FILTER (WHERE c.kind = 'hidden') END AS hidden_at,
           count(DISTINCT c.external_id) FILTER (WHERE c.kind = 'reposted' AND gone.it IS NULL)::int AS reposts,
           count(DISTINCT c.external_id) FILTER (WHERE c.kind = 'liked' AND gone.it IS NULL)::int AS likes
    FROM inbox_messagechange c
    LEFT JOIN LATERAL (
        SELECT true AS it FROM inbox_messagechange w
        WHERE c.kind IN ('reposted', 'liked') AND w.channel_id = c.channel_id
          AND w.message_external_id = c.message_external_id
          AND w.kind = 'withdrawn' AND w.external_id = c.external_id AND w.at >= c.at LIMIT 1
    ) gone ON true
    WHERE c.channel_id = %(channel)s AND c.message_external_id = changed.external_id
) became
WHERE m.channel_id = %(channel)s AND m.external_id = changed.external_id
  AND (m.deleted_at, m.hidden_at, m.repost_count, m.like_count)
      IS DISTINCT FROM (became.deleted_at, became.hidden_at, became.reposts, became.likes)
RETURNING m.thread_id
"""


def record_changes(*, channel_id: int, batch: Batch, identities: Mapping[str, int]) -> set[int]:
    """Keep a batch's changes and bring the sums of its messages in line, new ones too.

    ``identities``: identity id by author. Returns the threads whose sums changed.
    """
    rows = _rows(batch, identities)
    with connection.cursor() as cursor:
        if rows:
            cursor.execute(
                """
                INSERT INTO inbox_messagechange
                    (channel_id, message_external_id, kind, at, external_id, identity_id, text)
                SELECT %s, c.* FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[],
                                           %s::text[]) AS c
                ON CONFLICT (channel_id, message_external_id, kind, at, external_id) DO NOTHING
                """,
                [channel_id, *(list(column) for column in zip(*rows, strict=True))],
            )
        ids = {row[0] for row in rows} | {one.message.external_id for one in batch.messages}
        if not ids:
            return set()
        cursor.execute(_SUM_UP, {"channel": channel_id, "ids": sorted(ids)})
        return {row[0] for row in cursor.fetchall()}


def _rows(batch: Batch, identities: Mapping[str, int]) -> Sequence[tuple[Any, ...]]:
    """``(message, kind, at, external id, identity, text)`` of every change."""
    rows: list[tuple[Any, ...]] = [
        (e.external_id, "edited", e.replaced_at, "", None, e.text) for e in batch.edits
    ]
    rows += [(d.external_id, "deleted", d.deleted_at, "", None, "") for d in batch.deletions]
    rows += [
        (h.external_id, "hidden" if h.hidden else "shown", h.changed_at, "", None, "") for h in batch.hidings
    ]
    rows += [
        (r.original_id, "reposted", r.reposted_at, r.external_id, identities[r.author.external_id], "")
        for r in batch.reposts
    ]
    rows += [
        (k.original_id, "liked", k.liked_at, k.external_id, identities[k.author.external_id], k.reaction)
        for k in batch.likes
    ]
    rows += [(w.original_id, "withdrawn", w.withdrawn_at, w.external_id, None, "") for w in batch.withdrawals]
    return rows
