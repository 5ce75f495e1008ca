"""The living demo: customers who write, and the practice network's webhook deliveries, until told to stop."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from rapport.networks.practice.simulator.live import Simulator
from rapport.networks.practice.simulator.plan import Pace
from rapport.networks.practice.simulator.script import load_script
from rapport.networks.practice.webhooks import deliver_webhooks

log = logging.getLogger(__name__)

TICK_S = 0.5
_AFTER_TROUBLE_S = 2.0


def live(*, stop: threading.Event, seed: str, pace: Pace) -> None:
    """Play until ``stop`` is set. Webhooks have a thread of their own, so that a slow subscriber does
    not hold the customers up. When that thread dies, the play ends with its error."""
    failure: list[BaseException] = []

    def deliver() -> None:
        try:
            deliver_webhooks(stop=stop.is_set)
        except Exception as error:
            failure.append(error)
            stop.set()

    thread = threading.Thread(target=deliver, name="webhooks")
    thread.start()
    try:
        _play(stop=stop, simulator=Simulator(load_script(), seed, pace))
    finally:
        stop.set()
        thread.join()
        connection.close()
    if failure:
        raise failure[0]


def _play(*, stop: threading.Event, simulator: Simulator) -> None:
    while not stop.is_set():
        try:
            simulator.tick(timezone.now())
        except (DatabaseError, InterfaceError) as error:
            # PostgreSQL was restarted, or two people wrote at once: what is due is still due.
            log.warning("the demo's customers wait: %s", str(error).strip())
            connection.close()
            stop.wait(_AFTER_TROUBLE_S)
        stop.wait(TICK_S / simulator.pace.speed if simulator.pace.speed > 1 else TICK_S)
