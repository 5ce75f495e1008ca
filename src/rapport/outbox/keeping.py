"""Keeping a claim while the network is called: a film's upload takes longer than any lease should.

A worker that is killed takes its keeper with it, so its claim runs out as soon as before.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType

from django.db import DatabaseError, InterfaceError, connection

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
KEEP_S = 20.0
# Who calls a network for so long hangs; another worker may ask it whether it has the post.
LONGEST_S = 300.0


@dataclass
class Claim:
    """One reply, leased to this worker until ``lease_until``, which is also the token of the lease and moves on
    while it is kept."""

    outgoing_id: int
    lease_until: datetime
    attempts: int
    doubtful: bool


class Kept:
    """Renews ``claim`` while inside. After leaving, ``claim.lease_until`` is the lease's last word."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keep-claim", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        try:
            for _ in range(int(LONGEST_S / KEEP_S)):
                if self._over.wait(KEEP_S):
                    return
                try:
                    if not self._renew():
                        return  # somebody else has it by now
                except (DatabaseError, InterfaceError) as failure:
                    log.warning("a claim could not be kept: %s", str(failure).split("\n")[0])
                    with suppress(DatabaseError, InterfaceError):
                        connection.close()
        finally:
            # Every thread has a connection of its own.
            with suppress(DatabaseError, InterfaceError):
                connection.close()

    def _renew(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE outbox_outgoing SET lease_until = clock_timestamp() + make_interval(secs => %s) "
                "WHERE id = %s AND state = 'sending' AND lease_until = %s RETURNING lease_until",
                [LEASE.total_seconds(), self._claim.outgoing_id, self._claim.lease_until],
            )
            row = cursor.fetchone()
        if row is None:
            return False
        self._claim.lease_until = row[0]
        return True
