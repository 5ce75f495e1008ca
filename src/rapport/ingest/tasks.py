"""What is asked of networks as jobs: the past, page by page, and what they only told of."""

from __future__ import annotations

from procrastinate.contrib.django import app

from rapport.ingest import backfill, lookups


@app.task(name=backfill.TASK, queue=backfill.QUEUE)
def backfill_page(channel_id: int) -> None:
    """Fetch one page of a channel's past. Running it twice stores it once."""
    backfill.take_page(channel_id=channel_id)


@app.task(name=lookups.TASK, queue=lookups.QUEUE)
def look_up(channel_id: int) -> None:
    """Look up what a channel's network only told of. Running it twice stores it once."""
    lookups.take(channel_id=channel_id)
