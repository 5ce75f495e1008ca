"""Asking for pushes and e-mails, in the caller's transaction. Jobs carry ids only, never words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from procrastinate.contrib.django import app
from procrastinate.types import JSONDict

QUEUE = "notices"
PUSH = "rapport.notices.push"
MAIL = "rapport.notices.mail"
TRIAL = "rapport.notices.try_device"


def defer_pushes(wanted: Iterable[JSONDict]) -> None:
    """Each with ``device_id`` and ``notice_ids``."""
    jobs = list(wanted)
    if jobs:
        app.configure_task(PUSH, queue=QUEUE).batch_defer(*jobs)


def defer_mails(wanted: Iterable[JSONDict]) -> None:
    """Each with ``user_id`` and ``notice_ids``."""
    jobs = list(wanted)
    if jobs:
        app.configure_task(MAIL, queue=QUEUE).batch_defer(*jobs)


def defer_again(task: str, *, at: datetime, **given: Any) -> None:
    """The same once more, later."""
    app.configure_task(task, queue=QUEUE, schedule_at=at).defer(**given)


def defer_trial(*, device_id: int) -> None:
    """Something to see on one device."""
    app.configure_task(TRIAL, queue=QUEUE).defer(device_id=device_id)
