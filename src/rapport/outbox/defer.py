"""Asking for deliveries. Apart from the task itself, so that delivery can ask for the next one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from procrastinate.contrib.django import app
from procrastinate.types import JSONDict

QUEUE = "outbox"
TASK = "rapport.outbox.deliver_outgoing"


def defer_delivery(*, outgoing_id: int, not_before: datetime) -> None:
    """Ask for the delivery of one reply at ``not_before``, in the caller's transaction."""
    app.configure_task(TASK, queue=QUEUE, schedule_at=not_before).defer(outgoing_id=outgoing_id)


def defer_deliveries(*, outgoing_ids: Iterable[int]) -> None:
    """Ask for the delivery of many replies now, in one statement of the caller's transaction."""
    wanted: list[JSONDict] = [{"outgoing_id": outgoing_id} for outgoing_id in outgoing_ids]
    if wanted:
        app.configure_task(TASK, queue=QUEUE).batch_defer(*wanted)
