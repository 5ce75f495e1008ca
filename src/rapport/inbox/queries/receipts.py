"""What of ours the customer has read, or been given, in the private conversations of a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from rapport.inbox.models import Message, Visibility

# From the mark back along the thread's index: our newest message that it covers is a few steps away.
_NEWEST_COVERED = """
SELECT t.id, t.thread_key, r.kind = 'read', newest.sent_at, newest.id, r.at
FROM unnest(%(threads)s::bigint[], %(channels)s::bigint[], %(keys)s::text[]) AS t(id, channel_id, thread_key)
JOIN inbox_receipt r
  ON r.channel_id = t.channel_id AND r.thread_key = t.thread_key AND r.message_external_id = ''
CROSS JOIN LATERAL (
    SELECT m.id, m.sent_at FROM inbox_message m
    WHERE m.thread_id = t.id AND m.sent_at <= r.until AND m.own AND m.visibility = 'private'
      AND m.thread_key = t.thread_key AND m.deleted_at IS NULL
    ORDER BY m.sent_at DESC, m.id DESC LIMIT 1
) newest
"""


@dataclass(frozen=True, kw_only=True)
class Received:
    """How far a message of ours came: ``read``, or only delivered, and when."""

    read: bool
    at: datetime


def received(messages: Iterable[Message]) -> Mapping[int, Received]:
    """The newest of our private messages that was read, and the newest that was delivered since, by id.

    One query for all conversations that ``messages`` has something of ours of, none where there is no such.
    """
    places = {
        (one.thread_id, one.channel_id, one.thread_key)
        for one in messages
        if one.own and one.visibility == Visibility.PRIVATE and one.thread_key
    }
    if not places:
        return {}
    threads, channels, keys = zip(*places, strict=True)
    given = {"threads": list(threads), "channels": list(channels), "keys": list(keys)}
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_COVERED, given)
        rows = cursor.fetchall()
    read = {(thread, key): (sent_at, pk) for thread, key, is_read, sent_at, pk, _at in rows if is_read}
    return {
        pk: Received(read=is_read, at=at)
        for thread, key, is_read, sent_at, pk, at in rows
        # What was read was delivered: that says nothing more.
        if is_read or (thread, key) not in read or (sent_at, pk) > read[thread, key]
    }
