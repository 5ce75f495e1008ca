"""The past, looked through for a query once it is saved or changed.

Three things are gone through, newest first, in parts that commit with their progress, so a killed worker repeats one
part at most, which changes nothing: what an older version of the query found (what holds no more goes, unless somebody
dealt with it), posts that are kept, and public messages of channels. No rule opens a case for what was found so. Before
all that, when the query's kind changed, its mentions' kinds and relevance are brought in line, also of one that is paused.

``Query.backfill`` holds ``version`` (whose run it is: a newer version's replaces it), ``from`` and ``until`` (ISO),
``next`` (where it goes on: a phase, and the place in it), ``looked`` and ``found`` (how many), ``state``
(running, done, stopped, failed), ``error`` (in words, empty when only the log can say it), ``tries`` (how often the
part that is next failed) and ``at`` (ISO, its last sign of life).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rapport.inbox.models import Message, Visibility
from rapport.listening.matcher import Matcher
from rapport.listening.parse import parse
from rapport.listening.post import Post as Said
from rapport.listening.problems import QueryError
from rapport.mentions import hearing, recording, settling
from rapport.mentions.exclusions import exclusions_of
from rapport.mentions.matching import Found, Known, found_by
from rapport.mentions.models import Post, Query, QueryState
from rapport.mentions.stored import POST_FIELDS, message_posts, post_of

log = logging.getLogger(__name__)

QUEUE = "mentions"
TASK = "rapport.mentions.look_back"
PART = 500
PARTS_PER_JOB = 20
# A run without a sign of life for so long has no job any more.
LOST = timedelta(minutes=2)
# A part that fails so often fails for good.
MOST_TRIES = 5
# What was being stored while the query was saved may have been committed behind the run.
_OVERLAP = timedelta(minutes=10)


def begin(query: Query, *, days: int = 30, kind_changed: bool = False) -> None:
    """Look through what was said in the last ``days`` for the query's newest version; in the transaction that saves it.

    Replaces what an older version had begun.
    """
    now = timezone.now()
    kind_changed = kind_changed or query.backfill.get("next", {}).get("phase") == "kinds"
    query.backfill = {
        "version": query.version_id,
        "from": (now - timedelta(days=days)).isoformat(),
        "until": now.isoformat(),
        "next": {"phase": "kinds" if kind_changed else "matches"},
        "looked": 0,
        "found": 0,
        "state": "running",
        "error": "",
        "tries": 0,
        "at": now.isoformat(),
    }
    query.save(update_fields=["backfill"])
    defer(query.pk)


def defer(query_id: int) -> int:
    """Ask for the next parts in the caller's transaction; at most one job waits. Returns 1 if it was asked for."""
    name = f"look-back-{query_id}"
    try:
        with transaction.atomic():
            app.configure_task(TASK, queue=QUEUE, lock=name, queueing_lock=name).defer(query_id=query_id)
    except AlreadyEnqueued:
        return 0
    return 1


def look_back(*, query_id: int) -> None:
    """Go through some parts, and ask for the next ones. Running it twice at once stores everything once.

    A part that fails is tried again by the next sweep that finds the run without a sign of life, some times.
    """
    for _part in range(PARTS_PER_JOB):
        try:
            more = take_part(query_id=query_id)
        except Exception:
            log.exception("a part of the past could not be looked through for listening query %s", query_id)
            _count_try(query_id)
            return
        if not more:
            return
    defer(query_id)


def _count_try(query_id: int) -> None:
    """One more part failed; too many in a row, and the run has failed."""
    with transaction.atomic():
        query = Query.objects.select_for_update(of=("self",), no_key=True).filter(id=query_id).first()
        if query is None or query.backfill.get("state") != "running":
            return
        tries = query.backfill.get("tries", 0) + 1
        query.backfill = {**query.backfill, "tries": tries, "at": timezone.now().isoformat()}
        if tries >= MOST_TRIES:
            _end(query, "failed")
        else:
            query.save(update_fields=["backfill"])


def sweep() -> int:
    """Ask again for runs whose job was lost with its worker; returns how many."""
    lost = Query.objects.filter(
        backfill__state="running",
        backfill__at__lt=(timezone.now() - LOST).isoformat(),
        deleted_at__isnull=True,
    )
    return sum(defer(query_id) for query_id in lost.order_by("id").values_list("id", flat=True))


def take_part(*, query_id: int) -> bool:
    """Go through one part; whether there is more.

    Reading and matching is done before, and nobody waits for it; storing holds the lock of those who store, and only if
    the query, and the place in its past, are still those that were matched. Otherwise the part is taken anew.
    """
    query = Query.objects.select_related("version").filter(id=query_id).first()
    if query is None or query.backfill.get("state") != "running":
        return False
    phase = query.backfill["next"]["phase"]
    idle = query.deleted_at is not None or query.state != QueryState.ACTIVE
    asked: _Asked | None = None
    part: _Part | None = None
    if query.version is not None and not (idle and phase != "kinds"):
        with suppress(QueryError):
            asked = _Asked(
                Known(query.pk, query.version.pk, query.brand_id, query.kind, parse(query.version.text))
            )
    if asked is not None:
        with transaction.atomic():  # what it reads is steered for the length of a transaction
            part = _PHASES[phase](query, asked)
    with transaction.atomic():
        # The lock of those who store comes before the row, as everywhere.
        recording.lock()
        now = Query.objects.select_for_update(of=("self",), no_key=True).filter(id=query_id).first()
        if now is None or now.backfill.get("state") != "running":
            return False
        if _matched_as(query) != _matched_as(now):
            return True
        if query.version is None or (idle and phase != "kinds"):
            return _end(now, "stopped")
        if part is None:
            return _end(now, "failed", _("The query cannot be read any more. Save it again."))
        try:
            with transaction.atomic():
                part.store()
        except recording.QueriesChangedMeanwhile:
            return True  # another query changed; this one's row is held
        now.backfill = {
            **now.backfill,
            "looked": now.backfill["looked"] + part.looked,
            "found": now.backfill["found"] + part.found,
            "next": part.following or {},
            "state": "running" if part.following else "done",
            "tries": 0,
            "at": timezone.now().isoformat(),
        }
        now.save(update_fields=["backfill"])
        return part.following is not None


def _matched_as(query: Query) -> tuple[object, ...]:
    """What a part depends on; a mere sign of life or a failed try is not in it."""
    run = query.backfill
    return (
        query.version_id, query.kind, query.state, query.deleted_at, run["version"], run["until"], run["next"],
    )  # fmt: skip


def _end(query: Query, state: str, error: str = "") -> bool:
    query.backfill = {**query.backfill, "state": state, "error": error}
    query.save(update_fields=["backfill"])
    return False


class _Asked:
    """One query, asked of many posts."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self._matcher = Matcher({known.query_id: known.tree})

    def find(self, posts: list[Said]) -> list[Found | None]:
        return [
            found_by(self.known, matches[0]) if matches else None
            for matches in self._matcher.match_many(posts)
        ]


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A part that was looked through: how many, how many of them were found, where it goes on (None: it is over), and
    what is left to do under the lock."""

    looked: int = 0
    found: int = 0
    following: dict[str, Any] | None
    store: Callable[[], object]


def _unchanged(versions: Mapping[int, datetime | None]) -> set[int]:
    """Those of these posts that are there with the words that were matched (their ``edited_at``), under the lock.

    What was edited meanwhile has been matched by all queries as they are.
    """
    here = Post.objects.filter(id__in=versions, deleted_at__isnull=True).values_list("id", "edited_at")
    return {post_id for post_id, edited_at in here if versions[post_id] == edited_at}


def _kinds(query: Query, asked: _Asked) -> _Part:
    """All its mentions, whose kinds and relevance are those of the queries that find them."""
    place = query.backfill["next"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.sent_at, t.mention_id, m.post_id
            FROM (
                SELECT sent_at, mention_id FROM mentions_match
                WHERE query_id = %(query)s
                  AND sent_at <= %(at)s AND (sent_at < %(at)s OR mention_id > %(mention)s)
                ORDER BY sent_at DESC, mention_id LIMIT %(part)s
            ) t
            CROSS JOIN LATERAL (SELECT post_id FROM mentions_mention WHERE id = t.mention_id OFFSET 0) m
            ORDER BY t.sent_at DESC, t.mention_id
            """,
            {
                "query": query.pk,
                "at": place.get("at", "infinity"),
                "mention": place.get("mention", 0),
                "part": PART,
            },
        )
        rows = cursor.fetchall()
    following: dict[str, Any] = {"phase": "matches"}
    if len(rows) == PART:
        at, mention_id, _post = rows[-1]
        following = {"phase": "kinds", "at": at.isoformat(), "mention": mention_id}
    ids = sorted({post_id for _at, _mention, post_id in rows})
    return _Part(following=following, store=lambda: settling.settle(post_ids=ids))


def _matches(query: Query, asked: _Asked) -> _Part:
    """What older versions found: what holds no more is taken away."""
    place = query.backfill["next"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.id, t.sent_at, t.mention_id, m.post_id
            FROM (
                SELECT id, sent_at, mention_id FROM mentions_match
                WHERE query_id = %(query)s AND version_id <> %(version)s
                  AND sent_at <= %(at)s AND (sent_at < %(at)s OR mention_id > %(mention)s)
                ORDER BY sent_at DESC, mention_id LIMIT %(part)s
            ) t
            CROSS JOIN LATERAL (SELECT post_id FROM mentions_mention WHERE id = t.mention_id OFFSET 0) m
            ORDER BY t.sent_at DESC, t.mention_id
            """,
            {
                "query": query.pk,
                "version": asked.known.version_id,
                "at": place.get("at", "infinity"),
                "mention": place.get("mention", 0),
                "part": PART,
            },
        )
        rows = cursor.fetchall()
    if not rows:
        return _Part(following={"phase": "posts"}, store=lambda: None)
    kept = list(Post.objects.filter(id__in={row[3] for row in rows}).values(*POST_FIELDS, "edited_at"))
    said = {row["id"]: post_of(row) for row in kept}
    versions = {row["id"]: row["edited_at"] for row in kept}
    holds = dict(zip(said, asked.find(list(said.values())), strict=True))
    wrong = [(match_id, post_id) for match_id, _at, _mention, post_id in rows if holds.get(post_id) is None]

    def store() -> None:
        same = _unchanged(versions)
        gone = [(match_id, post_id) for match_id, post_id in wrong if post_id in same]
        settling.take_away(
            match_ids=[match_id for match_id, _post in gone],
            post_ids=sorted({post_id for _match, post_id in gone}),
        )

    _id, at, mention_id, _post = rows[-1]
    following = {"phase": "matches", "at": at.isoformat(), "mention": mention_id}
    return _Part(following=following if len(rows) == PART else {"phase": "posts"}, store=store)


def _posts(query: Query, asked: _Asked) -> _Part:
    """Posts that are kept because another query found them."""
    since = datetime.fromisoformat(query.backfill["from"])
    below = query.backfill["next"].get("below")
    kept = Post.objects.filter(**({"id__lt": below} if below else {})).order_by("-id")
    rows = list(kept.values(*POST_FIELDS, "arrived_at", "edited_at", "deleted_at", "author_id_there")[:PART])
    wanted = [row for row in rows if row["deleted_at"] is None and row["sent_at"] >= since]
    excluded = exclusions_of({query.brand_id})
    placed = [
        (row["id"], (found,))
        for row, found in zip(wanted, asked.find([post_of(row) for row in wanted]), strict=True)
        if found is not None
        and not excluded.apply(
            brand_id=query.brand_id,
            network=row["network"],
            author_id=row["author_id_there"],
            handle=row["author"],
            server=row["facts"].get("server", ""),
        )
    ]
    versions = {row["id"]: row["edited_at"] for row in wanted}

    def store() -> None:
        same = _unchanged({post_id: versions[post_id] for post_id, _found in placed})
        there = [one for one in placed if one[0] in same]
        settling.add_matches(there)
        settling.settle(post_ids=[post_id for post_id, _found in there])

    over = len(rows) < PART or rows[-1]["arrived_at"] < since
    following = {"phase": "messages"} if over else {"phase": "posts", "below": rows[-1]["id"]}
    return _Part(looked=len(wanted), found=len(placed), following=following, store=store)


def _messages(query: Query, asked: _Asked) -> _Part:
    """What channels heard. They store in the order of ids, so what is below a part came before it."""
    since = datetime.fromisoformat(query.backfill["from"])
    below = query.backfill["next"].get("below")
    rows = list(
        Message.objects.filter(**({"id__lt": below} if below else {}))
        .order_by("-id")
        .values_list("id", "arrived_at", "sent_at")[:PART]
    )
    wanted = [message_id for message_id, _arrived, sent_at in rows if sent_at >= since]
    over = len(rows) < PART or rows[-1][1] < since
    following = {"phase": "again"} if over else {"phase": "messages", "below": rows[-1][0]}
    return _look_at(wanted, asked, following)


def _again(query: Query, asked: _Asked) -> _Part:
    """What was being stored while the query was saved, and so was noted for nobody."""
    saved = datetime.fromisoformat(query.backfill["until"])
    below = query.backfill["next"].get("below")
    rows = Message.objects.filter(arrived_at__gte=saved - _OVERLAP, arrived_at__lte=saved + _OVERLAP)
    rows = rows.filter(heard_as__isnull=True, **({"id__lt": below} if below else {}))
    ids = list(rows.order_by("-id").values_list("id", flat=True)[:PART])
    following = {"phase": "again", "below": ids[-1]} if len(ids) == PART else None
    return replace(_look_at(ids, asked, following), looked=0)


def _look_at(message_ids: list[int], asked: _Asked, following: dict[str, Any] | None) -> _Part:
    """Hear those of these messages that the query finds."""
    if not message_ids:
        return _Part(following=following, store=lambda: None)
    hearing.steer()
    messages = Message.objects.filter(
        id__in=message_ids, visibility=Visibility.PUBLIC, own=False, from_brand=False, deleted_at__isnull=True
    )
    posts = dict(message_posts(messages))
    found = [
        message_id
        for message_id, one in zip(posts, asked.find(list(posts.values())), strict=True)
        if one is not None
    ]
    # By all queries: what is stored of a post is what all of them find in it.
    return _Part(looked=len(posts), found=len(found), following=following, store=hearing.looked_again(found))


_PHASES: dict[str, Callable[[Query, _Asked], _Part]] = {
    "kinds": _kinds,
    "matches": _matches,
    "posts": _posts,
    "messages": _messages,
    "again": _again,
}
