"""Storing what was heard and matched, set-based: posts, mentions, matches, and who is folded into whom.

Whatever the order in which versions of posts come, and however often, the tables become the same: the newest
version of a post counts, and what is not stored of it is remembered for a while (:class:`Gone`). What people did with
a mention stays: only what nobody handled is taken away again when it matches no more or its author deletes it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from rapport.lib.pg import array
from rapport.listening.post import Post
from rapport.mentions import settling
from rapport.mentions.folding import lock as lock
from rapport.mentions.likeness import likeness, repost_key, same_post_key
from rapport.mentions.matching import Found
from rapport.mentions.servers import give_full_ids

# A version of a post that was never stored can be overtaken by an older one only for moments; what was stored may
# be heard again when a stream is replayed from days ago.
_NEVER_STORED = timedelta(hours=1)
_WAS_STORED = timedelta(days=30)
_FIRST = datetime.min.replace(tzinfo=UTC)

Key = tuple[str, str]  # network, id there


@dataclass(frozen=True, slots=True)
class Item:
    """A post that was heard, safe to store, with the queries that match it and whose brand it is a mention for."""

    post: Post
    network: str
    sent_at: datetime
    author_id: str
    parent_id: str
    original_id: str
    edited_at: datetime | None
    deleted: bool
    message_id: int | None
    found: tuple[Found, ...] = ()
    server: str = ""  # its id is one of this server, and ends in it (servers.py)

    @property
    def key(self) -> Key:
        return (self.network, self.post.id)

    @property
    def version(self) -> datetime:
        """Which of two versions of a post is the newer."""
        return self.edited_at or _FIRST


class QueriesChangedMeanwhile(Exception):
    """Queries were changed between matching and storing; match again."""


@dataclass(slots=True)
class Recorded:
    """What became of a batch. ``new``: posts that were not stored before."""

    new: set[Key] = field(default_factory=set)
    mention_ids: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stored:
    id: int
    version: datetime
    deleted: bool


def record(items: Sequence[Item], *, source_id: int | None) -> Recorded:
    """Store what these items tell; no two of them are of the same post.

    In a transaction. Raises :class:`QueriesChangedMeanwhile` before anything is written.
    """
    recorded = Recorded()
    items = [item for item in items if item.found or item.edited_at is not None or item.deleted]
    if not items:
        return recorded
    lock()
    _hold_queries({one.known.query_id: one.known.version_id for item in items for one in item.found})
    items = sorted(items, key=lambda item: item.key)
    give_full_ids((item.network, item.post.id, item.server) for item in items)
    known, gone = _known(items), _gone(items)
    new: list[Item] = []
    newer: list[tuple[int, Item]] = []
    same: list[tuple[int, Item]] = []
    deleted: list[int] = []
    remembered: list[Item] = []
    for item in items:
        stored, overtaken = known.get(item.key), gone.get(item.key)
        if stored is not None:
            if item.deleted:
                deleted += [] if stored.deleted else [stored.id]
            elif not stored.deleted and item.version > stored.version:
                newer.append((stored.id, item))
            elif not stored.deleted and item.version == stored.version and item.found:
                same.append((stored.id, item))
        elif item.deleted:
            remembered.append(item)
        # The same version again is news to a query that was saved since.
        elif overtaken is not None and item.version < overtaken:
            continue
        elif item.found:
            new.append(item)
        else:
            remembered.append(item)
    _remember(remembered)
    left = settling.take_out([post_id for post_id, _ in newer])
    ids = _insert(new, source_id=source_id)
    _update(newer)
    _learn_messages(same)
    placed = [*((ids[item.key], item) for item in new), *newer, *same]
    settling.add_matches(
        [(post_id, item.found) for post_id, item in placed], replaced={post_id for post_id, _ in newer}
    )
    settled = settling.settle(
        post_ids=[*(post_id for post_id, _ in placed), *deleted], deleted=deleted, left=left
    )
    _remember_removed(settled.removed_posts)
    recorded.new = {item.key for item in new}
    recorded.mention_ids = settled.new_mentions
    return recorded


def _hold_queries(versions: Mapping[int, int]) -> None:
    """Let no query be changed before this is committed; those that change wait, and then look back over it too."""
    if not versions:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, version_id FROM mentions_query WHERE id = ANY(%s::bigint[]) AND state = 'active' "
            "AND deleted_at IS NULL ORDER BY id FOR SHARE",
            [array(sorted(versions))],
        )
        if dict(cursor.fetchall()) != versions:
            raise QueriesChangedMeanwhile


def _keys(items: Iterable[Item]) -> list[str]:
    """The keys as two parameters."""
    listed = list(items)
    return [array(item.network for item in listed), array(item.post.id for item in listed)]


def _known(items: Sequence[Item]) -> dict[Key, _Stored]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT g.network, g.external_id, p.id, p.edited_at, p.deleted_at IS NOT NULL
            FROM unnest(%s::text[], %s::text[]) AS g(network, external_id) CROSS JOIN LATERAL (
                SELECT id, edited_at, deleted_at FROM mentions_post
                WHERE network = g.network AND external_id = g.external_id OFFSET 0
            ) p
            """,
            _keys(items),
        )
        return {
            (network, external_id): _Stored(post_id, edited_at or _FIRST, deleted)
            for network, external_id, post_id, edited_at, deleted in cursor.fetchall()
        }


def _gone(items: Sequence[Item]) -> dict[Key, datetime]:
    """The newest version of those that are remembered as not to be stored; the end of time when it was deleted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT g.network, g.external_id, o.edited_at
            FROM unnest(%s::text[], %s::text[]) AS g(network, external_id) CROSS JOIN LATERAL (
                SELECT edited_at FROM mentions_gone
                WHERE network = g.network AND external_id = g.external_id OFFSET 0
            ) o
            """,
            _keys(items),
        )
        last = datetime.max.replace(tzinfo=UTC)
        return {
            (network, external_id): edited_at or last for network, external_id, edited_at in cursor.fetchall()
        }


_REMEMBER = """
    INSERT INTO mentions_gone (network, external_id, edited_at, until)
    SELECT network, external_id, edited_at, now() + make_interval(secs => %s)
    FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS g(network, external_id, edited_at)
    ON CONFLICT (network, external_id) DO UPDATE
    SET edited_at = CASE WHEN excluded.edited_at IS NOT NULL AND mentions_gone.edited_at IS NOT NULL
                         THEN greatest(excluded.edited_at, mentions_gone.edited_at) END,
        until = greatest(excluded.until, mentions_gone.until)
"""


def _remember(items: Sequence[Item]) -> None:
    _keep_in_mind([(*item.key, None if item.deleted else item.edited_at) for item in items], _NEVER_STORED)


def _remember_removed(removed: Sequence[tuple[str, str, datetime | None, bool]]) -> None:
    _keep_in_mind(
        [
            (network, external_id, None if deleted else edited_at)
            for network, external_id, edited_at, deleted in removed
            if deleted or edited_at is not None
        ],
        _WAS_STORED,
    )


def _keep_in_mind(rows: Collection[tuple[str, str, datetime | None]], how_long: timedelta) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _REMEMBER, [how_long.total_seconds(), *(array(row[place] for row in rows) for place in range(3))]
        )


def forget_gone() -> int:
    """Forget versions that nothing older can follow any more; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM mentions_gone WHERE until < now()")
        return int(cursor.rowcount)


_COLUMNS = {
    "url": "text", "title": "text", "text": "text", "lang": "text", "author_id_there": "text", "author": "text",
    "author_name": "text", "followers": "bigint", "verified": "bool", "is_reply": "bool", "is_quote": "bool",
    "parent_external_id": "text", "original_external_id": "text", "facts": "jsonb", "likes": "int",
    "reposts": "int", "replies": "int", "sent_at": "timestamptz", "edited_at": "timestamptz", "likeness": "text",
    "message_id": "bigint",
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
_SETS = ", ".join(f"{name} = g.{name}" for name in _COLUMNS if name not in ("sent_at", "message_id"))


def _with_columns(statement: str) -> str:
    return statement.replace("{names}", _NAMES).replace("{typed}", _TYPED).replace("{sets}", _SETS)


_INSERT = _with_columns(
    """
    INSERT INTO mentions_post (network, external_id, source_id, {names})
    SELECT network, external_id, %s::bigint, {names}
    FROM jsonb_to_recordset(%s::jsonb) AS g(network text, external_id text, {typed})
    RETURNING network, external_id, id
    """
)
_UPDATE = _with_columns(
    """
    UPDATE mentions_post p SET {sets}, message_id = least(p.message_id, g.message_id)
    FROM jsonb_to_recordset(%s::jsonb) AS g(id bigint, {typed}) WHERE p.id = g.id
    """
)


def _row(item: Item) -> dict[str, Any]:
    post = item.post
    facts: dict[str, Any] = {
        "media": post.media, "tags": post.tags, "links": post.links, "mentions": post.mentions, "to": post.to,
        "channel": post.channel, "country": post.country, "server": item.server,
        # Where the original is named, that says it.
        "is_repost": post.is_repost if not item.original_id else None,
    }  # fmt: skip
    return {
        "url": post.url or "",
        "title": post.title or "",
        "text": post.text,
        "lang": post.lang or "",
        "author_id_there": item.author_id,
        "author": post.author or "",
        "author_name": post.author_name or "",
        "followers": post.followers,
        "verified": post.is_verified,
        "is_reply": post.is_reply,
        "is_quote": post.is_quote,
        "parent_external_id": item.parent_id,
        "original_external_id": item.original_id,
        # () is "none", which is known; it is kept apart from what is not known for media alone (see Post).
        "facts": {name: value for name, value in facts.items() if value or (name == "media" and value is not None)
                  or value is False},
        "likes": post.likes,
        "reposts": post.reposts,
        "replies": post.replies,
        "sent_at": item.sent_at.isoformat(),
        "edited_at": item.edited_at.isoformat() if item.edited_at else None,
        "likeness": fold_key(item),
        "message_id": item.message_id,
    }  # fmt: skip


def fold_key(item: Item) -> str:
    """What is equal for posts that may be folded. One post has an id at each server that knows it, and one address."""
    if item.original_id:
        return repost_key(item.network, item.original_id)
    key = likeness(item.post.text)
    return key or (same_post_key(item.network, item.post.url) if item.server and item.post.url else "")


def _insert(items: Sequence[Item], *, source_id: int | None) -> dict[Key, int]:
    if not items:
        return {}
    rows = [{"network": item.network, "external_id": item.post.id, **_row(item)} for item in items]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [source_id, json.dumps(rows)])
        ids = {(network, external_id): post_id for network, external_id, post_id in cursor.fetchall()}
        # An older version of some of them may have been remembered as one that matches nothing.
        cursor.execute(
            "DELETE FROM mentions_gone o USING unnest(%s::text[], %s::text[]) AS g(network, external_id) "
            "WHERE o.network = g.network AND o.external_id = g.external_id",
            _keys(items),
        )
    return ids


def _update(items: Sequence[tuple[int, Item]]) -> None:
    """Give stored posts their newer versions. When it was said stays."""
    if not items:
        return
    rows = [{"id": post_id, **_row(item)} for post_id, item in items]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [json.dumps(rows)])


def _learn_messages(items: Sequence[tuple[int, Item]]) -> None:
    """A channel of ours heard it too; of several, the first to have it is named."""
    told = {post_id: item.message_id for post_id, item in items if item.message_id is not None}
    if not told:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mentions_post p SET message_id = g.message FROM unnest(%s::bigint[], %s::bigint[]) AS g(id, message) "
            "WHERE p.id = g.id AND (p.message_id IS NULL OR p.message_id > g.message)",
            [array(told), array(told.values())],
        )
