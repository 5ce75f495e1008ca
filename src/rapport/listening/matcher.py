"""All queries at once against every post.

:class:`Matcher` finds exactly what ``reference.py`` finds, and asks only the queries whose anchors (``anchors.py``)
are seen: one pass over some hundred posts joined, whatever the number of queries.

Queries change while it runs. A change is a small layer of its own over the large one, and is matched from the
next post on; in the background the layers become one when the small one has grown. What is replaced is one
reference, so every call sees the queries of one moment, all of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from rapport.listening.anchors import Rarity
from rapport.listening.batch import Batch
from rapport.listening.layer import Layer
from rapport.listening.post import Post
from rapport.listening.query import Query
from rapport.listening.reading import read
from rapport.listening.reference import Hit, evaluate

BATCH = 256  # posts joined for one pass
# A change makes this many queries ready anew at most: some milliseconds.
_MOST_RECENT = 256
_REMEMBERED = 8  # batches, by which it is known which words are rare


@dataclass(frozen=True, slots=True)
class Match:
    """One query that matches one post."""

    query_id: int
    query: Query
    post: Post

    def why(self) -> tuple[Hit, ...]:
        """Which terms matched where, by offsets into the original text. Costs as much as a hundred matches."""
        return evaluate(self.query, self.post).why


@dataclass(frozen=True, slots=True)
class _State:
    """The queries of one moment. ``gone`` are those of the large layer that were changed or removed since."""

    large: Layer
    recent: Layer
    gone: frozenset[int]


class Matcher:
    """Queries by id. Safe to use from several threads.

    ``like`` are some texts like those to come, by which it knows rare words from common ones; without them it
    guesses, and learns from what it reads when the layers become one.
    """

    def __init__(self, queries: Mapping[int, Query], *, like: Iterable[str] = ()) -> None:
        self._rarity = Rarity(map(read, like))
        self._lock = threading.Lock()
        self._merging: threading.Thread | None = None
        self._remembered: deque[list[str]] = deque(maxlen=_REMEMBERED)
        self._state = _State(Layer(dict(queries), self._rarity), Layer({}, self._rarity), frozenset())

    @property
    def queries(self) -> dict[int, Query]:
        """What it matches now."""
        return _queries(self._state)

    def match(self, post: Post) -> list[Match]:
        """The queries that match, by id."""
        return self.match_many([post])[0]

    def match_many(self, posts: Iterable[Post]) -> list[list[Match]]:
        """The matches of each post, in the order of the posts; in batches is several times faster than singly."""
        rest = iter(posts)
        found: list[list[Match]] = []
        while batch := list(islice(rest, BATCH)):
            found += self._match(batch)
        return found

    def _match(self, posts: Sequence[Post]) -> list[list[Match]]:
        state = self._state
        batch = Batch(posts)
        if len(posts) == BATCH:
            self._remembered.append(batch.words)
        found: list[list[Match]] = [[] for _ in posts]
        for number, ids in state.large.find(batch).items():
            if state.gone:
                ids -= state.gone
            found[number] = [Match(one, state.large.queries[one], posts[number]) for one in sorted(ids)]
        if state.recent.queries:
            for number, ids in state.recent.find(batch).items():
                found[number] += (Match(one, state.recent.queries[one], posts[number]) for one in ids)
                found[number].sort(key=_by_query)
        return found

    def changed(self, added: Mapping[int, Query], removed: Iterable[int] = ()) -> None:
        """Add or replace queries, and remove some; when it returns, every later match is of the new ones."""
        with self._lock:
            state = self._state
            out = frozenset(removed).union(added)
            recent = {number: query for number, query in state.recent.queries.items() if number not in out}
            recent.update(added)
            gone = state.gone | (out & state.large.queries.keys())
            self._state = _State(state.large, Layer(recent, self._rarity), gone)
            if len(recent) + len(gone) > _MOST_RECENT and (
                self._merging is None or not self._merging.is_alive()
            ):
                self._merging = threading.Thread(target=self._merge, name="matcher", daemon=True)
                self._merging.start()

    def settle(self) -> None:
        """Wait until what runs in the background is done."""
        if self._merging is not None:
            self._merging.join()

    def _merge(self) -> None:
        """Make one large layer of both, without those who match or change queries having to wait."""
        began = self._state
        if remembered := list(self._remembered):
            self._rarity = Rarity(text for batch in remembered for text in batch)
        queries = _queries(began)
        large = Layer(queries, self._rarity, gently=True)
        with self._lock:
            now = self._state
            # What changed meanwhile stays small: it is in the layer of now, and not as it was in that of then.
            recent = {
                number: query
                for number, query in now.recent.queries.items()
                if began.recent.queries.get(number) is not query
            }
            kept = _queries(now).keys()
            gone = frozenset(number for number in queries if number not in kept or number in recent)
            self._state = _State(large, Layer(recent, self._rarity), gone)


def _by_query(match: Match) -> int:
    return match.query_id


def _queries(state: _State) -> dict[int, Query]:
    large = {number: query for number, query in state.large.queries.items() if number not in state.gone}
    return {**large, **state.recent.queries}
