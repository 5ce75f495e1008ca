from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.listening.parse import parse, read
from rapport.web.listening.builder import ALL, ANY, MODES, NONE, Group, groups_of, text_of
from rapport.web.listening.forms import check


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        ([Group(ANY, ("bag",))], "bag"),
        ([Group(ANY, ("bag", "lost luggage"))], 'bag OR "lost luggage"'),
        ([Group(NONE, ("river", "sea")), Group(ALL, ("a", "b"))], "a AND b AND NOT (river OR sea)"),
        ([Group(ANY, ("#lost", "@aero", "lugg*", "lang:en,hr", "OR", "a OR b", '"x" y', "-z"))],
         '#lost OR @aero OR lugg* OR lang:en,hr OR "OR" OR "a OR b" OR "x y" OR "-z"'),
        ([Group(ANY), Group(ALL, (" ", ""))], ""),
    ],
)  # fmt: skip
def test_groups_say_a_text(groups: list[Group], text: str) -> None:
    assert text_of(groups) == text


@pytest.mark.parametrize(
    "text",
    ["bag", 'a AND "b c"', "(a OR b) AND c AND NOT d", "NOT (a OR b) AND c", "#x OR 😡 OR c++", '"lugg*"'],
)
def test_a_text_of_groups_comes_back_as_the_same_query(text: str) -> None:
    groups, trouble = groups_of(parse(text))
    assert trouble is None
    assert set(_parts(text_of(groups))) == set(_parts(text))


def _parts(text: str) -> list[str]:
    asked = check(text)
    assert asked.query is not None
    return sorted(asked.canonical.split(" AND "))


@pytest.mark.parametrize(
    "text", ["a NEAR/2 b", "a OR (b c)", "accents:exact café", "stem:en bag", "a -(b c)"]
)
def test_what_groups_cannot_show_is_said(text: str) -> None:
    groups, trouble = groups_of(parse(text))
    assert groups == []
    assert trouble


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(MODES)), st.lists(st.text(max_size=12), max_size=4)), max_size=4
    )
)
def test_whatever_is_written_into_groups_is_a_text_that_can_be_judged(
    written: list[tuple[str, list[str]]],
) -> None:
    text = text_of(Group(mode, tuple(words)) for mode, words in written)
    told = read(text).problems
    # Words of signs only, and a query that only leaves out, are told; nothing breaks.
    assert all(one.message for one in told)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("bag (late", "("),
        ("😡 autor:ana x", "autor:ana"),
        ("one\ntwo\nlate autor:ana\nfour", "autor:ana"),
        ("a" * 300 + " autor:ana " + "b" * 300, "autor:ana"),
        ("bag OR", "OR"),
    ],
)
def test_an_error_is_marked_in_its_line(text: str, place: str) -> None:
    told = check(text).told[0]
    assert told.severity == "error"
    assert told.place == place
    assert "\n" not in told.before + told.place + told.after
    assert len(told.before + told.after) < 200
