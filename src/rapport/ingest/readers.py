"""Reading what never ends, side by side: each by one thread of one process, as long as its lease is ours."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connection, connections

from rapport.brands import health
from rapport.ingest.threads import Threads

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LEASE = timedelta(seconds=45)
# A lease is renewed this often although nothing happens; what was paused ends as soon.
RENEW_S = 10.0
LOOK_S = 1.0
LONGEST_PAUSE_S = 5.0
FIRST_RETRY = timedelta(seconds=1)
# What was refused is tried again: a server may be updated, somebody may put it right.
REFUSED = timedelta(hours=1)
# What was open so long worked, whatever ended it.
WORKED_S = 30.0
# How long what was heard is held while it cannot be stored, and how often that is tried.
HELD_S = 40.0
RETRY_S = 1.0
# How long a stop waits for what is read to hear of it.
GRACE_S = 3.0


class Ended(Exception):
    """The storers are closed: this process ends."""


@dataclass
class Lease:
    """What ``of`` (an id) names is ours to read until ``until``, which is also the token; it moves on."""

    of: int
    until: datetime
    renewed: float = field(default_factory=time.monotonic)
    over: bool = False  # somebody else has it, or it is no longer to be read

    def moved(self, until: datetime) -> None:
        """The database has made it longer."""
        self.until, self.renewed = until, time.monotonic()

    @property
    def late(self) -> bool:
        """It is time to renew it."""
        return time.monotonic() - self.renewed >= RENEW_S


def hold(store: Callable[[], T], not_now: tuple[type[Exception], ...], stop: threading.Event) -> T:
    """Store, and try again while ``not_now`` is why it cannot be; raises that when it lasts, or at the stop."""
    give_up = time.monotonic() + HELD_S
    while True:
        try:
            return store()
        except not_now as error:
            if time.monotonic() >= give_up or stop.is_set():
                raise
            log.warning("what was heard waits to be stored (%s)", str(error).split("\n")[0])
            stop.wait(RETRY_S)


class Readers(ABC):
    """Reads up to ``most`` side by side until it is told to stop. Survives the loss of the database.

    What is read has a thread each, without a connection of its own; ``storers`` connections store for all.
    """

    # What is read, in the names of threads.
    what: str

    def __init__(self, *, most: int, storers: int) -> None:
        self._most = most
        self._stop = threading.Event()
        self._running: dict[threading.Thread, Lease] = {}
        self._failed: dict[int, int] = {}
        self._threads = Threads(storers, name=f"{self.what}-store")

    @abstractmethod
    def _claim(self, *, limit: int) -> list[Lease]:
        """Lease what nobody reads."""

    @abstractmethod
    def _give_back(self, lease: Lease) -> None:
        """End a lease, with nothing said of how it went."""

    @abstractmethod
    def _read(self, lease: Lease) -> None:
        """Read until it ends: the whole of a thread. May raise :class:`Ended`."""

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
                    for lease in self._claim(limit=free) if free else []:
                        self._start(lease)
                    pause = LOOK_S
                except (DatabaseError, InterfaceError) as error:
                    log.warning("the database is away (%s); trying again", str(error).split("\n")[0])
                    connection.close()
                    pause = min(pause * 2, LONGEST_PAUSE_S)
        finally:
            self._end()

    def _start(self, lease: Lease) -> None:
        # A daemon: what does not hear the stop must not hold up the end of the process.
        thread = threading.Thread(
            target=self._thread, args=(lease,), name=f"{self.what}-{lease.of}", daemon=True
        )
        self._running[thread] = lease
        thread.start()

    def _thread(self, lease: Lease) -> None:
        with suppress(Ended):
            self._read(lease)

    def _end(self) -> None:
        until = time.monotonic() + GRACE_S
        for thread in self._running:
            thread.join(max(0.0, until - time.monotonic()))
        for thread, lease in self._running.items():
            if thread.is_alive():
                lease.over = True
                with suppress(DatabaseError, InterfaceError):
                    self._give_back(lease)
        self._threads.close()
        connections.close_all()

    def _rest(self, lease: Lease, began: float, pause: timedelta | None) -> timedelta | None:
        """How long to leave it alone, having read since ``began`` (monotonic); None when it is our own end.

        ``pause``: what the network asked for. What ends again and again waits longer each time.
        """
        if self._stop.is_set():
            self._failed[lease.of] = 0
            return None
        worked = time.monotonic() - began >= WORKED_S
        count = self._failed[lease.of] = 0 if worked else self._failed.get(lease.of, 0) + 1
        return max(pause or timedelta(0), health.backoff(count, first=FIRST_RETRY))

    def _db(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Work that needs the database, by one of the storers. Raises :class:`Ended` once they are closed."""
        try:
            task = self._threads.submit(work, *args, **kwargs)
        except RuntimeError as error:  # closed already, says the executor
            raise Ended from error
        try:
            return task.result()
        except CancelledError as error:
            raise Ended from error
