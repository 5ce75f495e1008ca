"""Fetching the past as a job: each page asks for the next one in the transaction that stores it."""

from __future__ import annotations

from procrastinate.contrib.django import app

from rapport.ingest import backfill


@app.task(name=backfill.TASK, queue=backfill.QUEUE)
def backfill_page(channel_id: int) -> None:
    """Fetch one page of a channel's past. Running it twice stores it once."""
    backfill.take_page(channel_id=channel_id)
