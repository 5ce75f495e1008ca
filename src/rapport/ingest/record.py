"""Recording what was said, set-based: identities, threads, messages, changes, turns and cases.

One function, :func:`record_events`, is used for what networks send and for what we have just sent
ourselves, so both follow the same rules. The caller holds the channel's lock in a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from rapport.brands.locks import lock_channel as lock_channel
from rapport.brands.locks import try_lock_channel as try_lock_channel
from rapport.brands.models import Channel
from rapport.contacts.upsert import AuthorSeen, upsert_identities
from rapport.inbox import cases, receipts, threads, turns
from rapport.ingest import changes
from rapport.ingest.clean import Batch, Received, fold
from rapport.lib.live import notify_desk, notify_thread
from rapport.media.actions import NewFile, keep
from rapport.networks.base import Event

# A batch is tiny beside the tables it is joined with, so probing indexes is always right. With fresh or no
# statistics the planner may choose to read whole tables. (Which side of a join is probed the planner still
# chooses; where that matters, as in inbox/cases.py, the statement says so itself.)
_STEER = """
SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off;
SET LOCAL join_collapse_limit = 1
"""


def record_events(
    *,
    channel: Channel,
    events: Sequence[tuple[Event, datetime]],
    written_by: Mapping[str, int] | None = None,
    past_before: datetime | None = None,
) -> dict[str, int]:
    """Record ``(event, received_at)`` pairs of one channel; any order, any number of times.

    ``written_by`` names the agent (user id) who wrote an own message here, by its external id.
    ``past_before``: they were fetched from the channel's past; nobody waits for what is older than this.
    Returns the id of every message among the events by external id. Must run in a transaction that
    holds :func:`lock_channel`.
    """
    batch = fold(events)
    if not batch:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_STEER)
    authors = _authors(batch)
    own_accounts, brand_accounts = _accounts(channel, sorted({one.author.external_id for one in authors}))
    identities = upsert_identities(network=channel.network, authors=authors, brand_accounts=brand_accounts)
    assigned = threads.assign(
        channel_id=channel.id,
        brand_id=channel.brand_id,
        messages=[
            threads.Arrival(
                external_id=one.message.external_id,
                parent_id=one.message.parent_id,
                thread_key=one.message.thread_key,
                visibility=one.message.visibility,
            )
            for one in batch.messages
        ],
    )
    files = _media(channel, batch)
    rows = [
        (
            one.message.external_id,
            assigned.thread_of[one.message.external_id],
            identities[one.message.author.external_id],
            one.message.author.external_id in own_accounts,
            one.message.author.external_id in brand_accounts,
            one.message.parent_id,
            one.message.thread_key,
            one.message.visibility,
            one.message.text,
            one.message.lang,
            one.message.url,
            json.dumps(files[one.message.external_id]),
            json.dumps(one.message.facts),
            one.message.sent_at,
            one.message.edited_at,
            one.message.automatic or one.message.context,
            one.message.context,
            (written_by or {}).get(one.message.external_id),
            one.received_at,
        )
        for one in batch.messages
    ]
    stored = _upsert_messages(channel, rows)
    changed_threads = changes.record_changes(channel_id=channel.id, batch=batch, identities=identities)
    touched = sorted({*assigned.thread_of.values(), *changed_threads})
    turns.recompute(thread_ids=touched)
    case_ids = cases.follow(
        channel=channel,
        thread_ids=touched,
        merged=assigned.merged,
        new_message_ids=stored.new_ids,
        past_before=past_before,
    )
    notify_desk(brand_id=channel.brand_id, case_ids=case_ids)
    read = receipts.record(channel=channel, given=_receipts(batch), said=_private(batch))
    notify_thread(brand_id=channel.brand_id, case_ids=read - set(case_ids))
    if past_before is None:  # the past says nothing of whether the channel hears
        _note_arrival(channel, batch.messages)
    return stored.id_of


class _Stored:
    def __init__(self) -> None:
        self.id_of: dict[str, int] = {}
        self.new_ids: list[int] = []


def _authors(batch: Batch) -> list[AuthorSeen]:
    seen = [AuthorSeen(one.message.author, one.message.sent_at) for one in batch.messages]
    seen += [AuthorSeen(repost.author, repost.reposted_at) for repost in batch.reposts]
    seen += [AuthorSeen(like.author, like.liked_at) for like in batch.likes]
    return seen


def _receipts(batch: Batch) -> list[receipts.Given]:
    return [
        receipts.Given(
            kind=one.kind,
            thread_key=one.thread_key,
            reader_id=one.reader_id,
            at=one.at,
            until=one.until,
            message_id=one.message_id or "",
        )
        for one in batch.receipts
    ]


def _private(batch: Batch) -> list[str]:
    """What a receipt may have waited for."""
    return [one.message.external_id for one in batch.messages if one.message.visibility == "private"]


def _media(channel: Channel, batch: Batch) -> dict[str, list[dict[str, Any]]]:
    """Each message's media as it is kept; the content that came along goes to the files."""
    kept: dict[str, list[dict[str, Any]]] = {}
    wanted: list[tuple[dict[str, Any], NewFile]] = []
    for one in batch.messages:
        items = kept.setdefault(one.message.external_id, [])
        for media in one.message.media:
            item: dict[str, Any] = {"kind": media.kind, "alt": media.alt}
            item |= {"name": media.name} if media.name else {}
            item |= {"type": media.content_type} if media.content_type else {}
            if media.content is not None:
                wanted.append((item, NewFile(media.name, media.content, media.content_type)))
            else:
                item["url"] = media.url
            items.append(item)
    stored = keep(brand_id=channel.brand_id, files=[file for _, file in wanted])
    for (item, _), file_id in zip(wanted, stored, strict=True):
        item["file"] = file_id
    return kept


def _accounts(channel: Channel, external_ids: list[str]) -> tuple[set[str], set[str]]:
    """Which authors are accounts of this brand, and which of any brand here."""
    accounts = Channel.objects.filter(network=channel.network, external_id__in=external_ids)
    own, every = set(), set()
    for brand_id, external_id in accounts.values_list("brand_id", "external_id"):
        every.add(external_id)
        if brand_id == channel.brand_id:
            own.add(external_id)
    return own, every


_COPY = """
COPY message_batch (external_id, thread_id, identity_id, own, from_brand, parent_external_id, thread_key,
    visibility, text, lang, url, media, facts, sent_at, edited_at, automatic, context, user_id, arrived_at) FROM STDIN
"""


def _upsert_messages(channel: Channel, rows: Sequence[tuple[Any, ...]]) -> _Stored:
    stored = _Stored()
    if not rows:
        return stored
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS message_batch (ord serial, external_id text, thread_id bigint, "
            "identity_id bigint, own bool, from_brand bool, parent_external_id text, thread_key text, "
            "visibility text, text text, lang text, url text, media jsonb, facts jsonb, sent_at timestamptz, "
            "edited_at timestamptz, automatic bool, context bool, user_id bigint, arrived_at timestamptz) "
            "ON COMMIT DELETE ROWS; TRUNCATE message_batch"
        )
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            """
            INSERT INTO inbox_message (brand_id, channel_id, external_id, thread_id, identity_id, own, from_brand, parent_external_id, thread_key,
                visibility, text, lang, url, media, facts, sent_at, edited_at, automatic, context, user_id, arrived_at)
            SELECT %(brand)s, %(channel)s, external_id, thread_id, identity_id, own, from_brand, parent_external_id, thread_key,
                visibility, text, lang, url, media, facts, sent_at, edited_at, automatic, context, user_id, arrived_at
            FROM message_batch ORDER BY ord
            ON CONFLICT (channel_id, external_id) DO NOTHING
            RETURNING id, external_id
            """,
            {"brand": channel.brand_id, "channel": channel.id},
        )
        for message_id, external_id in cursor.fetchall():
            stored.new_ids.append(message_id)
            stored.id_of[external_id] = message_id
        if len(stored.new_ids) < len(rows):
            _update_known(cursor, channel, stored)
    return stored


def _update_known(cursor: Any, channel: Channel, stored: _Stored) -> None:
    """Messages we have: keep an edit's old wording, apply the newest, and learn who wrote our own."""
    known = {"channel": channel.id, "new": stored.new_ids}
    # In the right order the old wording is the one in the table; when the original comes after its
    # edit, it is the one that has just come.
    cursor.execute(
        """
        INSERT INTO inbox_messagechange (channel_id, message_external_id, kind, at, external_id, text)
        SELECT m.channel_id, m.external_id, 'edited',
               CASE WHEN newer.it THEN b.edited_at ELSE m.edited_at END, '',
               CASE WHEN newer.it THEN m.text ELSE b.text END
        FROM message_batch b
        JOIN inbox_message m ON m.channel_id = %(channel)s AND m.external_id = b.external_id
        CROSS JOIN LATERAL (
            SELECT b.edited_at IS NOT NULL AND (m.edited_at IS NULL OR b.edited_at > m.edited_at)
        ) AS newer(it)
        WHERE m.text <> b.text AND (newer.it OR (b.edited_at IS NULL AND m.edited_at IS NOT NULL))
          AND m.id <> ALL(%(new)s)
        ON CONFLICT (channel_id, message_external_id, kind, at, external_id) DO NOTHING
        """,
        known,
    )
    cursor.execute(
        """
        UPDATE inbox_message m SET text = b.text, media = b.media, facts = b.facts, edited_at = b.edited_at
        FROM message_batch b
        WHERE m.channel_id = %(channel)s AND m.external_id = b.external_id AND m.id <> ALL(%(new)s)
          AND b.edited_at IS NOT NULL AND (m.edited_at IS NULL OR b.edited_at > m.edited_at)
        """,
        known,
    )
    # What was context turns out to be said to us: from now on it counts like a new message.
    cursor.execute(
        """
        UPDATE inbox_message m SET context = false, automatic = b.automatic
        FROM message_batch b
        WHERE m.channel_id = %(channel)s AND m.external_id = b.external_id AND m.id <> ALL(%(new)s)
          AND m.context AND NOT b.context
        RETURNING m.id
        """,
        known,
    )
    promoted = [row[0] for row in cursor.fetchall()]
    # What was sent from here bears the time when the network's answer came; its own copy says when it really
    # was, and that is what the network's receipts go by. A copy that counts whole seconds knows less than we do.
    cursor.execute(
        """
        UPDATE inbox_message m SET sent_at = b.sent_at FROM message_batch b
        WHERE m.channel_id = %(channel)s AND m.external_id = b.external_id AND m.id <> ALL(%(new)s)
          AND m.user_id IS NOT NULL AND b.user_id IS NULL AND b.edited_at IS NULL
          AND b.sent_at < m.sent_at AND b.sent_at > m.sent_at - interval '1 minute'
          AND b.sent_at <> date_trunc('second', b.sent_at)
        """,
        known,
    )
    cursor.execute(
        """
        UPDATE inbox_message m SET user_id = b.user_id FROM message_batch b
        WHERE m.channel_id = %(channel)s AND m.external_id = b.external_id
          AND b.user_id IS NOT NULL AND m.user_id IS NULL
        """,
        known,
    )
    cursor.execute(
        "SELECT m.id, m.external_id FROM message_batch b "
        "JOIN inbox_message m ON m.channel_id = %(channel)s AND m.external_id = b.external_id",
        known,
    )
    for message_id, external_id in cursor.fetchall():
        stored.id_of[external_id] = message_id
    stored.new_ids.extend(promoted)


def _note_arrival(channel: Channel, messages: Sequence[Received]) -> None:
    """What others said is what we hear by; our own words, and what was fetched from the past, are no sign of life
    of today."""
    heard = [
        min(one.received_at, one.message.sent_at)
        for one in messages
        if one.message.author.external_id != channel.external_id and not one.message.context
    ]
    if not heard:
        return
    newest = max(heard)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE brands_channel SET last_event_at = %(at)s "
            "WHERE id = %(id)s AND (last_event_at IS NULL OR last_event_at < %(at)s)",
            {"at": newest, "id": channel.id},
        )
