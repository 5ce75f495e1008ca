"""Other ways to match many queries, to measure ours against: each asks every query of every post."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import TypeAlias

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rapport.listening.checks import Subject, check, plain_literals
from rapport.listening.post import Post
from rapport.listening.query import Query
from rapport.listening.tree import And, Node, Not, Or, pushed

_OnHits: TypeAlias = Callable[[set[int], str, Subject], bool]


class TreesOnHits:
    """One automaton finds which words of all queries are in a post; then every query's tree is asked."""

    def __init__(self, queries: Mapping[int, Query]) -> None:
        numbers = count()
        self.literals: dict[str, int] = {}

        def number(literal: str) -> int:
            return self.literals.setdefault(literal, next(numbers))

        def on_hits(node: Node) -> _OnHits:
            literals = plain_literals(node)
            if literals is not None:
                wanted = frozenset(map(number, literals))
                if len(wanted) == 1:
                    (only,) = wanted
                    return lambda hits, _words, _subject: only in hits
                return lambda hits, _words, _subject: not hits.isdisjoint(wanted)
            match node:
                case And():
                    parts = [on_hits(part) for part in node.parts]
                    return lambda hits, words, subject: all(part(hits, words, subject) for part in parts)
                case Or():
                    parts = [on_hits(part) for part in node.parts]
                    return lambda hits, words, subject: any(part(hits, words, subject) for part in parts)
                case Not() if plain_literals(node.part) is not None:
                    inner = on_hits(node.part)
                    return lambda hits, words, subject: not inner(hits, words, subject)
                case _:
                    asked = check(node)
                    return lambda _hits, words, subject: asked(words, subject)

        self._trees = {query_id: on_hits(pushed(query.root)) for query_id, query in queries.items()}
        self._numbers = list(self.literals.values())
        self.automaton = BytesAhoCorasick(
            [literal.encode("utf-8", "surrogatepass") for literal in self.literals],
            implementation=Implementation.ContiguousNFA,
        )

    def match(self, post: Post, words: str) -> set[int]:
        """The queries that match; ``words`` are padded."""
        found = self.automaton.find_matches_as_indexes(words.encode(), overlapping=True)
        hits = {self._numbers[one] for one, _, _ in found}
        subject = Subject(post)
        return {query_id for query_id, tree in self._trees.items() if tree(hits, words, subject)}


class SubstringLoop:
    """Every query looks for its own words in the post."""

    def __init__(self, queries: Mapping[int, Query]) -> None:
        self._checks = {query_id: check(pushed(query.root)) for query_id, query in queries.items()}

    def match(self, post: Post, words: str) -> set[int]:
        """The queries that match; ``words`` are padded."""
        subject = Subject(post)
        return {query_id for query_id, asked in self._checks.items() if asked(words, subject)}
