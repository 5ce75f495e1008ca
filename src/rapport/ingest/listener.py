"""Polling: channels that are due are leased, asked, and their events stored with the cursor.

A lease is compared when the result is stored, so a poller that was overtaken (it slept, its host
hung) cannot put an old cursor over a newer one. Any number of listeners work side by side.

Where a webhook or a stream brings the events, polling goes on beside it, more slowly, and finds what
they missed. It is back at its usual pace as soon as it finds something, or the stream breaks.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections, transaction
from django.utils.translation import gettext as _

from rapport.brands import calls, health, pacing
from rapport.brands.models import Channel
from rapport.ingest.actions import store_raw
from rapport.ingest.disconnecting import disconnect
from rapport.ingest.threads import Threads
from rapport.lib.text import storable_json
from rapport.networks.base import Connector, Polled
from rapport.networks.ending import ended
from rapport.networks.errors import CredentialsGone, NetworkError, TryAgain

log = logging.getLogger(__name__)

# Renewed for each page, and while a page is fetched by a listener that lives: a page may take many calls, and
# of a network that is far or slow the result of each would come too late to be stored.
LEASE = timedelta(seconds=45)
KEEP_S = 15.0
# Who fetches one page for so long hangs; another may try.
LONGEST_PAGE_S = 300.0
# How often the listener looks for channels that are due.
LOOK_S = 0.5
LONGEST_PAUSE_S = 5.0
FIRST_RETRY = timedelta(seconds=2)
# Pages taken in one go before other channels have their turn.
PAGES = 50
# The pace beside a push that works, and how long after its last event a webhook counts as working. A
# stream is known to work while its lease runs.
BESIDE_PUSH_S = 60
PUSH_FRESH = timedelta(minutes=10)
# When every place is taken and one becomes free, others may become free in this time: one query for all.
GATHER_S = 0.01


class Paced(Exception):
    """The channel's budget is used up until then."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"paced until {until:%H:%M:%S}")
        self.until = until


@dataclass
class Lease:
    """A channel that is ours to poll until ``until``; the time is also the token. It moves on as the
    lease is renewed, so that whoever cleans up after a failure gives back the right one."""

    channel_id: int
    until: datetime
    began: float = field(default_factory=time.monotonic, compare=False)  # this page
    kept: float = field(default_factory=time.monotonic, compare=False)
    # Held while ``until`` is moved on, here and in the database.
    moving: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)


def claim_due(*, limit: int) -> list[Lease]:
    """Lease up to ``limit`` channels whose next poll is due, the longest overdue first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel SET poll_lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id = ANY(ARRAY(  -- asked for once: IN may be asked for each row, and then takes more than its limit
                SELECT id FROM brands_channel
                WHERE state = 'active' AND polled AND (next_poll_at IS NULL OR next_poll_at <= now())
                  AND (poll_lease_until IS NULL OR poll_lease_until <= now())
                  AND (open_until IS NULL OR open_until <= now())
                ORDER BY next_poll_at NULLS FIRST LIMIT %s FOR UPDATE SKIP LOCKED
            ))
            RETURNING id, poll_lease_until
            """,
            [LEASE.total_seconds(), limit],
        )
        return [Lease(*row) for row in cursor.fetchall()]


def poll(lease: Lease, *, stop: threading.Event | None = None) -> None:
    """Fetch what is new for a leased channel, page by page, and give the lease back.

    Whatever the network does ends in the channel's health; only the database's errors are raised.
    """
    until = health.admit(channel_id=lease.channel_id)
    if until is not None:
        _give_back(lease, next_poll_at=until)
        return
    for page in range(PAGES):
        try:
            found = _fetch(lease.channel_id)
            if ended():
                raise TryAgain("the listener ends")  # parts of it may be missing
        except Paced as error:
            # The cursor is past what the pages before brought, so nothing is asked for twice.
            _give_back(lease, next_poll_at=error.until)
            return
        except CredentialsGone as error:
            disconnect(channel_id=lease.channel_id, reason=str(error))
            return
        except NetworkError as error:
            if ended():
                _give_back(lease, next_poll_at=None)
                return
            after = error.after if isinstance(error, TryAgain) else None
            health.failed(channel_id=lease.channel_id, reason=str(error), after=after)
            _give_back_after_failure(lease, after)
            return
        last = not found.more or page == PAGES - 1 or (stop is not None and stop.is_set())
        with lease.moving:
            stored = _store(lease, found, last=last)
        if not stored or last:
            return


def _fetch(channel_id: int) -> Polled:
    return calls.with_renewal(channel_id, _call)


def _call(channel: Channel, connector: Connector) -> Polled:
    until = pacing.spend(
        channel_id=channel.id, rules=connector.rules, budget="read", priority=pacing.Priority.POLL
    )
    if until is not None:
        raise Paced(until)
    try:
        return connector.poll(channel.cursor)
    except NetworkError:
        raise
    except Exception as error:
        log.exception("connector %s failed in an unexpected way", connector.network)
        raise TryAgain(
            _("Unexpected error in the connector (%(name)s).") % {"name": type(error).__name__}
        ) from error


def _store(lease: Lease, found: Polled, *, last: bool) -> bool:
    """Events, cursor and health in one transaction, and the lease renewed, or ended after the last page.

    False when somebody else has the channel by now; then nothing is stored.
    """
    pace = timedelta(seconds=settings.RAPPORT_POLL_SECONDS)
    if found.next_after is not None:
        pace = max(pace, found.next_after)
    if found.more:
        pace = timedelta(0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel
            SET cursor = %(cursor)s, failures = 0, open_until = NULL, last_error = '', last_ok_at = now(),
                next_poll_at = clock_timestamp() + make_interval(secs => CASE
                    WHEN %(more)s OR NOT (pushed_at > now() - make_interval(secs => %(fresh)s)
                                          OR streamed AND stream_lease_until > now()) IS TRUE
                    THEN %(pace)s ELSE greatest(%(pace)s, %(beside)s) END),
                poll_lease_until = CASE WHEN NOT %(last)s THEN clock_timestamp() + make_interval(secs => %(lease)s) END
            WHERE id = %(id)s AND poll_lease_until = %(token)s
            RETURNING poll_lease_until, pushed_at IS NOT NULL
            """,
            {
                "more": found.more,
                "fresh": PUSH_FRESH.total_seconds(),
                "beside": BESIDE_PUSH_S,
                "cursor": Channel._meta.get_field("cursor").get_db_prep_value(
                    storable_json(dict(found.cursor)), connection
                ),
                "pace": pace.total_seconds(),
                "last": last,
                "lease": LEASE.total_seconds(),
                "id": lease.channel_id,
                "token": lease.until,
            },
        )
        row = cursor.fetchone()
        if row is None:
            # The events will come again to whoever has the lease: their cursor is not past them.
            log.warning("channel %s was taken over; this poll's result is dropped", lease.channel_id)
            return False
        new = store_raw(channel_id=lease.channel_id, items=found.items)
        if new and row[1] and not found.more:
            # The push did not bring these, or not yet: until it does, polling is what we hear by.
            cursor.execute(
                "UPDATE brands_channel SET next_poll_at = least(next_poll_at, clock_timestamp() + make_interval(secs => %s)) "
                "WHERE id = %s",
                [pace.total_seconds(), lease.channel_id],
            )
    if row[0] is not None:
        lease.until = row[0]
    lease.began = lease.kept = time.monotonic()
    return True


def _keep(lease: Lease) -> None:
    """Renew the lease of a page that is still being fetched."""
    now = time.monotonic()
    if now - lease.kept < KEEP_S or now - lease.began > LONGEST_PAGE_S:
        return
    if not lease.moving.acquire(blocking=False):
        return  # it is being stored, which renews it too
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE brands_channel SET poll_lease_until = clock_timestamp() + make_interval(secs => %s) "
                "WHERE id = %s AND poll_lease_until = %s RETURNING poll_lease_until",
                [LEASE.total_seconds(), lease.channel_id, lease.until],
            )
            row = cursor.fetchone()
        if row is not None:
            lease.until, lease.kept = row[0], now
    finally:
        lease.moving.release()


def _give_back(lease: Lease, *, next_poll_at: datetime | None) -> None:
    """End the lease, if it is still ours. Without a time the channel is due at once."""
    fields: dict[str, Any] = {"poll_lease_until": None}
    if next_poll_at is not None:
        fields["next_poll_at"] = next_poll_at
    with lease.moving:
        Channel.objects.filter(id=lease.channel_id, poll_lease_until=lease.until).update(**fields)


def _give_back_after_failure(lease: Lease, after: timedelta | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT failures, clock_timestamp() FROM brands_channel WHERE id = %s", [lease.channel_id]
        )
        failures, now = cursor.fetchone()
    pause = health.backoff(failures, first=FIRST_RETRY)
    _give_back(lease, next_poll_at=now + (max(after, pause) if after is not None else pause))


class Listener:
    """Polls what is due, ``concurrency`` channels side by side, until it is told to stop."""

    def __init__(self, *, concurrency: int) -> None:
        self._concurrency = concurrency
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._running: dict[Future[None], Lease] = {}
        self._lost: list[Lease] = []

    def stop(self) -> None:
        """End soon: no new polls, and those under way store what they have."""
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Work until :meth:`stop`. Survives the loss of the database."""
        pause = LOOK_S
        threads = Threads(self._concurrency, name="poll")
        try:
            while not self._stop.wait(pause):
                try:
                    pause = LOOK_S
                    if self._start_due(threads):
                        # More may be due than there are places: go on as soon as one is free.
                        self._wake.wait(LOOK_S)
                        self._wake.clear()
                        pause = GATHER_S
                except (DatabaseError, InterfaceError) as error:
                    log.warning("the database is away (%s); trying again", str(error).split("\n")[0])
                    connection.close()
                    pause = min(max(pause, LOOK_S) * 2, LONGEST_PAUSE_S)
        finally:
            threads.close()
            with suppress(DatabaseError, InterfaceError):
                self._collect()
            connections.close_all()

    def _start_due(self, threads: Threads) -> bool:
        """Begin polls in the free places; returns whether every place is taken now."""
        self._collect()
        for lease in self._running.values():
            _keep(lease)
        free = self._concurrency - len(self._running)
        for lease in claim_due(limit=free) if free else []:
            future = threads.submit(poll, lease, stop=self._stop)
            self._running[future] = lease
            future.add_done_callback(lambda _future: self._wake.set())
        return len(self._running) == self._concurrency

    def _collect(self) -> None:
        """Give back what failed polls held, so that a channel need not wait for its lease to run out."""
        for future in [future for future in self._running if future.done()]:
            lease = self._running.pop(future)
            if future.cancelled() or future.exception() is not None:
                if not future.cancelled():
                    log.warning("polling channel %s failed: %r", lease.channel_id, future.exception())
                self._lost.append(lease)
        while self._lost:
            _give_back(self._lost[-1], next_poll_at=None)
            self._lost.pop()
