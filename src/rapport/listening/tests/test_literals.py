"""Literals are found in words as ``in`` finds them, and of many no automaton is made of what are whole words."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.listening import layer, literals
from rapport.listening.anchors import Rarity
from rapport.listening.batch import Batch
from rapport.listening.literals import Automata, Literals
from rapport.listening.parse import parse
from rapport.listening.post import Post

_words = st.lists(st.sampled_from(["late", "bag", "ba", "กระเป๋า", "a", "行李", "😡"]), min_size=1, max_size=3)
_literals = st.builds(
    lambda words, before, after: before + " ".join(words) + after,
    _words,
    st.sampled_from(["", " "]),
    st.sampled_from(["", " "]),
)


@given(
    st.lists(_literals, unique=True, max_size=12),
    st.lists(st.tuples(_words, st.none() | _words), min_size=1, max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_a_literal_is_seen_where_it_is_in_the_words(
    found: list[str], said: list[tuple[list[str], list[str] | None]]
) -> None:
    batch = Batch(
        [Post("1", " ".join(text), title=" ".join(title) if title else None) for text, title in said]
    )
    numbers = {literal: number for number, literal in enumerate(found)}
    for few in (0, literals._FEW):
        with mock.patch.object(literals, "_FEW", few):
            seen = Literals(numbers, Rarity(), gently=False).seen(batch)
        for place, words in enumerate(batch.words):
            assert seen.get(place, set()) == {n for literal, n in numbers.items() if literal in words}


def test_many_whole_words_and_phrases_need_no_automaton(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one of 40,000 words stopped everybody for 100 ms."""
    monkeypatch.setattr(literals, "_FEW", 1000)
    whole = {f" word{n} ": n for n in range(1000)} | {f" word{n} bag ": 1000 + n for n in range(1000)}
    assert not Literals(whole, Rarity(), gently=False)._pieces
    assert Literals({**whole, " lugg": 2000}, Rarity(), gently=False)._pieces


def test_literals_are_spread_over_automata_that_are_quick_to_make() -> None:
    several = Automata((f"n{n}" for n in range(literals._LITERALS + 5)), gently=False)
    assert len(several._all) == 2
    last = literals._LITERALS + 4
    batch = Batch([Post("1", f"n{last}")])
    assert last in several.seen(batch.joined)[0]


def test_what_several_rules_ask_is_kept_once() -> None:
    asked = {n: parse(f"word{n} lang:en -is:repost") for n in range(50)}
    assert len(layer.Layer(asked, Rarity())._checks) == 1
