"""Which thread a message belongs to, whatever order the messages come in.

Threads are the connected parts of a graph: a message is linked with the message it answers, if that
one is known, and with the messages that share its ``thread_key``. A reply may come before its
parent; when the parent arrives it joins what was apart. The result depends only on the set of
messages, never on the order of arrival (see the property test).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

from rapport.lib.pg import array


@dataclass(frozen=True)
class Arrival:
    """What matters of a message for joining. Ids are external ids of one channel."""

    external_id: str
    parent_id: str | None
    thread_key: str | None
    visibility: str


@dataclass
class Assigned:
    """``thread_of``: thread id by external id. ``merged``: emptied thread → the one that took it in."""

    thread_of: dict[str, int] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)


class _Groups:
    """Disjoint sets with path halving."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, node: Hashable) -> Hashable:
        parent = self._parent
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, one: Hashable, other: Hashable) -> None:
        self._parent[self.find(one)] = self.find(other)


def assign(*, channel_id: int, brand_id: int, messages: Sequence[Arrival]) -> Assigned:
    """Give every message its thread, making and merging threads as needed.

    Must run in a transaction that holds the channel's lock.
    """
    if not messages:
        return Assigned()
    groups = _Groups()
    existing: set[int] = set()

    def join_thread(external_id: str, thread_id: int) -> None:
        existing.add(thread_id)
        groups.join(("message", external_id), ("thread", thread_id))

    arriving = {message.external_id for message in messages}
    parents_wanted = {m.parent_id for m in messages if m.parent_id and m.parent_id not in arriving}
    known, parted, children, keys, parted_keys = _neighbours(
        channel_id,
        external_ids=sorted(arriving | parents_wanted),
        parents_of=sorted(arriving),
        keys=sorted({m.thread_key for m in messages if m.thread_key}),
    )
    for message in messages:
        node = ("message", message.external_id)
        groups.find(node)
        if message.external_id in known:
            join_thread(message.external_id, known[message.external_id])
        if message.external_id in parted:
            continue  # a colleague took it out of its conversation
        if message.parent_id in arriving:
            groups.join(node, ("message", message.parent_id))
        elif message.parent_id in known:
            join_thread(message.external_id, known[message.parent_id])
        # Of a conversation that was split, what is known stays in its part.
        if message.thread_key and not (message.external_id in known and message.thread_key in parted_keys):
            groups.join(node, ("key", message.thread_key))
    for parent_id, thread_id in children:
        join_thread(parent_id, thread_id)
    for key, thread_id in keys:
        existing.add(thread_id)
        groups.join(("key", key), ("thread", thread_id))

    threads_in: dict[Hashable, list[int]] = {}
    for thread_id in sorted(existing):
        threads_in.setdefault(groups.find(("thread", thread_id)), []).append(thread_id)
    result = Assigned()
    for together in threads_in.values():
        result.merged.update(dict.fromkeys(together[1:], together[0]))
    roots = {groups.find(("message", m.external_id)): m.visibility for m in messages}
    fresh = [(root, visibility) for root, visibility in roots.items() if root not in threads_in]
    new_ids = _create(channel_id, brand_id, [visibility for _, visibility in fresh])
    thread_of_root = {root: together[0] for root, together in threads_in.items()}
    thread_of_root.update(zip((root for root, _ in fresh), new_ids, strict=True))
    result.thread_of = {
        m.external_id: thread_of_root[groups.find(("message", m.external_id))] for m in messages
    }
    empty_into(result.merged)
    return result


def _neighbours(
    channel_id: int, *, external_ids: list[str], parents_of: list[str], keys: list[str]
) -> tuple[dict[str, int], set[str], list[tuple[str, int]], list[tuple[str, int]], set[str]]:
    """Stored messages among ``external_ids``, and which of them were parted from what they answer; stored
    replies to ``parents_of``; the thread in which each of ``keys`` goes on, and which of these were split."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, thread_id, parted FROM inbox_message "
            "WHERE channel_id = %s AND external_id = ANY(%s::text[])",
            [channel_id, array(external_ids)],
        )
        stored = cursor.fetchall()
        cursor.execute(
            "SELECT DISTINCT parent_external_id, thread_id FROM inbox_message "
            "WHERE channel_id = %s AND parent_external_id = ANY(%s::text[]) AND NOT parted",
            [channel_id, array(parents_of)],
        )
        children = cursor.fetchall()
        by_key: list[tuple[str, int, bool]] = []
        if keys:
            cursor.execute(
                """
                SELECT key, coalesce(part.thread_id, any_part.thread_id), part.thread_id IS NOT NULL
                FROM unnest(%(keys)s::text[]) AS key
                LEFT JOIN LATERAL (
                    SELECT thread_id FROM inbox_message
                    WHERE channel_id = %(channel)s AND thread_key = key AND parted
                    ORDER BY sent_at DESC, id DESC LIMIT 1
                ) part ON true
                LEFT JOIN LATERAL (
                    SELECT thread_id FROM inbox_message WHERE channel_id = %(channel)s AND thread_key = key LIMIT 1
                ) any_part ON true
                """,
                {"channel": channel_id, "keys": array(keys)},
            )
            by_key = [row for row in cursor.fetchall() if row[1] is not None]
    return (
        {external_id: thread_id for external_id, thread_id, _parted in stored},
        {external_id for external_id, _thread, is_parted in stored if is_parted},
        children,
        [(key, thread_id) for key, thread_id, _split in by_key],
        {key for key, _thread, split in by_key if split},
    )


def _create(channel_id: int, brand_id: int, visibilities: list[str]) -> list[int]:
    if not visibilities:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_thread (brand_id, channel_id, visibility) "
            "SELECT %s, %s, v FROM unnest(%s::text[]) WITH ORDINALITY AS t(v, n) ORDER BY n RETURNING id",
            [brand_id, channel_id, array(visibilities)],
        )
        # Inserted in one statement under the channel's lock: ids ascend in the order given.
        return sorted(row[0] for row in cursor.fetchall())


def empty_into(merged: Mapping[int, int]) -> None:
    """Move messages to the surviving threads and leave a pointer behind."""
    if not merged:
        return
    pairs = {"from": list(merged), "to": list(merged.values())}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_message m SET thread_id = p.target "
            "FROM unnest(%(from)s::bigint[], %(to)s::bigint[]) AS p(source, target) WHERE m.thread_id = p.source",
            pairs,
        )
        cursor.execute(
            "UPDATE inbox_thread t SET merged_into_id = p.target "
            "FROM unnest(%(from)s::bigint[], %(to)s::bigint[]) AS p(source, target) "
            "WHERE t.id = p.source OR t.merged_into_id = p.source",
            pairs,
        )
        cursor.execute("DELETE FROM inbox_turn WHERE thread_id = ANY(%(from)s)", pairs)
