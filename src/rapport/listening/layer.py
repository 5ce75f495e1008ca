"""A number of queries made ready together: their anchors in one automaton for words, one for originals, and tables.

Immutable but for checks, which are made when a post first asks for one: most queries of many wait for words that
nobody writes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias, cast

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rapport.listening.anchors import BEGINNING, NAME, RAW, WORDS, Rarity, rules
from rapport.listening.checks import Check, Subject, check
from rapport.listening.names import names
from rapport.listening.post import Post
from rapport.listening.tree import Node, Query

# Between posts. No word has it, and what it may do in an original is find a candidate too many.
APART = "\x02"
_Rules: TypeAlias = tuple[int, ...]
Candidates: TypeAlias = list[tuple[int, _Rules]]  # the number of a post, and what to ask of it


class Layer:
    """Queries by id."""

    def __init__(self, queries: Mapping[int, Query], rarity: Rarity) -> None:
        self.queries = queries
        self._query: list[int] = []  # of each rule
        self._checks: list[Check | Node | None] = []
        always: list[int] = []
        owners: dict[str, defaultdict[str, list[int]]] = {
            kind: defaultdict(list) for kind in (WORDS, RAW, NAME, BEGINNING)
        }
        for number, query in queries.items():
            for rule in rules(query.root, rarity):
                place = len(self._query)
                self._query.append(number)
                self._checks.append(rule.rest)
                if rule.anchors is None:
                    always.append(place)
                for anchor in rule.anchors or ():
                    owners[anchor[0]][anchor[1:]].append(place)
        self._always = tuple(always)
        self._words = Automaton(owners[WORDS])
        self._raw = Automaton(owners[RAW])
        self._names = {name: tuple(places) for name, places in owners[NAME].items()}
        self._beginnings = {name: tuple(places) for name, places in owners[BEGINNING].items()}
        self._kinds = "".join({name[0] for name in (*self._names, *self._beginnings)})

    def find(self, posts: Sequence[Post], words: Sequence[str]) -> dict[int, set[int]]:
        """The ids of the queries that match, by the number of the post; ``words`` are padded."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        subjects: dict[int, Subject] = {}
        checks, query = self._checks, self._query
        for number, places in self._candidates(posts, words):
            for place in places:
                rest = checks[place]
                if rest is None:
                    found[number].add(query[place])
                    continue
                if not callable(rest):
                    rest = checks[place] = check(rest)
                subject = subjects.get(number)
                if subject is None:
                    subject = subjects[number] = Subject(posts[number])
                if rest(words[number], subject):
                    found[number].add(query[place])
        return found

    def _candidates(self, posts: Sequence[Post], words: Sequence[str]) -> Candidates:
        found = self._words.candidates(words)
        if self._raw.literals:
            found += self._raw.candidates([f"{post.title or ''}{APART}{post.text}" for post in posts])
        if self._kinds:
            found += ((number, places) for number, post in enumerate(posts) for places in self._named(post))
        if self._always:
            found += ((number, self._always) for number in range(len(posts)))
        return found

    def _named(self, post: Post) -> Iterator[_Rules]:
        for name in names(post, self._kinds):
            if name in self._names:
                yield self._names[name]
            if self._beginnings:
                for end in range(2, len(name) + 1):
                    if name[:end] in self._beginnings:
                        yield self._beginnings[name[:end]]


class Automaton:
    """Literals, each with the places of the rules that it anchors."""

    def __init__(self, owners: Mapping[str, Iterable[int]]) -> None:
        self.literals = len(owners)
        self._owners = [tuple(places) for places in owners.values()]
        self._automaton = BytesAhoCorasick(
            [_bytes(literal) for literal in owners], implementation=Implementation.ContiguousNFA
        )

    def candidates(self, texts: Iterable[str]) -> Candidates:
        """Each literal that is in one of the texts: the number of the text, and its rules."""
        if not self.literals:
            return []
        pieces = list(map(_bytes, texts))
        ends = list(accumulate(len(piece) + 1 for piece in pieces))
        owners = self._owners
        return [(bisect_left(ends, end), owners[literal]) for literal, _, end in self.hits(pieces)]

    def hits(self, pieces: Iterable[bytes]) -> list[tuple[int, int, int]]:
        """Each literal's number and place in the joined texts."""
        found = self._automaton.find_matches_as_indexes(APART.encode().join(pieces), overlapping=True)
        return cast(list[tuple[int, int, int]], found)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
