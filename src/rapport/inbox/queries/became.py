"""What became of messages: what they said before, how people reacted, and the files they brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from rapport.inbox.models import Message, MessageChange
from rapport.media.models import StoredFile

_MOST_EDITS = 200


@dataclass(frozen=True)
class Before:
    """What a message said until ``at``."""

    at: datetime
    text: str


@dataclass
class Became:
    """``edits`` oldest first; ``reactions``: (what it was, how many gave it), the most given first."""

    edits: list[Before] = field(default_factory=list)
    reactions: list[tuple[str, int]] = field(default_factory=list)


# A reaction that was taken back counts no more.
_REACTIONS = """
SELECT m.id, c.text, count(DISTINCT c.external_id) FROM unnest(%s::bigint[]) AS wanted(id)
JOIN inbox_message m ON m.id = wanted.id
JOIN inbox_messagechange c ON c.channel_id = m.channel_id AND c.message_external_id = m.external_id
WHERE c.kind = 'liked' AND NOT EXISTS (
    SELECT FROM inbox_messagechange w
    WHERE w.channel_id = c.channel_id AND w.message_external_id = c.message_external_id
      AND w.kind = 'withdrawn' AND w.external_id = c.external_id AND w.at >= c.at
)
GROUP BY m.id, c.text ORDER BY 3 DESC, 2
"""


def became(messages: Iterable[Message]) -> dict[int, Became]:
    """By message id, for those of which something became; at most two queries."""
    found: dict[int, Became] = {}
    shown = list(messages)
    edited = {(one.channel_id, one.external_id): one.id for one in shown if one.edited_at is not None}
    if edited:
        changes = MessageChange.objects.filter(
            channel_id__in={channel for channel, _ in edited},
            message_external_id__in=[external_id for _, external_id in edited],
            kind=MessageChange.Kind.EDITED,
        ).order_by("at", "id")
        for change in changes[:_MOST_EDITS]:
            message_id = edited.get((change.channel_id, change.message_external_id))
            if message_id is not None:
                found.setdefault(message_id, Became()).edits.append(Before(change.at, change.text))
    liked = [one.id for one in shown if one.like_count]
    if liked:
        with connection.cursor() as cursor:
            cursor.execute(_REACTIONS, [liked])
            for message_id, reaction, count in cursor.fetchall():
                found.setdefault(message_id, Became()).reactions.append((reaction or "like", count))
    return found


@dataclass(frozen=True)
class FileFacts:
    """``size`` in bytes."""

    size: int
    content_type: str


def file_facts(messages: Iterable[Message]) -> dict[int, FileFacts]:
    """The kept files of these messages by id, without their bytes."""
    kept: Iterable[Any] = (item for message in messages for item in message.media)
    ids = {item["file"] for item in kept if isinstance(item, dict) and isinstance(item.get("file"), int)}
    if not ids:
        return {}
    rows = StoredFile.objects.filter(id__in=ids).values_list("id", "size", "content_type")
    return {file_id: FileFacts(size, content_type) for file_id, size, content_type in rows}
