"""A number of queries made ready together: their literals in automata, and what is asked of a post that has them.

Immutable but for checks, which are made when a post first asks for one: most queries of many wait for words that
nobody writes.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeAlias

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rapport.listening.anchors import BEGINNING, NAME, RAW, WORDS, Rarity, rules
from rapport.listening.asked import Asked, asked
from rapport.listening.batch import Batch, Joined, encoded
from rapport.listening.checks import Check, check
from rapport.listening.query import Query
from rapport.listening.tree import Node

_AT_ONCE = 20  # queries, in less than a batch of posts takes
# Literals of one automaton: making it holds Python's lock, for as long as some batches of posts take.
_LITERALS = 40_000
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_NOTHING: frozenset[int] = frozenset()
_Rules: TypeAlias = tuple[int, ...]
_Seen: TypeAlias = set[int] | frozenset[int]
Candidate: TypeAlias = tuple[int, _Rules]  # the number of a post, and what to ask of it


class Layer:
    """Queries by id. Made ``gently`` it takes longer, and leaves others of the process the time between two queries."""

    def __init__(self, queries: Mapping[int, Query], rarity: Rarity, *, gently: bool = False) -> None:
        self.queries = queries
        self._query: list[int] = []  # of each rule
        self._asked: list[Asked] = []
        self._checks: list[Check | Node] = []
        always: list[int] = []
        owners: dict[str, defaultdict[str, list[int]]] = {
            kind: defaultdict(list) for kind in (WORDS, RAW, NAME, BEGINNING)
        }
        literals: dict[str, int] = {}
        kept: dict[Asked, Asked] = {}

        def number_of(literal: str) -> int:
            return literals.setdefault(literal, len(literals))

        for done, (number, query) in enumerate(queries.items()):
            if gently and done % _AT_ONCE == 0:
                time.sleep(0.0005)
            for rule in rules(query.root, rarity):
                place = len(self._query)
                self._query.append(number)
                question = asked(rule.rest, number_of, self._more)
                self._asked.append(kept.setdefault(question, question))
                if rule.anchors is None:
                    always.append(place)
                for anchor in rule.anchors or ():
                    owners[anchor[0]][anchor[1:]].append(place)
        for literal in owners[WORDS]:
            number_of(literal)
        self._always = tuple(always)
        self._owners = [tuple(owners[WORDS].get(literal, ())) for literal in literals]
        self._words = _automata(literals, gently=gently)
        self._raw_owners = [tuple(places) for places in owners[RAW].values()]
        self._raw = _automata(owners[RAW], gently=gently)
        self._names = {name: tuple(places) for name, places in owners[NAME].items()}
        self._beginnings = {name: tuple(places) for name, places in owners[BEGINNING].items()}
        self._kinds = frozenset(name[0] for name in (*self._names, *self._beginnings))
        written = [name for name in self._names if name[0] in "@#"]
        self._whole = len(written)
        self._signs = _automata([*written, *self._beginnings], gently=gently)

    def _more(self, node: Node) -> int:
        self._checks.append(node)
        return len(self._checks) - 1

    def find(self, batch: Batch) -> dict[int, set[int]]:
        """The ids of the queries that match, by the number of the post."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        # A text may have hundreds of anchors of one rule, and a NEAR of all of them is long to ask.
        done: set[tuple[int, int]] = set()
        seen = _seen(self._words, batch.joined_words)
        for number, places in self._candidates(batch, seen):
            here: _Seen = seen.get(number, _NOTHING)
            misses = here.isdisjoint
            for place in places:
                needed, never, more = self._asked[place]
                if never and not misses(never):
                    continue
                for one in needed:
                    if misses(one):
                        break
                else:
                    if more >= 0:
                        if (number, more) in done:
                            continue
                        done.add((number, more))
                        if not self._check(more)(batch.words[number], batch.subject(number)):
                            continue
                    found[number].add(self._query[place])
        return found

    def _check(self, number: int) -> Check:
        found = self._checks[number]
        if callable(found):
            return found
        made = self._checks[number] = check(found)
        return made

    def _candidates(self, batch: Batch, seen: Mapping[int, _Seen]) -> Iterator[Candidate]:
        owners = self._owners
        for number, literals in seen.items():
            for literal in literals:
                if places := owners[literal]:
                    yield number, places
        for number, literals in _seen(self._raw, batch.joined).items():
            for literal in literals:
                yield number, self._raw_owners[literal]
        if self._kinds:
            yield from self._named(batch)
        for number in range(len(batch.posts)) if self._always else ():
            yield number, self._always

    def _named(self, batch: Batch) -> Iterator[Candidate]:
        """By hashtags, handles, signs of shares, and who wrote it: where one may be, they are read one by one."""
        known, begun = self._names, self._beginnings
        if "f" in self._kinds:
            for number, names in batch.authors:
                for name in names:
                    if places := known.get(f"from:{name}"):
                        yield number, places
        if "$" in self._kinds:
            for number in batch.with_shares:
                for name in batch.subject(number).shares:
                    if places := known.get(f"${name}"):
                        yield number, places
        for number in self._with_names(batch):
            for name in batch.subject(number).names:
                if places := known.get(name):
                    yield number, places
                for end in range(2, len(name) + 1) if begun else ():
                    if places := begun.get(name[:end]):
                        yield number, places

    def _with_names(self, batch: Batch) -> set[int]:
        """The posts that may have a hashtag or handle that is asked for."""
        if not self._signs:
            return set()
        text = batch.lowered
        found = set(batch.told)
        found |= batch.unsure
        for first, automaton in self._signs:
            places = [
                end
                for literal, _, end in automaton.find_matches_as_indexes(text.bytes, overlapping=True)
                # ``@ana`` is none in ``@anastasia``
                if first + literal >= self._whole or text.bytes[end] not in _LETTERS
            ]
            found.update(map(text.number, places))
        return found


_Automata: TypeAlias = tuple[tuple[int, BytesAhoCorasick], ...]  # with the number of the first literal


def _automata(literals: Iterable[str], *, gently: bool) -> _Automata:
    rest = iter(literals)
    found = []
    first = 0
    while some := list(map(encoded, islice(rest, _LITERALS))):
        if gently:
            time.sleep(0.0005)
        found.append((first, BytesAhoCorasick(some, implementation=Implementation.ContiguousNFA)))
        first += len(some)
    return tuple(found)


def _seen(automata: _Automata, joined: Joined) -> dict[int, set[int]]:
    """The literals of each text that has one."""
    found: dict[int, set[int]] = {}
    for first, automaton in automata:
        joined.seen(automaton, first, found)
    return found
