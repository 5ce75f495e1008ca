"""The past, looked through for a query once it is saved or changed."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rapport.mentions.models import Query

QUEUE = "mentions"
TASK = "rapport.mentions.look_back"


def begin(query: Query, *, days: int = 30) -> None:
    """Look through what was said in the last ``days`` for the query's newest version; in the transaction that saves it.

    Replaces what an older version had begun.
    """
    now = timezone.now()
    query.backfill = {
        "version": query.version_id,
        "from": (now - timedelta(days=days)).isoformat(),
        "until": now.isoformat(),
        "next": {},
        "looked": 0,
        "found": 0,
        "state": "running",
        "error": "",
    }
    query.save(update_fields=["backfill"])
    defer(query.id)


def defer(query_id: int) -> int:
    """Ask for the next part in the caller's transaction; at most one waits. Returns 1 if it was asked for."""
    name = f"look-back-{query_id}"
    try:
        with transaction.atomic():
            app.configure_task(TASK, queue=QUEUE, lock=name, queueing_lock=name).defer(query_id=query_id)
    except AlreadyEnqueued:
        return 0
    return 1
