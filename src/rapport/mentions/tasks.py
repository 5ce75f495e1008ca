"""What mentions ask for as jobs: cases that rules open, mutes asked of old mentions, the past of a query."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from rapport.mentions import backfill, mute_passes, rules
from rapport.mentions.spikes.tasks import tell as tell

# The database is away, or two waited for each other.
_AGAIN = RetryStrategy(max_attempts=5, linear_wait=30, retry_exceptions={OperationalError, InterfaceError})


@app.task(name=rules.TASK, queue=rules.QUEUE, retry=_AGAIN)
def open_cases(wanted: list[tuple[int, int]]) -> None:
    """Open the cases of mentions that rules asked for. Running it twice opens each once."""
    rules.open_cases(wanted)


@app.task(name=mute_passes.TASK, queue=mute_passes.QUEUE)
def go_through(pass_id: int) -> None:
    """Ask a mute of a part of the older mentions. Running it twice changes nothing more."""
    mute_passes.go_through(pass_id=pass_id)


@app.task(name=backfill.TASK, queue=backfill.QUEUE)
def look_back(query_id: int) -> None:
    """Look through a part of the past for a query. Running it twice stores everything once."""
    backfill.look_back(query_id=query_id)
