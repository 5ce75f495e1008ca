"""A tree that is kept as bytes is the same tree."""

from __future__ import annotations

import gc

from hypothesis import given, settings

from rapport.listening.packed import packed, unpacked
from rapport.listening.parse import parse
from rapport.listening.query import Query
from rapport.listening.tests.trees import queries
from rapport.listening.tree import And, Field, Node, Not, Term


def _spans(node: Node) -> list[object]:
    parts = getattr(node, "parts", None) or ((node.part,) if isinstance(node, Not) else ())
    return [node.span, *map(_spans, parts)]


@given(queries)
@settings(max_examples=200, deadline=None)
def test_a_tree_comes_back_as_it_was(query: Query) -> None:
    again = unpacked(packed(query.root))
    assert again == query.root
    assert _spans(again) == _spans(query.root)
    assert unpacked(packed(query.root, places=False)) == query.root


def test_equal_trees_at_other_places_are_the_same_bytes() -> None:
    one = parse("delta -lang:en likes:>5").root
    other = parse("  delta  NOT lang:en likes:>5").root
    assert packed(one) != packed(other)
    assert packed(one, places=False) == packed(other, places=False)


def test_values_of_every_kind_come_back() -> None:
    found = parse("delta after:2026-01-31 before:2026-02-01T10:00+02:00 likes:5..20").root
    assert isinstance(found, And)
    assert [type(one) for one in found.parts].count(Field) == 4
    assert unpacked(packed(found)) == found
    strange = Term("\ud800 a\x00", ("b",), "c+", "é", (3, 49_999))
    assert unpacked(packed(strange)) == strange
    assert unpacked(packed(strange)).span == (3, 49_999)


def test_equal_queries_are_equal_whatever_they_were_written_like() -> None:
    assert parse("late  bag") == parse("late AND bag")
    assert hash(parse("late  bag")) == hash(parse("late AND bag"))
    assert parse("late bag") != parse("late OR bag")
    assert parse("stem:en late") != parse("late")


def test_a_query_that_is_kept_is_one_object_to_the_garbage_collector() -> None:
    """Trees of a hundred thousand queries were three million, and looking through them stopped everybody."""
    query = parse("delta (late OR lost OR cancel* OR refund*) NEAR/3 bag -(job OR jobs) lang:en")
    assert not [one for one in gc.get_referents(query) if gc.is_tracked(one) and not isinstance(one, type)]
