"""A number of queries made ready together: their literals, and what is asked of a post that has them.

Immutable but for checks, which are made when a post first asks for one: most queries of many wait for words that
nobody writes. Until then a check is a tree as bytes, and rules that ask the same share one.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from rapport.listening.anchors import BEGINNING, NAME, RAW, WORDS, Rarity, rules
from rapport.listening.asked import Asked, asked
from rapport.listening.batch import Batch
from rapport.listening.checks import Check, check
from rapport.listening.literals import Automata, Literals
from rapport.listening.packed import packed, unpacked
from rapport.listening.query import Query
from rapport.listening.tree import Node

_SHORT = 16  # rules of an anchor
_AT_ONCE = 20  # queries, in less than a batch of posts takes
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_NOTHING: frozenset[int] = frozenset()
_Rules: TypeAlias = tuple[int, ...]
# A list only where it is long: the garbage collector walks through every list, and through no tuple of numbers.
_Places: TypeAlias = tuple[int, ...] | list[int]
_Seen: TypeAlias = set[int] | frozenset[int]
Candidate: TypeAlias = tuple[int, _Rules]  # the number of a post, and what to ask of it


class Layer:
    """Queries by id. Made ``gently`` it takes longer, and leaves others of the process the time between two queries."""

    def __init__(self, queries: Mapping[int, Query], rarity: Rarity, *, gently: bool = False) -> None:
        self.queries = queries
        self._query: list[int] = []  # of each rule
        self._asked: list[Asked] = []
        self._checks: list[Check | bytes] = []
        numbered: dict[bytes, int] = {}
        always: list[int] = []
        owners: dict[str, dict[str, _Places]] = {kind: {} for kind in (WORDS, RAW, NAME, BEGINNING)}
        literals: dict[str, int] = {}
        kept: dict[Asked, Asked] = {}

        def number_of(literal: str) -> int:
            return literals.setdefault(literal, len(literals))

        def more(node: Node) -> int:
            written = packed(node, places=False)
            found = numbered.setdefault(written, len(numbered))
            if found == len(self._checks):
                self._checks.append(written)
            return found

        for done, (number, query) in enumerate(queries.items()):
            if gently and done % _AT_ONCE == 0:
                time.sleep(0.0005)
            for rule in rules(query.root, rarity):
                place = len(self._query)
                self._query.append(number)
                question = asked(rule.rest, number_of, more)
                self._asked.append(kept.setdefault(question, question))
                if rule.anchors is None:
                    always.append(place)
                for anchor in rule.anchors or ():
                    _add(owners[anchor[0]], anchor[1:], place)
        for literal in owners[WORDS]:
            number_of(literal)
        self._always = tuple(always)
        self._owners = [tuple(owners[WORDS].get(literal, ())) for literal in literals]
        self._words = Literals(literals, rarity, gently=gently)
        self._raw_owners = [tuple(places) for places in owners[RAW].values()]
        self._raw = Automata(owners[RAW], gently=gently)
        self._names = {name: tuple(places) for name, places in owners[NAME].items()}
        self._beginnings = {name: tuple(places) for name, places in owners[BEGINNING].items()}
        self._kinds = frozenset(name[0] for name in (*self._names, *self._beginnings))
        written = [name for name in self._names if name[0] in "@#"]
        self._whole = len(written)
        self._signs = Automata([*written, *self._beginnings], gently=gently)

    def find(self, batch: Batch) -> dict[int, set[int]]:
        """The ids of the queries that match, by the number of the post."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        # A text may have hundreds of anchors of one rule, and a NEAR of all of them is long to ask; of many brands' rules
        # the same is asked, such as ``lang:en``.
        told: dict[tuple[int, int], bool] = {}
        seen = self._words.seen(batch)
        rules, query, checks = self._asked, self._query, self._checks
        for number, places in self._candidates(batch, seen):
            here: _Seen = seen.get(number, _NOTHING)
            misses = here.isdisjoint
            for place in places:
                needed, never, more = rules[place]
                if never and not misses(never):
                    continue
                for one in needed:
                    if misses(one):
                        break
                else:
                    if more >= 0:
                        is_true = told.get((number, more))
                        if is_true is None:
                            asks = checks[more]
                            if isinstance(asks, bytes):
                                asks = checks[more] = check(unpacked(asks))
                            is_true = told[number, more] = asks(batch.words[number], batch.subject(number))
                        if not is_true:
                            continue
                    found[number].add(query[place])
        return found

    def _candidates(self, batch: Batch, seen: Mapping[int, _Seen]) -> Iterator[Candidate]:
        owners = self._owners
        for number, literals in seen.items():
            for literal in literals:
                if places := owners[literal]:
                    yield number, places
        for number, literals in self._raw.seen(batch.joined).items():
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
        found.update(
            text.number(end)
            for literal, end in self._signs.places(text)
            # ``@ana`` is none in ``@anastasia``
            if literal >= self._whole or text.bytes[end] not in _LETTERS
        )
        return found


def _add(owners: dict[str, _Places], anchor: str, place: int) -> None:
    places = owners.get(anchor, ())
    if isinstance(places, list):
        places.append(place)
    else:
        owners[anchor] = (*places, place) if len(places) < _SHORT else [*places, place]
