"""Pacing, circuit breaker and health of channels: once, outside connectors.

Listener and worker ask :func:`admit` before they call a network and say how it went. The state is on
the channel's row, so any number of processes share it and the desk and ``rapport doctor`` can show it.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.db import connection

from rapport.brands.models import Channel, ChannelState
from rapport.lib.text import storable

# Failures in a row before the breaker opens.
THRESHOLD = 5
# The first pause of an open breaker; it doubles with each failed probe.
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
# While one caller probes, the others wait this long for its answer.
PROBE = timedelta(seconds=30)


def backoff(attempt: int, *, first: timedelta, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """Pause after failure number ``attempt`` (from 1): doubling, capped, with jitter so that many
    callers do not return at the same moment. Between half of the pause and all of it."""
    pause = min(first * 2 ** min(max(attempt, 1) - 1, 20), longest)
    jitter = 0.5 + random.random() / 2  # noqa: S311 - not a secret
    return timedelta(seconds=pause.total_seconds() * jitter)


def admit(*, channel_id: int) -> datetime | None:
    """Whether a call may be made now: None for yes, else the time to wait for.

    Once an open breaker's pause is over, exactly one caller is let through as a probe.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel SET open_until = now() + make_interval(secs => %s)
            WHERE id = %s AND open_until <= now()
            """,
            [PROBE.total_seconds(), channel_id],
        )
        if cursor.rowcount:
            return None
    return Channel.objects.filter(id=channel_id).values_list("open_until", flat=True).first()


def succeeded(*, channel_id: int) -> None:
    """A call worked: the breaker closes and the error is forgotten.

    Written at most every few seconds while all is well, because every send of a channel would
    otherwise update the same row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel
            SET failures = 0, open_until = NULL, last_error = '', last_ok_at = now()
            WHERE id = %s AND (failures > 0 OR open_until IS NOT NULL OR last_error <> ''
                               OR last_ok_at IS NULL OR last_ok_at < now() - interval '5 seconds')
            """,
            [channel_id],
        )


def failed(*, channel_id: int, reason: str, after: timedelta | None = None) -> None:
    """A call failed in a way that may pass. ``after`` is the network's own wish, which paces every call."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE brands_channel SET failures = failures + 1, last_error = %s, last_error_at = now() "
            "WHERE id = %s RETURNING failures",
            [storable(reason, limit=1000), channel_id],
        )
        row = cursor.fetchone()
        if row is None:
            return
        pause = after
        if row[0] >= THRESHOLD:
            opened = backoff(row[0] - THRESHOLD + 1, first=FIRST_PAUSE)
            pause = max(opened, after) if after is not None else opened
        # Below the threshold nothing stays open: a probe that was let through must not hold the rest.
        cursor.execute(
            "UPDATE brands_channel SET open_until = now() + make_interval(secs => %s) WHERE id = %s",
            [pause.total_seconds() if pause is not None else None, channel_id],
        )


def disconnected(*, channel_id: int, reason: str) -> bool:
    """The credentials are gone: no more calls until a person connects the channel again.

    Returns whether this call made the change.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel SET state = %s, failures = failures + 1, last_error = %s,
                last_error_at = now(), open_until = NULL, poll_lease_until = NULL
            WHERE id = %s AND state <> %s
            """,
            [ChannelState.DISCONNECTED, storable(reason, limit=1000), channel_id, ChannelState.DISCONNECTED],
        )
        return bool(cursor.rowcount)
