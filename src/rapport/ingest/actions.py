"""Storing what networks send, and giving parked events another chance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from rapport.ingest import lookups
from rapport.ingest.models import RawEvent, RawState, Via
from rapport.lib.live import notify_ingest
from rapport.lib.text import storable, storable_json
from rapport.networks.base import RawItem

_PUSHED = """
WITH also AS (
    UPDATE ingest_rawevent r SET pushed = true, only_polled = false FROM raw_batch b
    WHERE r.channel_id = %(channel)s AND r.dedupe_key = b.dedupe_key AND NOT r.pushed
)
UPDATE brands_channel SET pushed_at = now()
WHERE id = %(channel)s AND (pushed_at IS NULL OR pushed_at < now() - interval '5 seconds')
"""


def store_raw(*, channel_id: int, items: Sequence[RawItem], via: Via = Via.POLL) -> int:
    """Store raw events in the caller's transaction and wake the workers; returns how many were new.

    An event that was stored before (same channel and key) is left as it is, so a network may
    deliver as often as it likes. Only when the transaction commits may the network be told "thanks".

    ``via``: how it came. What a poll brings to a channel whose events are pushed is marked until a webhook
    or stream brings it too, so what only polling found can be counted.

    What is to be looked up waits for that, which is asked for in the same transaction.
    """
    if not items:
        return 0
    given: dict[str, int | str | bool] = {
        "channel": channel_id,
        "via": via,
        "pushed": via in (Via.WEBHOOK, Via.STREAM),
        "polled": via == Via.POLL,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS raw_batch (ord int, kind text, dedupe_key text, payload jsonb, state text) "
            "ON COMMIT DELETE ROWS; TRUNCATE raw_batch"
        )
        with cursor.copy("COPY raw_batch FROM STDIN") as copy:
            for number, item in enumerate(items):
                copy.write_row(
                    (
                        number,
                        storable(item.kind, limit=60),
                        storable(item.dedupe_key()),
                        _as_json(item.payload),
                        RawState.LOOKUP if item.look_up else RawState.PENDING,
                    )
                )
        cursor.execute(
            """
            INSERT INTO ingest_rawevent (channel_id, kind, dedupe_key, payload, state, via, pushed, only_polled)
            SELECT %(channel)s, kind, dedupe_key, payload, state, %(via)s, %(pushed)s,
                   %(polled)s AND EXISTS (SELECT FROM brands_channel
                                          WHERE id = %(channel)s AND pushed_at IS NOT NULL)
            FROM raw_batch ORDER BY ord
            ON CONFLICT (channel_id, dedupe_key) DO NOTHING
            """,
            given,
        )
        new: int = cursor.rowcount
        if given["pushed"]:
            cursor.execute(_PUSHED, given)
        if new:
            notify_ingest()
            if any(item.look_up for item in items):
                lookups.ask(channel_id)
    return new


def _as_json(payload: Any) -> str:
    """``payload`` as PostgreSQL can hold it. One nested hundreds deep is kept as the text it was: nobody
    will understand it, so it will be parked, but it must not keep its neighbours from being stored.
    """
    try:
        return json.dumps(storable_json(payload), ensure_ascii=False, allow_nan=False)
    except RecursionError:
        return json.dumps({"nested_too_deeply": json.dumps(payload).replace("\\u0000", "\\ufffd")})


def replay(*, event_ids: Sequence[int]) -> int:
    """Put parked events back in the queue; returns how many were parked."""
    with transaction.atomic():
        changed = RawEvent.objects.filter(id__in=event_ids, state=RawState.PARKED).update(
            state=RawState.PENDING, error="", done_at=None
        )
        if changed:
            notify_ingest()
    return changed
