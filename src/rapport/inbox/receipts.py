"""Receipts: how far a person has read, or been given, what was said in a private conversation.

Kept as one mark for each conversation and person, so that it costs the same however long they talk. The mark
is the furthest of all receipts, so it is the same in whatever order they come, and never goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from rapport.brands.models import Channel


@dataclass(frozen=True, kw_only=True)
class Given:
    """A receipt for whatever was said until ``until`` or, where that is None, until ``message_id`` was."""

    kind: str
    thread_key: str
    reader_id: str
    at: datetime
    until: datetime | None
    message_id: str = ""


# Of two that reach equally far, the earlier one is when it happened.
_MARK = """
WITH reached AS ({reached})
INSERT INTO inbox_receipt AS known
    (channel_id, thread_key, reader_external_id, kind, message_external_id, until, at)
SELECT DISTINCT ON (thread_key, reader, kind) %(channel)s, thread_key, reader, kind, '', until, at
FROM reached ORDER BY thread_key, reader, kind, until DESC, at
ON CONFLICT (channel_id, thread_key, reader_external_id, kind, message_external_id) DO UPDATE
    SET until = excluded.until, at = excluded.at
    WHERE (excluded.until, known.at) > (known.until, excluded.at)
RETURNING thread_key, reader_external_id
"""
_TIMED = """
SELECT * FROM unnest(%(keys)s::text[], %(readers)s::text[], %(kinds)s::text[], %(untils)s::timestamptz[],
                     %(ats)s::timestamptz[]) AS g(thread_key, reader, kind, until, at)
"""
_WAIT = """
INSERT INTO inbox_receipt AS known
    (channel_id, thread_key, reader_external_id, kind, message_external_id, until, at)
SELECT %(channel)s, thread_key, reader, kind, message, NULL, min(at)
FROM unnest(%(keys)s::text[], %(readers)s::text[], %(kinds)s::text[], %(messages)s::text[],
            %(ats)s::timestamptz[]) AS g(thread_key, reader, kind, message, at)
GROUP BY thread_key, reader, kind, message
ON CONFLICT (channel_id, thread_key, reader_external_id, kind, message_external_id) DO UPDATE
    SET at = least(known.at, excluded.at)
"""
# The condition on the waiting row's own message is the index's, in its words.
_WAITED = """
DELETE FROM inbox_receipt waiting USING unnest(%(messages)s::text[]) AS said(id), inbox_message m
WHERE waiting.channel_id = %(channel)s AND waiting.message_external_id = said.id
  AND NOT waiting.message_external_id = ''
  AND m.channel_id = %(channel)s AND m.external_id = said.id
RETURNING waiting.thread_key, waiting.reader_external_id AS reader, waiting.kind, m.sent_at AS until, waiting.at
"""
_FURTHER = _MARK.format(reached=_TIMED)
_FOUND = _MARK.format(reached=_WAITED)
# A conversation lies in one thread, but for parts that colleagues made threads of their own.
_CASES = """
SELECT DISTINCT ct.case_id
FROM unnest(%(keys)s::text[], %(readers)s::text[]) AS g(thread_key, reader)
JOIN contacts_identity i ON i.network = %(network)s AND i.external_id = g.reader
CROSS JOIN LATERAL (
    (SELECT thread_id FROM inbox_message
     WHERE channel_id = %(channel)s AND thread_key = g.thread_key LIMIT 1)
    UNION
    (SELECT thread_id FROM inbox_message
     WHERE channel_id = %(channel)s AND thread_key = g.thread_key AND parted)
) t
JOIN inbox_casethread ct ON ct.thread_id = t.thread_id AND ct.contact_id = i.contact_id
"""


def record(*, channel: Channel, given: Sequence[Given], said: Sequence[str]) -> set[int]:
    """Keep receipts of a channel, and those that waited for what was ``said`` just now (external ids).

    Returns the cases whose pages show something new. Must run in a transaction that holds the channel's lock.
    """
    moved: list[tuple[str, str]] = []
    timed = [one for one in given if one.until is not None]
    naming = [one for one in given if one.until is None]
    with connection.cursor() as cursor:
        if timed:
            untils = [one.until for one in timed]
            cursor.execute(_FURTHER, {"channel": channel.id, **_columns(timed), "untils": untils})
            moved += cursor.fetchall()
        if naming:
            messages = [one.message_id for one in naming]
            cursor.execute(_WAIT, {"channel": channel.id, **_columns(naming), "messages": messages})
        wanted = sorted({*said, *(one.message_id for one in naming)})
        if wanted:
            cursor.execute(_FOUND, {"channel": channel.id, "messages": wanted})
            moved += cursor.fetchall()
        if not moved:
            return set()
        keys, readers = zip(*moved, strict=True)
        cursor.execute(
            _CASES,
            {
                "channel": channel.id,
                "network": channel.network,
                "keys": list(keys),
                "readers": list(readers),
            },
        )
        return {row[0] for row in cursor.fetchall()}


def sweep_waiting() -> int:
    """Forget receipts that waited four weeks for a message that never came; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM inbox_receipt WHERE NOT message_external_id = '' AND at < now() - interval '28 days'"
        )
        return int(cursor.rowcount)


def _columns(given: Sequence[Given]) -> dict[str, Any]:
    return {
        "keys": [one.thread_key for one in given],
        "readers": [one.reader_id for one in given],
        "kinds": [one.kind for one in given],
        "ats": [one.at for one in given],
    }
