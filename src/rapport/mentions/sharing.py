"""Hearing what other processes read: any number of listeners share the partitions of one stream.

Who reads a partition is decided by the database's advisory locks, held by the very connection that stores what was
heard: a process that dies, or loses its connection, loses its partitions in the same moment, and another begins
where the last acknowledgement was. Bundles are acknowledged after the commit, so a post may be heard twice and is
stored once; the counters of what was heard may count the bundles that were under way at a death a second time.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, connection, transaction

from rapport.mentions.careful import hear_what_can_be
from rapport.mentions.hearing import Heard
from rapport.mentions.models import Source
from rapport.mentions.recording import QueriesChangedMeanwhile
from rapport.mentions.sources.base import NotShared
from rapport.mentions.sources.carried import opened
from rapport.mentions.sources.events import UNREADABLE
from rapport.mentions.sources.nats_stream import PARTITIONS, NatsStream

if TYPE_CHECKING:
    from nats.aio.msg import Msg

log = logging.getLogger(__name__)

# The first of the two numbers of each advisory lock: "heard".
LOCK = 0x68656172
# The second: a partition, or this one, which every process shares and by which they are counted.
MEMBER = 1_000_000
BALANCE_S = 1.0
WAIT_S = 0.5
RETRY_S = 1.0


class Shared:
    """Reads its share of the partitions until it is told to stop. Survives the loss of database and stream."""

    def __init__(self, stream: NatsStream) -> None:
        self._stream = stream
        self._stop = threading.Event()
        self._held: set[int] = set()
        self._member = False
        self._balanced = 0.0
        self._known: set[int] = set()

    def stop(self) -> None:
        """End soon: what is under way is stored and acknowledged."""
        self._stop.set()

    def run(self) -> None:
        """Work until :meth:`stop`."""
        try:
            while not self._stop.is_set():
                try:
                    self.turn()
                except (DatabaseError, InterfaceError, NotShared, QueriesChangedMeanwhile) as error:
                    log.warning("the stream between processes waits (%s)", str(error).split("\n")[0])
                    self._lose()
                    self._stop.wait(RETRY_S)
        finally:
            self._lose()

    def turn(self) -> int:
        """Take what has come in our partitions, store and acknowledge it. Returns how many posts it was."""
        if time.monotonic() - self._balanced >= BALANCE_S:
            self._balance()
        taken = self._stream.take(within_s=WAIT_S)
        messages = [one for some in taken.values() for one in some]
        if not messages:
            return 0
        heard = self._store(messages)
        self._stream.acknowledge(messages)
        return heard

    def _store(self, messages: list[Msg]) -> int:
        by_source: dict[int, list[Heard]] = {}
        for message in messages:
            try:
                source_id, posts = opened(message.data)
            except UNREADABLE as error:
                log.error("a bundle in the stream is none of ours: %r", error)
                continue
            by_source.setdefault(source_id, []).extend(posts)
        unknown = set(by_source) - self._known
        if unknown:
            self._known |= set(Source.objects.filter(id__in=unknown).values_list("id", flat=True))
        for source_id, posts in by_source.items():
            if source_id in self._known:
                with transaction.atomic():
                    hear_what_can_be(posts, source_id=source_id)
            else:
                log.error("%d posts in the stream are of source %s, which is not here", len(posts), source_id)
        return sum(len(posts) for posts in by_source.values())

    # Whose partition it is -------------------------------------------------------------------------------
    def _balance(self) -> None:
        """Hold as many partitions as the others, taking what is free and giving back what is too much."""
        with connection.cursor() as cursor:
            if not self._member:
                cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", [LOCK, MEMBER])
                self._member = True
            cursor.execute(
                """
                SELECT count(*) FROM pg_locks
                WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2 AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """,
                [LOCK, MEMBER],
            )
            share = -(-PARTITIONS // max(1, cursor.fetchone()[0]))
            if len(self._held) > share:
                extra = sorted(self._held)[share:]
                self._stream.end(extra)
                for partition in extra:
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, partition])
                    self._held.discard(partition)
            if len(self._held) < share:
                self._take_free(share)
        self._balanced = time.monotonic()

    def _take_free(self, share: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                [LOCK],
            )
            taken = {int(row[0]) for row in cursor.fetchall()}
            for partition in range(PARTITIONS):
                if len(self._held) >= share:
                    return
                if partition in taken:
                    continue
                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, partition])
                if cursor.fetchone()[0]:
                    self._held.add(partition)
                    self._stream.begin(partition)

    def _lose(self) -> None:
        """Give everything back; the locks go with the connection."""
        self._stream.end(self._held)
        self._held, self._member, self._balanced = set(), False, 0.0
        connection.close()
