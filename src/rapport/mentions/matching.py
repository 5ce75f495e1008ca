"""The saved queries as this process matches them: one matcher, brought up to date when any query changed.

Whoever changes a query counts up ``QueriesChanged`` in the same transaction. Each look at posts begins with a look
at that one number, so an edited query is live with the next batch in every process, and nobody waits for it.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from rapport.listening.matcher import Match, Matcher
from rapport.listening.parse import parse
from rapport.listening.post import Post
from rapport.listening.problems import QueryError
from rapport.listening.query import Query as Tree
from rapport.listening.show import show_node
from rapport.mentions.models import Post as StoredPost
from rapport.mentions.models import Query, QueryState, QueryVersion

log = logging.getLogger(__name__)

CHANNEL = "rapport_queries"
# A text may have a word a thousand times; so many places are kept of why it matched.
MOST_WHY = 50
# Newest posts that tell rare words from common ones.
_LIKE = 2_000
# Queries from which on they are kept from the garbage collector.
_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """An active query as it is matched."""

    query_id: int
    version_id: int
    brand_id: int
    kind: str
    tree: Tree


@dataclass(frozen=True, slots=True)
class Found:
    """A query that matches a post, with the version of it that does, and why as it is stored: ``[[part, start, end,
    term] …]``. That is worked out here, because whoever stores it holds a lock that others wait for."""

    known: Known
    why: list[list[Any]]


def found_by(known: Known, match: Match) -> Found:
    """A match, with why it is one."""
    hits = match.why()[:MOST_WHY]
    return Found(known, [[hit.where, hit.start, hit.end, show_node(hit.leaf)] for hit in hits])


@dataclass(slots=True)
class _Process:
    """What this process knows. ``number`` is that of ``QueriesChanged`` when it looked last."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = -1
    matcher: Matcher = field(default_factory=lambda: Matcher({}))
    known: dict[int, Known] = field(default_factory=dict)


_here = _Process()


def note_change() -> None:
    """Say that queries changed; in the transaction that changes them.

    The number is the time in microseconds, or one more than before: it never comes twice, also when a backup is
    put back while processes run.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO mentions_querieschanged (id, number)
            VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
            ON CONFLICT (id) DO UPDATE
            SET number = greatest(mentions_querieschanged.number + 1, excluded.number)
            """
        )
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def current_matcher() -> Matcher:
    """The matcher of all active queries as they are committed now, by ``Query.id``. One statement if none changed."""
    _look()
    return _here.matcher


def known_trees() -> dict[int, Tree]:
    """The active queries as they are committed now, by ``Query.id``."""
    _look()
    with _here.lock:
        return {query_id: one.tree for query_id, one in _here.known.items()}


def find(posts: Sequence[Post]) -> list[list[Found]]:
    """What matches each post, with the very version that matched, whoever changes queries meanwhile."""
    if not posts:
        return []
    while True:
        _look()
        with _here.lock:
            matcher, known = _here.matcher, _here.known
        if not known:
            return [[] for _ in posts]
        matches = matcher.match_many(posts)
        # Another thread may have changed the matcher between; then it matched what ``known`` does not say.
        if all(match.query_id in known and known[match.query_id].tree is match.query
               for one in matches for match in one):  # fmt: skip
            return [[found_by(known[match.query_id], match) for match in one] for one in matches]


def _look() -> None:
    """Take over what changed since the last look."""
    # The number first: what is committed after it is seen by the next look at the latest.
    number = _number()
    with _here.lock:
        if number == _here.number:
            return
        wanted = _wanted()
        known = _here.known
        gone = known.keys() - wanted.keys()
        changed = {
            query_id
            for query_id, (version_id, _, _) in wanted.items()
            if query_id not in known or known[query_id].version_id != version_id
        }
        trees = _trees({query_id: wanted[query_id][0] for query_id in changed})
        now = {
            query_id: Known(
                query_id,
                version_id,
                brand_id,
                kind,
                trees[query_id] if query_id in changed else known[query_id].tree,
            )
            for query_id, (version_id, brand_id, kind) in wanted.items()
            if query_id not in changed or query_id in trees
        }
        if _here.number < 0:
            _here.matcher = _first(trees)
        elif trees or gone:
            _here.matcher.changed(trees, gone | (changed - trees.keys()))
        _here.known, _here.number = now, number


def _first(trees: dict[int, Tree]) -> Matcher:
    """The matcher of a process that begins. Which words are rare it knows from what was heard last."""
    texts = StoredPost.objects.order_by("-id").values_list("text", flat=True) if trees else ()
    matcher = Matcher(trees, like=texts[:_LIKE])
    if len(trees) >= _MANY:
        # Some hundred thousand objects that live as long as the process: without them, the garbage collector's
        # rounds cost a tenth less of all matching (``python -m bench matching``).
        gc.collect()
        gc.freeze()
    return matcher


def _number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM mentions_querieschanged WHERE id = 1")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _wanted() -> dict[int, tuple[int, int, str]]:
    """Version, brand and kind of each active query."""
    rows = Query.objects.filter(
        state=QueryState.ACTIVE, deleted_at__isnull=True, version__isnull=False
    ).values_list("id", "version_id", "brand_id", "kind")
    return {
        query_id: (version_id, brand_id, kind)
        for query_id, version_id, brand_id, kind in rows.order_by()
        if version_id is not None
    }


def _trees(versions: dict[int, int]) -> dict[int, Tree]:
    """Read the texts of these versions; those that cannot be read are left out, and said to the log."""
    texts = dict(QueryVersion.objects.filter(id__in=versions.values()).order_by().values_list("id", "text"))
    trees = {}
    for query_id, version_id in versions.items():
        try:
            trees[query_id] = parse(texts[version_id])
        except (QueryError, KeyError):
            log.exception(
                "version %s of listening query %s cannot be read: it is not matched", version_id, query_id
            )
    return trees
