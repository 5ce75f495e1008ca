"""The lock of a channel: who holds it is the only one who changes its threads, and the cases of these."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

_LOCK_CLASS = 0x52_41  # keeps our advisory locks apart from others'


def lock_channel(channel_id: int) -> None:
    """Wait for the channel's lock and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, channel_id])


def lock_channels(channel_ids: Iterable[int]) -> None:
    """The same for several, in one order for everybody, so that two who want the same cannot block each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, id) FROM (SELECT id FROM unnest(%s::int[]) AS id ORDER BY id) c",
            [_LOCK_CLASS, sorted(set(channel_ids))],
        )


def try_lock_channel(channel_id: int) -> bool:
    """Take the channel's lock until the transaction ends, if nobody has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, channel_id])
        return bool(cursor.fetchone()[0])
