"""Delivery as a job: it commits with the reply that asks for it."""

from __future__ import annotations

from procrastinate.contrib.django import app

from rapport.outbox import delivery
from rapport.outbox.defer import QUEUE, TASK


@app.task(name=TASK, queue=QUEUE)
def deliver_outgoing(outgoing_id: int) -> None:
    """Send one reply if it is due. Running it twice sends once."""
    delivery.deliver(outgoing_id=outgoing_id)
