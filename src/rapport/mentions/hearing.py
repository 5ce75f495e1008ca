"""What streams, files and channels heard, matched and stored: the one door to the tables of mentions.

:func:`hear` may be called with the same posts in any order and any number of times. It takes a lock that holds until
the transaction is over, so call it once in a transaction, last.

How exact the counts of :class:`Denominator` are: a post that matches is counted once, however often it is heard,
because it is stored. One that matches nothing leaves no trace, and is counted again when its source tells it again;
since a source's place is saved in the transaction that counts, that is when the source itself repeats. Edits and
deletions are not counted. What was said more than a month ago is counted by the hour, what is older than some 400 days in
one slot, at the beginning of 1970; languages without region, and what is no language under none.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from rapport.inbox.models import Message, Visibility
from rapport.lib.pg import array
from rapport.lib.text import storable
from rapport.listening.post import Post
from rapport.mentions import rules
from rapport.mentions.counters import slot_of
from rapport.mentions.exclusions import exclusions_of
from rapport.mentions.matching import find
from rapport.mentions.recording import Item, QueriesChangedMeanwhile, Recorded, record
from rapport.mentions.servers import full_id, server_name
from rapport.mentions.stored import message_posts

log = logging.getLogger(__name__)

CHANNELS = "channels"
_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss "
    "st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
    "ast ceb ckb fil gsw haw hmn hsb kab kmr mai nds pap scn tok tlh yue zgh"
)
_LANGUAGES = frozenset(_CODES.split())
_MOST = 2**31 - 1
# Nobody has more followers. What thousands have together must be a bigint, too.
_MANY = 10**12
# Queries that are changed all the time must not stop what is heard.
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Heard:
    """What a source or channel heard.

    ``post.id`` is the message id in the form the network's connector uses, so that a case can be answered.
    ``deleted``: it was deleted there; then ``post.text`` may be empty. ``message_id``: when a channel of ours stored it.
    """

    post: Post
    author_id: str = ""
    parent_id: str = ""
    original_id: str = ""  # a repost: of what
    edited_at: datetime | None = None
    deleted: bool = False
    message_id: int | None = None
    server: str = ""  # where ids are a server's own


def hear(heard: Sequence[Heard], *, source_key: str, source_id: int | None = None) -> int:
    """Match posts and store what matched, in the caller's transaction or its own; returns how many matched.

    Of a version of a post that is stored already nothing changes but what other queries find in it. Newer versions and
    deletions are followed; an older one that comes late is not. A post without id or network cannot be told from others
    and raises ValueError. Raises :class:`QueriesChangedMeanwhile` when queries are changed all the time; try it again.
    """
    items = _fold([_item(one) for one in heard])
    if not items:
        return 0
    with transaction.atomic():
        matched, recorded = _record(items, source_id)
        _count(matched, recorded, source_key)
        rules.evaluate(recorded.mention_ids)
    return sum(1 for item in matched if item.found)


def _record(items: Sequence[Item], source_id: int | None) -> tuple[list[Item], Recorded]:
    """Match and store, with the queries as they are when it is committed."""
    for _try in range(_TRIES - 1):
        matched = _matched(items)
        with suppress(QueriesChangedMeanwhile):
            return matched, record(matched, source_id=source_id)
    matched = _matched(items)
    return matched, record(matched, source_id=source_id)


def _matched(items: Sequence[Item]) -> list[Item]:
    """Each with the queries that find it and whose brand it is a mention for."""
    found = iter(find([item.post for item in items if not item.deleted]))
    found_by = [[] if item.deleted else next(found) for item in items]
    excluded = exclusions_of({one.known.brand_id for by in found_by for one in by})
    return [
        replace(
            item,
            found=tuple(
                one
                for one in by
                if not excluded.apply(
                    brand_id=one.known.brand_id,
                    network=item.network,
                    author_id=item.author_id,
                    handle=item.post.author or "",
                    server=item.server,
                )
            ),
        )
        if by
        else item
        for item, by in zip(items, found_by, strict=True)
    ]


# Made safe to store ---------------------------------------------------------------------------------
def _item(heard: Heard) -> Item:
    post = heard.post
    if not post.id or not post.network:
        raise ValueError("a post that is heard needs its id and its network")
    now = timezone.now()
    server = server_name(heard.server)
    clean = replace(
        post,
        id=full_id(_id(post.id), server),
        text=storable(post.text),
        title=storable(post.title, limit=1000) if post.title is not None else None,
        author=_short(post.author, 200),
        author_name=_short(post.author_name, 200),
        to=_short(post.to, 200),
        lang=_short(post.lang, 16),
        network=storable(post.network, limit=40),
        channel=_short(post.channel, 200),
        url=_short(post.url, 1000),
        country=_short(post.country, 16),
        mentions=_all(post.mentions),
        tags=_all(post.tags),
        links=_all(post.links),
        media=_all(post.media) if post.media is not None else None,
        followers=_number(post.followers, _MANY),
        likes=_number(post.likes, _MOST),
        reposts=_number(post.reposts, _MOST),
        replies=_number(post.replies, _MOST),
    )
    return Item(
        post=clean,
        network=clean.network or "",
        sent_at=min(post.created_at or now, now),
        author_id=_id(heard.author_id),
        parent_id=_id(heard.parent_id),
        original_id=_id(heard.original_id),
        edited_at=heard.edited_at,
        deleted=heard.deleted,
        message_id=heard.message_id,
        server=server,
    )


def _id(text: str) -> str:
    return storable(text)[:500]


def _short(text: str | None, limit: int) -> str | None:
    return storable(text, limit=limit) if text is not None else None


def _all(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(storable(text, limit=1000) for text in texts)


def _number(number: int | None, most: int) -> int | None:
    return None if number is None else max(0, min(number, most))


def _fold(items: Iterable[Item]) -> list[Item]:
    """One of each post: its newest version, or that it was deleted."""
    newest: dict[tuple[str, str], Item] = {}
    for item in items:
        before = newest.get(item.key)
        if before is None:
            newest[item.key] = item
            continue
        later = item if (item.deleted, item.version) > (before.deleted, before.version) else before
        ids = [one.message_id for one in (item, before) if one.message_id is not None]
        newest[item.key] = replace(later, message_id=min(ids, default=None))
    return list(newest.values())


# Counted --------------------------------------------------------------------------------------------
def _count(items: Sequence[Item], recorded: Recorded, source_key: str) -> None:
    heard: Counter[tuple[datetime, str]] = Counter()
    matched: Counter[tuple[datetime, str]] = Counter()
    now = timezone.now()
    for item in items:
        if item.deleted:
            continue
        slot = (slot_of(item.sent_at, now), _language(item.post.lang or ""))
        if item.key in recorded.new:
            matched[slot] += 1
            heard[slot] += 1
        elif item.edited_at is None and not item.found:
            heard[slot] += 1
    if not heard:
        return
    slots = sorted(heard)  # in one order everywhere, so that two never wait for each other
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO mentions_denominator AS d (source_key, at, lang, heard, matched)
            SELECT %s, g.* FROM unnest(%s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[])
                AS g(at, lang, heard, matched)
            ON CONFLICT (source_key, at, lang) DO UPDATE
            SET heard = d.heard + excluded.heard, matched = d.matched + excluded.matched
            """,
            [
                source_key,
                array(at for at, _ in slots),
                array(lang for _, lang in slots),
                array(heard[slot] for slot in slots),
                array(matched[slot] for slot in slots),
            ],
        )


def _language(code: str) -> str:
    """The language itself, without country or script; none where it is not known."""
    language = re.split("[-_]", code.casefold(), maxsplit=1)[0]
    return language if language in _LANGUAGES else ""


# Channels -------------------------------------------------------------------------------------------
def steer() -> None:
    """Some messages are joined with whole tables here: with stale statistics the planner would read those."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")


def catch_up(*, batches: int = 20, limit: int = 500) -> int:
    """Hear what channels brought since the last time; returns how many messages were looked at.

    Any number may run at once: each takes other notes, which are gone when what they led to is committed.
    """
    total = 0
    for _batch in range(batches):
        taken = _take(limit)
        total += taken
        if taken < limit:
            break
    return total


def _take(limit: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        # What changes after this and before it is read leaves another note, and is heard again.
        cursor.execute(
            "DELETE FROM mentions_unheard WHERE id = ANY(ARRAY("
            "SELECT id FROM mentions_unheard ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)) RETURNING message_id",
            [limit],
        )
        ids = sorted({row[0] for row in cursor.fetchall()})
        taken = int(cursor.rowcount)
        if ids:
            _hear_what_can_be(ids)
        return taken


def _hear_what_can_be(message_ids: Sequence[int]) -> None:
    """One message that cannot be heard must not hold up all that come after it: it is left out, and named in the log.

    Raises only what the database raises when it is away or too busy for now, and when queries change all the time.
    """
    try:
        with transaction.atomic():
            hear_messages(message_ids)
            return
    except (OperationalError, InterfaceError, QueriesChangedMeanwhile):
        raise
    except Exception:
        if len(message_ids) == 1:
            log.exception("message %s cannot be heard as a mention", message_ids[0])
            return
    half = len(message_ids) // 2
    for some in (message_ids[:half], message_ids[half:]):
        _hear_what_can_be(some)


def hear_messages(message_ids: Sequence[int]) -> int:
    """Hear messages of channels as they are now; in a transaction. Private ones and the brands' own are left out."""
    return hear(messages_heard(message_ids), source_key=CHANNELS)


def looked_again(message_ids: Sequence[int]) -> Callable[[], Recorded]:
    """Match messages that are no news, and give what stores them: they are not counted, and no rule opens a case for them.

    Both in a transaction, the second of which may be another; it raises :class:`QueriesChangedMeanwhile` before anything is
    written, when any of the queries that found them is not as it was matched.
    """
    matched = _matched(_fold([_item(one) for one in messages_heard(message_ids)]))
    return lambda: record(matched, source_id=None)


def messages_heard(message_ids: Sequence[int]) -> list[Heard]:
    """What channels heard, of messages that are public and not a brand's own."""
    steer()
    messages = Message.objects.filter(
        id__in=list(message_ids), visibility=Visibility.PUBLIC, own=False, from_brand=False
    )
    posts = dict(message_posts(messages))
    more = messages.order_by("id").values_list(
        "id",
        "identity__external_id",
        "parent_external_id",
        "edited_at",
        "deleted_at",
        "channel__settings__server",
    )
    return [
        Heard(
            post=posts[message_id],
            author_id=author_id,
            parent_id=parent_id or "",
            edited_at=edited_at,
            deleted=deleted_at is not None,
            message_id=message_id,
            server=server if isinstance(server, str) else "",
        )
        for message_id, author_id, parent_id, edited_at, deleted_at, server in more
        if message_id in posts
    ]
