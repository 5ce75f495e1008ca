"""A number of queries made ready together: their anchors in one automaton for words, one for originals, and tables.

Immutable but for checks, which are made when a post first asks for one: most queries of many wait for words that
nobody writes.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rapport.listening.anchors import BEGINNING, NAME, RAW, WORDS, Rarity, rules
from rapport.listening.checks import APART, Check, Subject, check
from rapport.listening.post import Post
from rapport.listening.tree import Node, Query

_AT_ONCE = 20  # queries, in less than a batch of posts takes
_Rules: TypeAlias = tuple[int, ...]
Candidates: TypeAlias = list[tuple[int, _Rules]]  # the number of a post, and what to ask of it


class Layer:
    """Queries by id. Made ``gently`` it takes longer, and leaves others of the process the time between two queries."""

    def __init__(self, queries: Mapping[int, Query], rarity: Rarity, *, gently: bool = False) -> None:
        self.queries = queries
        self._query: list[int] = []  # of each rule
        self._checks: list[Check | Node | None] = []
        always: list[int] = []
        owners: dict[str, defaultdict[str, list[int]]] = {
            kind: defaultdict(list) for kind in (WORDS, RAW, NAME, BEGINNING)
        }
        for done, (number, query) in enumerate(queries.items()):
            if gently and done % _AT_ONCE == 0:
                time.sleep(0.0005)
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
        self.kinds = "".join({name[0] for name in (*self._names, *self._beginnings)})

    def find(
        self, posts: Sequence[Post], words: Sequence[str], names: Sequence[Iterable[str]]
    ) -> dict[int, set[int]]:
        """The ids of the queries that match, by the number of the post; ``words`` are padded, ``names`` those of the
        layer's ``kinds``.
        """
        found: defaultdict[int, set[int]] = defaultdict(set)
        subjects: dict[int, Subject] = {}
        checks, query = self._checks, self._query
        for number, places in self._candidates(posts, words, names):
            for place in places:
                rest = checks[place]
                if rest is None:
                    found[number].add(query[place])
                    continue
                if not callable(rest):
                    rest = checks[place] = check(rest)
                subject = subjects.get(number)
                if subject is None:
                    subject = subjects[number] = Subject(posts[number], names[number])
                if rest(words[number], subject):
                    found[number].add(query[place])
        return found

    def _candidates(
        self, posts: Sequence[Post], words: Sequence[str], names: Sequence[Iterable[str]]
    ) -> Candidates:
        found = self._words.candidates(words)
        if self._raw.literals:
            found += self._raw.candidates(
                [f"{post.title}{APART}{post.text}" if post.title else post.text for post in posts]
            )
        if self._names:
            known = self._names
            found += [
                (number, known[name]) for number, here in enumerate(names) for name in here if name in known
            ]
        if self._beginnings:
            found += (
                (number, self._beginnings[name[:end]])
                for number, here in enumerate(names)
                for name in here
                for end in range(2, len(name) + 1)
                if name[:end] in self._beginnings
            )
        if self._always:
            found += ((number, self._always) for number in range(len(posts)))
        return found


class Automaton:
    """Literals, each with the places of the rules that it anchors."""

    def __init__(self, owners: Mapping[str, Iterable[int]]) -> None:
        self.literals = len(owners)
        self._owners = [tuple(places) for places in owners.values()]
        self._automaton = BytesAhoCorasick(
            [_bytes(literal) for literal in owners], implementation=Implementation.ContiguousNFA
        )

    def candidates(self, texts: Sequence[str]) -> Candidates:
        """Each literal that is in one of the texts: the number of the text, and its rules."""
        if not self.literals:
            return []
        joined = APART.join(texts)
        # Hits are at places in bytes.
        sizes = map(len, texts if joined.isascii() else map(_bytes, texts))
        hits = self._automaton.find_matches_as_indexes(_bytes(joined), overlapping=True)
        if not hits:
            return []
        ends = list(accumulate(size + 1 for size in sizes))
        owners = self._owners
        # Once each, however often a text repeats it.
        seen = {(bisect_left(ends, end), literal) for literal, _, end in hits}
        return [(number, owners[literal]) for number, literal in seen]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
