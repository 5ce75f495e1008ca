"""Who has read what in private conversations. Companies are told how far their customers have read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from rapport.networks.practice.models import Post, Reading
from rapport.networks.practice.stream import Happened, append
from rapport.networks.practice.wire import reading_json

# Whoever has read further stays there.
_KEEP = """
INSERT INTO practice_reading AS known (reader_id, conversation, post_id, at)
SELECT DISTINCT ON (p.conversation) p.recipient_id, p.conversation, p.id, %(at)s
FROM practice_post p WHERE p.id = ANY(%(posts)s) AND p.recipient_id IS NOT NULL AND p.deleted_at IS NULL
ORDER BY p.conversation, p.id DESC
ON CONFLICT (conversation, reader_id) DO UPDATE SET post_id = excluded.post_id, at = excluded.at
    WHERE excluded.post_id > known.post_id
RETURNING post_id
"""


def read(*, posts: Sequence[int], at: datetime) -> int:
    """Those to whom these private messages went (one person for each conversation) have read up to them.

    Call it in a transaction, after everything else, as :func:`~.stream.append`. Returns how many read further
    than before.
    """
    if not posts:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"posts": list(posts), "at": at})
        further = [row[0] for row in cursor.fetchall()]
    told = Post.objects.filter(pk__in=further, author__is_company=True).order_by("pk")
    append(
        [Happened(post.author_id, "conversation.read", at, {"read": reading_json(post, at)}) for post in told]
    )
    return len(further)


def newest_to(*, reader_id: int, conversation: str) -> int | None:
    """The newest message of a conversation that went to this person."""
    there = Post.objects.filter(conversation=conversation, recipient_id=reader_id, deleted_at=None)
    return there.order_by("-pk").values_list("pk", flat=True).first()


def read_by(*, reader_id: int, conversation: str) -> int | None:
    """How far they have read in a conversation: up to this message."""
    known = Reading.objects.filter(conversation=conversation, reader_id=reader_id)
    return known.values_list("post_id", flat=True).first()
