"""Reading sources: each by one thread of one process, whichever of any number of listeners has its lease.

The cursor is stored in the transaction that stores what was heard, so a listener that dies loses nothing: another
takes over within the lease and begins where the last transaction ended. With a stream between processes
(``RAPPORT_STREAM``) what was heard is handed on instead, before the cursor moves (see ``sharing.py``).
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from django.db import DatabaseError, InterfaceError, connection, transaction

from rapport.ingest.readers import LEASE, REFUSED, WORKED_S, Ended, Lease, Readers, hold
from rapport.lib.text import storable, storable_json
from rapport.mentions.careful import hear_what_can_be
from rapport.mentions.hearing import Heard
from rapport.mentions.models import Source
from rapport.mentions.recording import QueriesChangedMeanwhile
from rapport.mentions.sources.base import Chunk, Given, NotShared
from rapport.mentions.sources.registry import STREAMED
from rapport.networks.errors import NetworkError, Refused, TryAgain

log = logging.getLogger(__name__)

# Sources wait for each other when they store; so many connections they have together.
STORERS = 2
# What is not the fault of what was heard: it is held, and tried again.
NOT_NOW = (DatabaseError, InterfaceError, NotShared, QueriesChangedMeanwhile)


class Sharing(Protocol):
    """Hands on what was heard to any number of processes; returns once it is safe there."""

    def publish(self, source_id: int, heard: list[Heard]) -> None: ...


def claim_sources(*, limit: int, source_id: int | None = None) -> list[Lease]:
    """Lease up to ``limit`` sources that nobody reads, those waiting longest first; or the one asked for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE mentions_source SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
            WHERE id = ANY(ARRAY(  -- asked for once: IN may be asked for each row, and then takes more than its limit
                SELECT id FROM mentions_source
                WHERE state = 'active' AND deleted_at IS NULL
                  AND (lease_until IS NULL OR lease_until <= now())
                  AND (id = %(one)s OR %(one)s::bigint IS NULL AND kind = ANY(%(kinds)s)
                       AND (retry_at IS NULL OR retry_at <= now()))
                ORDER BY lease_until NULLS FIRST LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            ))
            RETURNING id, lease_until
            """,
            {"lease": LEASE.total_seconds(), "one": source_id, "kinds": list(STREAMED), "limit": limit},
        )
        return [Lease(*row) for row in cursor.fetchall()]


def store(lease: Lease, chunk: Chunk, *, well: bool, shared: bool = False) -> bool:
    """What was heard, cursor and lease in one transaction. ``well``: it works, so earlier failures are over.

    ``shared``: the posts are in the stream between processes already. False when the source is no longer ours.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE mentions_source
            SET cursor = %(cursor)s, left_out = coalesce(%(left_out)s, left_out),
                lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
                retry_at = NULL, failures = CASE WHEN %(well)s THEN 0 ELSE failures END,
                last_heard_at = CASE WHEN %(some)s THEN now() ELSE last_heard_at END
            WHERE id = %(id)s AND lease_until = %(token)s AND state = 'active' AND deleted_at IS NULL
            RETURNING lease_until
            """,
            {
                "cursor": Source._meta.get_field("cursor").get_db_prep_value(
                    storable_json(chunk.cursor), connection
                ),
                "left_out": None
                if chunk.left_out is None
                else Source._meta.get_field("left_out").get_db_prep_value(
                    [storable(one, limit=500) for one in chunk.left_out], connection
                ),
                "lease": LEASE.total_seconds(),
                "well": well,
                "some": bool(chunk.heard),
                "id": lease.of,
                "token": lease.until,
            },
        )
        row = cursor.fetchone()
        if row is None:
            return False
        if chunk.heard and not shared:
            hear_what_can_be(chunk.heard, source_id=lease.of)
    lease.moved(row[0])
    return True


def give_back(lease: Lease, *, retry_after: timedelta | None = None, reason: str = "") -> None:
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
                "id": lease.of,
                "token": lease.until,
            },
        )


class Sources(Readers):
    """Reads up to ``most`` sources side by side until it is told to stop. Survives the loss of the database."""

    what = "source"

    def __init__(self, *, most: int, sharing: Sharing | None = None) -> None:
        super().__init__(most=most, storers=STORERS)
        self._sharing = sharing

    def _claim(self, *, limit: int) -> list[Lease]:
        return claim_sources(limit=limit)

    def _give_back(self, lease: Lease) -> None:
        give_back(lease)

    # In a source's thread --------------------------------------------------------------------------------
    def _read(self, lease: Lease) -> None:
        began = time.monotonic()
        reason, pause = "", None
        try:
            reason, pause = self._session(lease)
        except NOT_NOW as error:
            # What was not stored comes again. With the database away the lease runs out by itself.
            log.warning("source %s ended because nothing could be stored: %r", lease.of, error)
            if not self._stop.is_set():
                reason = str(error) if isinstance(error, NotShared) else _unexpected(error)
        wait = self._rest(lease, began, pause)
        if not lease.over:
            with suppress(DatabaseError, InterfaceError):
                self._db(give_back, lease, retry_after=wait, reason=reason)

    def _session(self, lease: Lease) -> tuple[str, timedelta | None]:
        """Read until it ends; returns what went wrong, and how long it wants to be left alone."""
        source = self._db(Source.objects.get, id=lease.of)
        try:
            self._hear(lease, source)
        except (*NOT_NOW, Ended):
            raise
        except NetworkError as error:
            if self._stop.is_set() and isinstance(error, TryAgain):
                return "", None  # cut off by our own end
            log.info("source %s ended: %s", lease.of, error)
            return str(error), error.after if isinstance(error, TryAgain) else REFUSED
        except Exception as error:
            if self._stop.is_set():
                return "", None
            log.exception("source %s failed in an unexpected way", lease.of)
            return _unexpected(error), None
        return "", None

    def _hear(self, lease: Lease, source: Source) -> None:
        kind = STREAMED.get(source.kind)
        if kind is None:
            raise Refused(f"There is no kind of source called {source.kind} here.")
        given = Given(source.options, source.secrets or {})
        began = time.monotonic()
        cursor: Any = source.cursor
        first = True
        for chunk in kind.run(given, cursor, lambda: lease.over or self._stop.is_set()):
            if first or lease.late or chunk.heard or chunk.cursor != cursor or chunk.left_out is not None:
                well = bool(chunk.heard) or time.monotonic() - began >= WORKED_S
                if not self._kept(lease, chunk, well=well):
                    lease.over = True
                    return
                first, cursor = False, chunk.cursor
            if lease.over or self._stop.is_set():
                return

    def _kept(self, lease: Lease, chunk: Chunk, *, well: bool) -> bool:
        """Hand it on, if it is shared, and store; each is held until it can be done."""
        shared = self._sharing is not None and bool(chunk.heard)
        if self._sharing is not None and shared:
            hold(partial(self._sharing.publish, lease.of, chunk.heard), NOT_NOW, self._stop)
        storing = partial(self._db, store, lease, chunk, well=well, shared=shared)
        return hold(storing, NOT_NOW, self._stop)


def _unexpected(error: Exception) -> str:
    return f"Unexpected error ({type(error).__name__})."
