"""Streams: what happens on a network, heard as it happens. Each is read by one thread of one process.

A stream is leased like a poll, and the lease is renewed while it is heard: of any number of listeners one
reads it, and when that one dies or hangs another takes over within the lease. The place in the stream is
stored in the transaction that stores the events. Polling goes on beside it (see ``listener.py``) and finds
what was missed in between.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction

from rapport.brands import calls, health
from rapport.brands.models import Channel
from rapport.ingest.actions import store_raw
from rapport.ingest.disconnecting import disconnect
from rapport.ingest.models import Via
from rapport.ingest.readers import LEASE, REFUSED, Ended, Lease, Readers, hold
from rapport.lib.text import storable_json
from rapport.networks.base import Connector, Polled
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

log = logging.getLogger(__name__)

# Streams wait for each other when they store; so many connections they have together.
STORERS = 4
AWAY = (DatabaseError, InterfaceError)


def claim_streams(*, limit: int) -> list[Lease]:
    """Lease up to ``limit`` channels whose stream nobody reads, those without one the longest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel SET stream_lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id = ANY(ARRAY(  -- asked for once: IN may be asked for each row, and then takes more than its limit
                SELECT id FROM brands_channel
                WHERE state = 'active' AND streamed
                  AND (stream_lease_until IS NULL OR stream_lease_until <= now())
                  AND (stream_retry_at IS NULL OR stream_retry_at <= now())
                  AND (open_until IS NULL OR open_until <= now())
                ORDER BY stream_lease_until NULLS FIRST LIMIT %s FOR UPDATE SKIP LOCKED
            ))
            RETURNING id, stream_lease_until
            """,
            [LEASE.total_seconds(), limit],
        )
        return [Lease(*row) for row in cursor.fetchall()]


def store(lease: Lease, found: Polled, *, well: bool, opened: bool = False) -> bool:
    """Events, place and lease in one transaction. ``well``: the channel's health is told that it works.

    ``opened``: it is open from now on. What was said since the last poll is polled for at once: polls are slower
    as soon as somebody has the lease, which is a little before.

    False when the stream is no longer ours to read, or the channel no longer to be streamed.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel
            SET stream_cursor = %(cursor)s, stream_lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
                stream_retry_at = NULL,
                next_poll_at = CASE WHEN %(opened)s THEN least(next_poll_at, clock_timestamp()) ELSE next_poll_at END,
                failures = CASE WHEN %(well)s THEN 0 ELSE failures END,
                open_until = CASE WHEN %(well)s THEN NULL ELSE open_until END,
                last_error = CASE WHEN %(well)s THEN '' ELSE last_error END,
                last_ok_at = CASE WHEN %(well)s THEN now() ELSE last_ok_at END
            WHERE id = %(id)s AND stream_lease_until = %(token)s AND state = 'active' AND streamed
            RETURNING stream_lease_until
            """,
            {
                "cursor": Channel._meta.get_field("stream_cursor").get_db_prep_value(
                    storable_json(dict(found.cursor)), connection
                ),
                "lease": LEASE.total_seconds(),
                "well": well,
                "opened": opened,
                "id": lease.of,
                "token": lease.until,
            },
        )
        row = cursor.fetchone()
        if row is None:
            return False
        store_raw(channel_id=lease.of, items=found.items, via=Via.STREAM)
    lease.moved(row[0])
    return True


def give_back(lease: Lease, *, retry_after: timedelta | None = None) -> None:
    """End the lease, if it is still ours; ``retry_after``: it broke, and polling must make up for it now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel
            SET stream_lease_until = NULL, stream_retry_at = clock_timestamp() + make_interval(secs => %(pause)s::float8),
                next_poll_at = CASE WHEN %(pause)s::float8 IS NULL THEN next_poll_at
                                    ELSE least(next_poll_at, clock_timestamp()) END
            WHERE id = %(id)s AND stream_lease_until = %(token)s
            """,
            {
                "pause": retry_after.total_seconds() if retry_after is not None else None,
                "id": lease.of,
                "token": lease.until,
            },
        )


class Streams(Readers):
    """Reads up to ``most`` streams side by side, until it is told to stop. Survives the loss of the database."""

    what = "stream"

    def __init__(self, *, most: int) -> None:
        super().__init__(most=most, storers=STORERS)

    def _claim(self, *, limit: int) -> list[Lease]:
        return claim_streams(limit=limit)

    def _give_back(self, lease: Lease) -> None:
        give_back(lease)

    # In a stream's thread --------------------------------------------------------------------------------
    def _read(self, lease: Lease) -> None:
        began = time.monotonic()
        try:
            pause = self._session(lease)
        except AWAY as error:
            # The lease runs out by itself; what was not stored comes again, or is found by polling.
            log.warning("the stream of channel %s ended without its database: %r", lease.of, error)
            return
        wait = self._rest(lease, began, pause)
        if not lease.over:
            with suppress(*AWAY):
                self._db(give_back, lease, retry_after=wait)

    def _session(self, lease: Lease) -> timedelta | None:
        """Read the stream until it ends; returns how long the network wants to be left alone, if it said so."""
        try:
            until = self._db(health.admit, channel_id=lease.of)
            if until is not None:
                return until - self._db(_now)
            channel, connector, stamp = self._db(calls.opened, lease.of)
        except NetworkError as error:
            return self._went_wrong(lease, error)
        try:
            self._hear(lease, channel, connector)
        except CredentialsGone as error:
            try:
                if not calls.renews(connector):
                    raise
                self._db(calls.renew, lease.of, stamp, error)
            except NetworkError as ended:
                return self._went_wrong(lease, ended)
        except NetworkError as error:
            return self._went_wrong(lease, error)
        except NotImplementedError as error:
            return self._went_wrong(lease, Refused(str(error)))
        except (*AWAY, Ended):
            raise
        except Exception as error:
            if self._stop.is_set():
                return None  # cut off by our own end
            log.exception("connector %s failed in an unexpected way", connector.network)
            return self._went_wrong(
                lease, TryAgain(f"Unexpected error in the stream ({type(error).__name__}).")
            )
        finally:
            if connector.seen_limits and not self._stop.is_set():
                self._db(calls.note_limits, channel, connector)
        return None

    def _hear(self, lease: Lease, channel: Channel, connector: Connector) -> None:
        cursor: Any = channel.stream_cursor
        first, asked = True, 0
        for found in connector.stream(cursor, lambda: lease.over or self._stop.is_set()):
            if first or lease.late or found.items or found.cursor != cursor:
                well = first or bool(found.items)
                # Twice, because a poll that is under way at the first goes on at the slower pace.
                opened = asked < 2 and (first or lease.late)
                asked += opened
                storing = partial(self._db, store, lease, found, well=well, opened=opened)
                if not hold(storing, AWAY, self._stop):
                    lease.over = True
                    return
                first, cursor = False, found.cursor
            if lease.over or self._stop.is_set():
                return

    def _went_wrong(self, lease: Lease, error: NetworkError) -> timedelta | None:
        if self._stop.is_set() and isinstance(error, TryAgain):
            return None  # cut off by our own end
        if isinstance(error, CredentialsGone):
            lease.over = True
            self._db(disconnect, channel_id=lease.of, reason=str(error))
            self._db(give_back, lease)
            return None
        log.info("the stream of channel %s ended: %s", lease.of, error)
        if isinstance(error, TryAgain):
            # How long to wait is told to streams alone: polls go on at their own pace.
            self._db(health.failed, channel_id=lease.of, reason=str(error))
            return error.after
        return REFUSED


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
