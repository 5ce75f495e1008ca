"""Streams: what happens on a network, heard as it happens. Each is read by one thread of one process.

A stream is leased like a poll, and the lease is renewed while it is heard: of any number of listeners one
reads it, and when that one dies or hangs another takes over within the lease. The place in the stream is
stored in the transaction that stores the events. Polling goes on beside it (see ``listener.py``) and finds
what was missed in between.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connection, connections, transaction

from rapport.brands import calls, health
from rapport.brands.models import Channel
from rapport.ingest.actions import store_raw
from rapport.ingest.disconnecting import disconnect
from rapport.ingest.models import Via
from rapport.ingest.threads import Threads
from rapport.lib.text import storable_json
from rapport.networks.base import Connector, Polled
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LEASE = timedelta(seconds=45)
# A lease is renewed this often although nothing happens; a paused channel's stream ends as soon.
RENEW_S = 10.0
LOOK_S = 1.0
LONGEST_PAUSE_S = 5.0
# Streams wait for each other when they store; so many connections they have together.
STORERS = 4
FIRST_RETRY = timedelta(seconds=1)
# A server that has no stream for us may have one after its next update.
REFUSED = timedelta(hours=1)
# A stream that was open so long worked, whatever ended it.
WORKED_S = 30.0
# How long the events of a stream are held while the database is away, and how often it is tried.
HELD_S = 40.0
RETRY_S = 1.0
# How long a stop waits for streams to hear of it.
GRACE_S = 3.0


@dataclass
class StreamLease:
    """A channel whose stream is ours to read until ``until``, which is also the token; it moves on."""

    channel_id: int
    until: datetime
    renewed: float = field(default_factory=time.monotonic)
    over: bool = False  # somebody else has it, or the channel is no longer streamed


def claim_streams(*, limit: int) -> list[StreamLease]:
    """Lease up to ``limit`` channels whose stream nobody reads, those without one the longest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel SET stream_lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id IN (
                SELECT id FROM brands_channel
                WHERE state = 'active' AND streamed
                  AND (stream_lease_until IS NULL OR stream_lease_until <= now())
                  AND (stream_retry_at IS NULL OR stream_retry_at <= now())
                  AND (open_until IS NULL OR open_until <= now())
                ORDER BY stream_lease_until NULLS FIRST LIMIT %s FOR UPDATE SKIP LOCKED
            )
            RETURNING id, stream_lease_until
            """,
            [LEASE.total_seconds(), limit],
        )
        return [StreamLease(*row) for row in cursor.fetchall()]


def store(lease: StreamLease, found: Polled, *, well: bool) -> bool:
    """Events, place and lease in one transaction. ``well``: the channel's health is told that it works.

    False when the stream is no longer ours to read, or the channel no longer to be streamed.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel
            SET stream_cursor = %(cursor)s, stream_lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
                stream_retry_at = NULL,
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
                "id": lease.channel_id,
                "token": lease.until,
            },
        )
        row = cursor.fetchone()
        if row is None:
            return False
        store_raw(channel_id=lease.channel_id, items=found.items, via=Via.STREAM)
    lease.until, lease.renewed = row[0], time.monotonic()
    return True


def give_back(lease: StreamLease, *, retry_after: timedelta | None = None) -> None:
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
                "id": lease.channel_id,
                "token": lease.until,
            },
        )


class Streams:
    """Reads up to ``most`` streams side by side, until it is told to stop. Survives the loss of the database."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._stop = threading.Event()
        self._running: dict[threading.Thread, StreamLease] = {}
        self._failed: dict[int, int] = {}
        self._threads = Threads(STORERS, name="stream-store")

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    def run(self) -> None:
        """Work until :meth:`stop`."""
        pause = LOOK_S
        try:
            while not self._stop.wait(pause):
                self._running = {one: lease for one, lease in self._running.items() if one.is_alive()}
                try:
                    free = self._most - len(self._running)
                    for lease in claim_streams(limit=free) if free else []:
                        self._start(lease)
                    pause = LOOK_S
                except (DatabaseError, InterfaceError) as error:
                    log.warning("the database is away (%s); trying again", str(error).split("\n")[0])
                    connection.close()
                    pause = min(pause * 2, LONGEST_PAUSE_S)
        finally:
            self._end()

    def _start(self, lease: StreamLease) -> None:
        # A daemon: a connector that does not hear the stop must not hold up the end of the process.
        thread = threading.Thread(
            target=self._read, args=(lease,), name=f"stream-{lease.channel_id}", daemon=True
        )
        self._running[thread] = lease
        thread.start()

    def _end(self) -> None:
        until = time.monotonic() + GRACE_S
        for thread in self._running:
            thread.join(max(0.0, until - time.monotonic()))
        for thread, lease in self._running.items():
            if thread.is_alive():
                lease.over = True
                with suppress(DatabaseError, InterfaceError):
                    give_back(lease)
        self._threads.close()
        connections.close_all()

    # In a stream's thread, which has no connection of its own ------------------------------------------
    def _read(self, lease: StreamLease) -> None:
        began, pause = time.monotonic(), None
        try:
            pause = self._session(lease)
        except (DatabaseError, InterfaceError) as error:
            # The lease runs out by itself; what was not stored comes again, or is found by polling.
            log.warning("the stream of channel %s ended without its database: %r", lease.channel_id, error)
            return
        except RuntimeError:
            if not self._stop.is_set():  # else: the storers are closed already
                raise
            return
        worked = time.monotonic() - began >= WORKED_S
        count = 0 if worked or self._stop.is_set() else self._failed.get(lease.channel_id, 0) + 1
        self._failed[lease.channel_id] = count
        if not lease.over:
            wait = None
            if not self._stop.is_set():
                wait = max(pause or timedelta(0), health.backoff(count, first=FIRST_RETRY))
            with suppress(DatabaseError, InterfaceError, RuntimeError):
                self._db(give_back, lease, retry_after=wait)

    def _session(self, lease: StreamLease) -> timedelta | None:
        """Read the stream until it ends; returns how long the network wants to be left alone, if it said so."""
        try:
            until = self._db(health.admit, channel_id=lease.channel_id)
            if until is not None:
                return until - self._db(_now)
            channel, connector, stamp = self._db(calls.opened, lease.channel_id)
        except NetworkError as error:
            return self._went_wrong(lease, error)
        try:
            self._hear(lease, channel, connector)
        except CredentialsGone as error:
            try:
                if not calls.renews(connector):
                    raise
                self._db(calls.renew, lease.channel_id, stamp, error)
            except NetworkError as ended:
                return self._went_wrong(lease, ended)
        except NetworkError as error:
            return self._went_wrong(lease, error)
        except NotImplementedError as error:
            return self._went_wrong(lease, Refused(str(error)))
        except (DatabaseError, InterfaceError):
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

    def _hear(self, lease: StreamLease, channel: Channel, connector: Connector) -> None:
        cursor: Any = channel.stream_cursor
        first = True
        for found in connector.stream(cursor, lambda: lease.over or self._stop.is_set()):
            late = time.monotonic() - lease.renewed >= RENEW_S
            if first or late or found.items or found.cursor != cursor:
                if not self._kept(lease, found, well=first or bool(found.items)):
                    lease.over = True
                    return
                first, cursor = False, found.cursor
            if lease.over or self._stop.is_set():
                return

    def _kept(self, lease: StreamLease, found: Polled, *, well: bool) -> bool:
        """Store, and hold what cannot be stored while the database is away."""
        give_up = time.monotonic() + HELD_S
        while True:
            try:
                return self._db(store, lease, found, well=well)
            except (DatabaseError, InterfaceError) as error:
                if time.monotonic() >= give_up or self._stop.is_set():
                    raise
                log.warning("a stream's events wait for the database (%s)", str(error).split("\n")[0])
                self._stop.wait(RETRY_S)

    def _went_wrong(self, lease: StreamLease, error: NetworkError) -> timedelta | None:
        if self._stop.is_set() and isinstance(error, TryAgain):
            return None  # cut off by our own end
        if isinstance(error, CredentialsGone):
            lease.over = True
            self._db(disconnect, channel_id=lease.channel_id, reason=str(error))
            self._db(give_back, lease)
            return None
        log.info("the stream of channel %s ended: %s", lease.channel_id, error)
        if isinstance(error, TryAgain):
            # How long to wait is told to streams alone: polls go on at their own pace.
            self._db(health.failed, channel_id=lease.channel_id, reason=str(error))
            return error.after
        return REFUSED

    def _db(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._threads.submit(work, *args, **kwargs).result()
        except CancelledError as error:
            raise RuntimeError("the end has come") from error


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
