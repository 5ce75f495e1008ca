"""From raw events to messages, cases and clocks: claim, parse, record.

Work is divided by channel: whoever holds a channel's lock is the only one who changes its threads,
so threads can be joined and cases opened without races, and channels are processed side by side.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction

from rapport.brands.models import Channel
from rapport.ingest.backfill import settle_before
from rapport.ingest.clean import clean
from rapport.ingest.models import Via
from rapport.ingest.record import lock_channel, record_events, try_lock_channel
from rapport.networks.base import Event
from rapport.networks.registry import UnknownNetwork, connector_class

log = logging.getLogger(__name__)

# The channels that have pending events, the longest-waiting first: one index probe per channel.
_CHANNELS_WITH_WORK = """
WITH RECURSIVE channel AS (
    (SELECT channel_id, id FROM ingest_rawevent WHERE state = 'pending' ORDER BY channel_id, id LIMIT 1)
    UNION ALL
    SELECT next.channel_id, next.id FROM channel, LATERAL (
        SELECT channel_id, id FROM ingest_rawevent
        WHERE state = 'pending' AND channel_id > channel.channel_id ORDER BY channel_id, id LIMIT 1
    ) next
)
SELECT channel_id FROM channel ORDER BY id
"""


class _Raw(NamedTuple):
    id: int
    kind: str
    payload: Any
    received_at: datetime
    via: str


class _Outcome(NamedTuple):
    id: int
    state: str
    error: str


def process_pending(*, limit: int = 1000) -> int:
    """Process up to ``limit`` pending events of one channel that nobody else works on.

    Returns how many events left the queue; 0 means that there is nothing to do here now. A channel
    whose processing fails keeps its events and must not hold up the others: its error is raised only
    when no other channel has work.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS_WITH_WORK)
        channel_ids = [row[0] for row in cursor.fetchall()]
    failure: Exception | None = None
    for channel_id in channel_ids:
        try:
            with transaction.atomic():
                if not try_lock_channel(channel_id):
                    continue
                handled = _process(channel_id, limit)
        except Exception as error:
            if not connection.is_usable():
                raise  # the database went away, for every channel
            log.warning("channel %s cannot be processed now: %s", channel_id, _describe(error))
            failure = failure or error
            continue
        if handled:
            return handled
    if failure is not None:
        raise failure
    return 0


def process_channel(channel_id: int, *, batch: int = 1000) -> int:
    """Process everything that is pending for one channel, waiting for its lock; returns how many."""
    total = 0
    while True:
        with transaction.atomic():
            lock_channel(channel_id)
            handled = _process(channel_id, batch)
        total += handled
        if not handled:
            return total


def _process(channel_id: int, limit: int) -> int:
    # Nothing is called here, and credentials that cannot be read any more must not keep events unread.
    channel = Channel.objects.select_related("brand").defer("credentials").get(id=channel_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind, payload::text, received_at, via FROM ingest_rawevent "
            "WHERE channel_id = %s AND state = 'pending' ORDER BY id LIMIT %s",
            [channel_id, limit],
        )
        raws = [_Raw(row[0], row[1], json.loads(row[2]), row[3], row[4]) for row in cursor.fetchall()]
    if not raws:
        return 0
    outcomes: list[_Outcome] = []
    parsed: list[tuple[_Raw, list[Event]]] = []
    for raw in raws:
        try:
            events = _parse(channel.network, raw)
        except Exception as error:  # a connector may fail in any way on hostile input; nothing is lost
            outcomes.append(_Outcome(raw.id, "parked", _describe(error)))
        else:
            parsed.append((raw, events))
    outcomes += _record(channel, [one for one in parsed if one[0].via != Via.HISTORY])
    past = [one for one in parsed if one[0].via == Via.HISTORY]
    outcomes += _record(channel, past, past_before=settle_before(channel))
    _finish(outcomes)
    return len(raws)


def _parse(network: str, raw: _Raw) -> list[Event]:
    try:
        parse = connector_class(network).parse
    except UnknownNetwork as error:
        raise ValueError(str(error)) from error
    return [clean(event, received_at=raw.received_at) for event in parse(raw.kind, raw.payload)]


def _record(
    channel: Channel, parsed: Sequence[tuple[_Raw, list[Event]]], *, past_before: datetime | None = None
) -> list[_Outcome]:
    """Record a batch; if the database refuses it, halve it until the one bad event is alone, and park that."""
    if not parsed:
        return []
    try:
        with transaction.atomic():
            record_events(
                channel=channel,
                events=[(event, raw.received_at) for raw, events in parsed for event in events],
                past_before=past_before,
            )
    except Exception as error:
        # COPY raises psycopg's errors as they are; and a connector may put anything into its events.
        if _may_pass(error):
            raise  # the whole batch stays pending
        if len(parsed) == 1:
            log.exception("raw event %s cannot be recorded", parsed[0][0].id)
            return [_Outcome(parsed[0][0].id, "parked", _describe(error))]
        middle = len(parsed) // 2
        return _record(channel, parsed[:middle], past_before=past_before) + _record(
            channel, parsed[middle:], past_before=past_before
        )
    return [_Outcome(raw.id, "done" if events else "ignored", "") for raw, events in parsed]


def _may_pass(error: Exception) -> bool:
    """Whether the database failed for a reason of its own, such as a lost connection, a deadlock or a
    full disk. A statement beyond its limits (class 54) fails for what it is given."""
    if not isinstance(
        error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError
    ):
        return False
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return not (getattr(cause, "sqlstate", None) or "").startswith("54")


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000].replace("\0", "�")


def _finish(outcomes: Sequence[_Outcome]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE ingest_rawevent SET state = o.state, error = o.error, attempts = attempts + 1, done_at = now()
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS o(id, state, error)
            WHERE ingest_rawevent.id = o.id
            """,
            [[o.id for o in outcomes], [o.state for o in outcomes], [o.error for o in outcomes]],
        )
