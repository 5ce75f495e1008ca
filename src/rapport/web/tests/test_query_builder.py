from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.listening.parse import LONGEST, MOST_LEAVES, parse, read
from rapport.mentions.examples import LONGEST_EXAMPLE, Example, try_all
from rapport.web.listening.builder import ALL, ANY, MODES, NONE, Group, from_lines, groups_of, text_of
from rapport.web.listening.editor import checked_form, rows_of
from rapport.web.listening.forms import Form, check


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


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


def test_of_groups_larger_than_any_query_no_more_is_read_than_tells_so() -> None:
    groups = from_lines([ANY] * 3, ["\n".join(f"w{part}x{n}" for n in range(20_000)) for part in range(3)])
    assert sum(len(group.words) for group in groups) == MOST_LEAVES + 1
    assert "at most 2000 words" in read(text_of(groups)).problems[0].message
    groups = from_lines([ANY, ALL], ["x" * 30_000, "y" * 3_000_000])
    assert sum(len(word) for group in groups for word in group.words) == LONGEST + 1
    assert "at most 50000 characters" in read(text_of(groups)).problems[0].message


def test_as_many_groups_as_a_query_has_are_taken() -> None:
    groups = from_lines([ANY] * 30, [f"a{n}\nb{n}\nb{n}\n" for n in range(30)])
    assert [group.words for group in groups] == [(f"a{n}", f"b{n}") for n in range(30)]


def test_an_example_longer_than_may_be_kept_is_not_tried_and_stays() -> None:
    example = Example("bag " * LONGEST_EXAMPLE)
    rows = rows_of(form := Form(text="bag", examples=(example, Example("my bag"))), checked_form(form))
    assert [row.tried and row.tried.right for row in rows] == [None, True]
    assert rows[0].example is example


def test_examples_are_tried_for_a_time() -> None:
    asked = parse(" OR ".join(f"(lorem NEAR/9 ipsu{n})" for n in range(400)))
    examples = [Example(("lorem ipsu1 " * 500)[:LONGEST_EXAMPLE]) for _ in range(50)]
    assert all(one.right for one in try_all(asked, examples))
    assert try_all(asked, examples, seconds=0) == []
