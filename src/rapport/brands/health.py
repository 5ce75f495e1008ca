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
# The shortest and the longest pause of an open breaker.
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
# While one caller probes, the others wait this long for its answer.
PROBE = timedelta(seconds=30)


def backoff(attempt: int, *, first: timedelta, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """Pause after failure number ``attempt`` (from 1): doubling, capped, with jitter so that many
    callers do not return at the same moment. Between half of the pause and all of it."""
    pause = min(first * 2 ** min(max(attempt, 1) - 1, 20), longest)
    return timedelta(seconds=pause.total_seconds() * _jitter())


def _jitter() -> float:
    return 0.5 + random.random() / 2  # noqa: S311 - not a secret


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
    """A call failed in a way that may pass. ``after`` is the network's own wish, which paces every call.

    The breaker's pause grows with how long the trouble has lasted (a quarter of it), not with the
    number of failures: many calls that fail at the same moment are one trouble.
    """
    with connection.cursor() as cursor:
        # Below the threshold nothing stays open: a probe that was let through must not hold the rest.
        cursor.execute(
            """
            UPDATE brands_channel
            SET failures = failures + 1, last_error = %(reason)s, last_error_at = now(),
                open_until = greatest(
                    now() + make_interval(secs => %(after)s),
                    CASE WHEN failures + 1 >= %(threshold)s THEN
                        now() + %(jitter)s * least(
                            greatest((now() - coalesce(last_ok_at, created_at)) / 4,
                                     make_interval(secs => %(first)s)),
                            make_interval(secs => %(longest)s))
                    END)
            WHERE id = %(id)s
            """,
            {
                "id": channel_id,
                "reason": storable(reason, limit=1000),
                "after": after.total_seconds() if after is not None else None,
                "threshold": THRESHOLD,
                "jitter": _jitter(),
                "first": FIRST_PAUSE.total_seconds(),
                "longest": LONGEST_PAUSE.total_seconds(),
            },
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
