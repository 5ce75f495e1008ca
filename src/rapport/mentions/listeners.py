"""Reading sources: each by one thread of one process, whichever of any number of listeners has its lease.

The cursor is stored in the transaction that stores what was heard, so a listener that dies loses nothing: another
takes over within the lease and begins where the last transaction ended. With a stream between processes
(``RAPPORT_STREAM``) what was heard is handed on instead, before the cursor moves (see ``sharing.py``).
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
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import DatabaseError, InterfaceError, connection, connections, transaction

from rapport.brands import health
from rapport.ingest.threads import Threads
from rapport.lib.text import storable, storable_json
from rapport.mentions.careful import hear_what_can_be
from rapport.mentions.hearing import Heard
from rapport.mentions.models import Source
from rapport.mentions.recording import QueriesChangedMeanwhile
from rapport.mentions.sources.base import Chunk, Given, NotShared
from rapport.mentions.sources.registry import SOURCES, STREAMED
from rapport.networks.errors import NetworkError, Refused, TryAgain

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LEASE = timedelta(seconds=45)
# A lease is renewed this often although nothing happens; a paused source ends as soon.
RENEW_S = 10.0
LOOK_S = 1.0
LONGEST_PAUSE_S = 5.0
# Sources wait for each other when they store; so many connections they have together.
STORERS = 2
FIRST_RETRY = timedelta(seconds=1)
# What was refused is tried again in case somebody put it right there.
REFUSED = timedelta(hours=1)
# What was open so long worked, whatever ended it.
WORKED_S = 30.0
# How long what was heard is held while it cannot be stored, and how often that is tried.
HELD_S = 40.0
RETRY_S = 1.0
GRACE_S = 3.0


# What is not the fault of what was heard: it is held, and tried again.
NOT_NOW = (DatabaseError, InterfaceError, NotShared, QueriesChangedMeanwhile)


class _Ended(Exception):
    """The storers are closed: this process ends."""


class Sharing(Protocol):
    """Hands on what was heard to any number of processes; returns once it is safe there."""

    def publish(self, source_id: int, heard: list[Heard]) -> None: ...


@dataclass
class SourceLease:
    """A source that is ours to read until ``until``, which is also the token; it moves on."""

    source_id: int
    until: datetime
    renewed: float = field(default_factory=time.monotonic)
    over: bool = False  # somebody else has it, or it is paused or removed


def claim_sources(*, limit: int, source_id: int | None = None) -> list[SourceLease]:
    """Lease up to ``limit`` sources that nobody reads, those waiting longest first; or the one asked for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE mentions_source SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
            WHERE id IN (
                SELECT id FROM mentions_source
                WHERE state = 'active' AND deleted_at IS NULL
                  AND (lease_until IS NULL OR lease_until <= now())
                  AND (id = %(one)s OR %(one)s::bigint IS NULL AND kind = ANY(%(kinds)s)
                       AND (retry_at IS NULL OR retry_at <= now()))
                ORDER BY lease_until NULLS FIRST LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            )
            RETURNING id, lease_until
            """,
            {"lease": LEASE.total_seconds(), "one": source_id, "kinds": list(STREAMED), "limit": limit},
        )
        return [SourceLease(*row) for row in cursor.fetchall()]


def store(lease: SourceLease, chunk: Chunk, *, well: bool, shared: bool = False) -> bool:
    """What was heard, cursor and lease in one transaction. ``well``: it works, so earlier failures are over.

    ``shared``: the posts are in the stream between processes already. False when the source is no longer ours.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE mentions_source
            SET cursor = %(cursor)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
                retry_at = NULL, failures = CASE WHEN %(well)s THEN 0 ELSE failures END,
                last_heard_at = CASE WHEN %(some)s THEN now() ELSE last_heard_at END
            WHERE id = %(id)s AND lease_until = %(token)s AND state = 'active' AND deleted_at IS NULL
            RETURNING lease_until
            """,
            {
                "cursor": Source._meta.get_field("cursor").get_db_prep_value(
                    storable_json(chunk.cursor), connection
                ),
                "lease": LEASE.total_seconds(),
                "well": well,
                "some": bool(chunk.heard),
                "id": lease.source_id,
                "token": lease.until,
            },
        )
        row = cursor.fetchone()
        if row is None:
            return False
        if chunk.heard and not shared:
            hear_what_can_be(chunk.heard, source_id=lease.source_id)
    lease.until, lease.renewed = row[0], time.monotonic()
    return True


def give_back(lease: SourceLease, *, retry_after: timedelta | None = None, reason: str = "") -> None:
    """End the lease, if it is still ours. ``retry_after``: it broke; ``reason``: of what."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE mentions_source
            SET lease_until = NULL, retry_at = clock_timestamp() + make_interval(secs => %(pause)s::float8),
                failures = failures + CASE WHEN %(reason)s = '' THEN 0 ELSE 1 END,
                last_error = CASE WHEN %(reason)s = '' THEN last_error ELSE %(reason)s END,
                last_error_at = CASE WHEN %(reason)s = '' THEN last_error_at ELSE now() END
            WHERE id = %(id)s AND lease_until = %(token)s
            """,
            {
                "pause": retry_after.total_seconds() if retry_after is not None else None,
                "reason": storable(reason, limit=500),
                "id": lease.source_id,
                "token": lease.until,
            },
        )


class Sources:
    """Reads up to ``most`` sources side by side until it is told to stop. Survives the loss of the database."""

    def __init__(self, *, most: int, sharing: Sharing | None = None) -> None:
        self._most = most
        self._sharing = sharing
        self._stop = threading.Event()
        self._running: dict[threading.Thread, SourceLease] = {}
        self._failed: dict[int, int] = {}
        self._threads = Threads(STORERS, name="source-store")

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
                    for lease in claim_sources(limit=free) if free else []:
                        self._start(lease)
                    pause = LOOK_S
                except (DatabaseError, InterfaceError) as error:
                    log.warning("the database is away (%s); trying again", str(error).split("\n")[0])
                    connection.close()
                    pause = min(pause * 2, LONGEST_PAUSE_S)
        finally:
            self._end()

    def _start(self, lease: SourceLease) -> None:
        # A daemon: a source that does not hear the stop must not hold up the end of the process.
        thread = threading.Thread(
            target=self._read, args=(lease,), name=f"source-{lease.source_id}", daemon=True
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

    # In a source's thread --------------------------------------------------------------------------------
    def _read(self, lease: SourceLease) -> None:
        began = time.monotonic()
        reason, pause = "", None
        try:
            reason, pause = self._session(lease)
        except NOT_NOW as error:
            # What was not stored comes again. With the database away the lease runs out by itself.
            log.warning("source %s ended because nothing could be stored: %r", lease.source_id, error)
            if not self._stop.is_set():
                reason = str(error) if isinstance(error, NotShared) else _unexpected(error)
        except _Ended:
            return
        finally:
            connections.close_all()
        worked = time.monotonic() - began >= WORKED_S
        count = 0 if worked or self._stop.is_set() else self._failed.get(lease.source_id, 0) + 1
        self._failed[lease.source_id] = count
        if not lease.over:
            wait = None
            if not self._stop.is_set():
                wait = max(pause or timedelta(0), health.backoff(count, first=FIRST_RETRY))
            with suppress(DatabaseError, InterfaceError, _Ended):
                self._db(give_back, lease, retry_after=wait, reason=reason)

    def _session(self, lease: SourceLease) -> tuple[str, timedelta | None]:
        """Read until it ends; returns what went wrong, and how long it wants to be left alone."""
        source = self._db(Source.objects.get, id=lease.source_id)
        try:
            self._hear(lease, source)
        except (*NOT_NOW, _Ended):
            raise
        except NetworkError as error:
            if self._stop.is_set() and isinstance(error, TryAgain):
                return "", None  # cut off by our own end
            log.info("source %s ended: %s", lease.source_id, error)
            return str(error), error.after if isinstance(error, TryAgain) else REFUSED
        except Exception as error:
            if self._stop.is_set():
                return "", None
            log.exception("source %s failed in an unexpected way", lease.source_id)
            return _unexpected(error), None
        return "", None

    def _hear(self, lease: SourceLease, source: Source) -> None:
        kind = SOURCES.get(source.kind)
        if kind is None:
            raise Refused(f"There is no kind of source called {source.kind} here.")
        given = Given(source.options, source.secrets or {})
        began = time.monotonic()
        cursor: Any = source.cursor
        first = True
        for chunk in kind.run(given, cursor, lambda: lease.over or self._stop.is_set()):
            late = time.monotonic() - lease.renewed >= RENEW_S
            if first or late or chunk.heard or chunk.cursor != cursor:
                well = bool(chunk.heard) or time.monotonic() - began >= WORKED_S
                if not self._kept(lease, chunk, well=well):
                    lease.over = True
                    return
                first, cursor = False, chunk.cursor
            if lease.over or self._stop.is_set():
                return

    def _kept(self, lease: SourceLease, chunk: Chunk, *, well: bool) -> bool:
        """Store, and hold what cannot be stored while the database or the stream is away."""
        give_up = time.monotonic() + HELD_S
        shared = False
        while True:
            try:
                if self._sharing is not None and chunk.heard and not shared:
                    self._sharing.publish(lease.source_id, chunk.heard)
                    shared = True
                return self._db(store, lease, chunk, well=well, shared=shared)
            except NOT_NOW as error:
                if time.monotonic() >= give_up or self._stop.is_set():
                    raise
                log.warning("what was heard waits to be stored (%s)", str(error).split("\n")[0])
                self._stop.wait(RETRY_S)

    def _db(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            task = self._threads.submit(work, *args, **kwargs)
        except RuntimeError as error:  # closed already, says the executor
            raise _Ended from error
        try:
            return task.result()
        except CancelledError as error:
            raise _Ended from error


def _unexpected(error: Exception) -> str:
    return f"Unexpected error ({type(error).__name__})."
