"""The part of a worker that turns raw events into messages as they come."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psycopg
from django.db import DatabaseError, InterfaceError, connection
from procrastinate.contrib.django.utils import connector_params

from rapport.ingest.process import process_pending
from rapport.lib.live import INGEST

log = logging.getLogger("rapport.worker.ingest")

# What a lost notification costs at most.
FALLBACK_S = 1.0
# The longest the thread waits before it tries a lost database again.
LONGEST_PAUSE_S = 2.0


class IngestThread(threading.Thread):
    """Waits for NOTIFY and processes until nothing is pending. Survives the loss of the database.

    An error that is not the database's is logged and tried again, because what cannot be understood
    is parked by the processing itself; if the thread dies all the same, ``on_failure`` is called and
    ``failure`` says why, and the process is expected to end.
    """

    def __init__(self) -> None:
        super().__init__(name="ingest", daemon=True)
        self.failure: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """End after the batch at hand, and wait for it (a few seconds)."""
        self._stop_asked.set()
        self.join(timeout=5)

    def run(self) -> None:
        pause = 0.0
        try:
            while not self._stop_asked.wait(pause):
                try:
                    self._listen()
                    pause = 0.0
                except (DatabaseError, InterfaceError, psycopg.Error) as error:
                    log.warning("the database is away (%s); trying again", str(error).split("\n")[0])
                    pause = min(pause * 2 + 0.1, LONGEST_PAUSE_S)
                except Exception:
                    log.exception("processing failed; trying again")
                    pause = min(pause * 2 + 0.1, LONGEST_PAUSE_S)
                finally:
                    connection.close()
        except BaseException as error:
            self.failure = error
            self.on_failure()
            raise

    def _listen(self) -> None:
        # A connection of its own: one that waits for notifications can do nothing else.
        with psycopg.connect(**{**connector_params(), "autocommit": True}) as waiter:
            waiter.execute(f"LISTEN {INGEST}")
            while not self._stop_asked.is_set():
                while process_pending() and not self._stop_asked.is_set():
                    pass
                self._wait(waiter)

    def _wait(self, waiter: psycopg.Connection) -> None:
        # In slices, so that a stop is quick even when nothing is heard.
        until = time.monotonic() + FALLBACK_S
        while not self._stop_asked.is_set() and time.monotonic() < until:
            if next(iter(waiter.notifies(timeout=0.2, stop_after=1)), None) is not None:
                return
