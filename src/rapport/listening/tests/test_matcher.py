"""The matcher finds what the reference finds, also while queries change."""

from __future__ import annotations

import cProfile
import threading
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rapport.listening.anchors import Rarity, rules
from rapport.listening.fields import FIELDS
from rapport.listening.matcher import Matcher
from rapport.listening.parse import parse, read
from rapport.listening.post import Post
from rapport.listening.query import Query
from rapport.listening.reference import evaluate
from rapport.listening.tests.trees import posts, queries, sources
from rapport.listening.tree import Not

texts = st.one_of(
    st.sampled_from(["", "@", "_", "@_", "@ana", "#", "#_", ".", "a.", "//[", "ก", "가"]),
    st.text(st.one_of(st.characters(), st.sampled_from("@_.,:/#-$[]가ก่é ")), max_size=12),
)


def ids(matcher: Matcher, found: Iterable[Post]) -> list[list[int]]:
    return [[match.query_id for match in matches] for matches in matcher.match_many(found)]


def wanted(asked: Mapping[int, Query], found: Iterable[Post]) -> list[list[int]]:
    return [[n for n in sorted(asked) if evaluate(asked[n], post).matched] for post in found]


def post(text: str, **known: object) -> Post:
    return Post("1", text, **known)  # type: ignore[arg-type]


@given(st.lists(queries, min_size=1, max_size=8), st.lists(posts, min_size=1, max_size=6))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_it_is_the_reference(found: list[Query], heard: list[Post]) -> None:
    asked = dict(enumerate(found))
    assert ids(Matcher(asked, like=[one.text for one in heard[:2]]), heard) == wanted(asked, heard)


@given(sources, st.lists(posts, min_size=1, max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_query_is_not_needs_no_anchor(source: str, heard: list[Post]) -> None:
    query = Query(Not(parse(source).root))
    assert ids(Matcher({7: query}), heard) == wanted({7: query}, heard)


@given(
    st.lists(queries, min_size=2, max_size=6),
    st.lists(st.tuples(st.integers(0, 7), st.one_of(st.none(), queries)), max_size=8),
    st.lists(posts, min_size=1, max_size=3),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_changes_are_matched_at_once(
    first: list[Query], changes: list[tuple[int, Query | None]], heard: list[Post]
) -> None:
    asked = dict(enumerate(first))
    matcher = Matcher(asked)
    for number, query in changes:
        if query is None:
            matcher.changed({}, [number])
            asked.pop(number, None)
        else:
            matcher.changed({number: query})
            asked[number] = query
        assert ids(matcher, heard) == wanted(asked, heard)
    assert matcher.queries == asked


@pytest.mark.parametrize(
    ("query", "text", "matched"),
    [
        ("c++", "I write C++ daily", True),
        ("c++", "a C and a plus", False),
        ("at&t", "AT&T is down", True),
        ("at&t", "look at T now", False),
        ("กระเป๋า", "รอกระเป๋านานมาก", True),
        ("行李", "我的行李丢了", True),
        ("삼성", "삼성전자는", True),
        ("delta", "https://delta.com/x and @delta", False),
        ("delta", "so #Delta.", True),
        ("delta -late", "Delta is LATE", False),
        ("lost NEAR/2 bag", "they lost my red bag", True),
        ("lost NEAR/1 bag", "they lost my red bag", False),
        ("organi?ation*", "Organizations of Europe", True),
        ('raw:"AT&T"', "at&t", False),
        ("#late*", "#LateAgain", True),
        ("@ana", "thanks @ana@example.social", True),
        ("😡 OR $AAPL", "sell $aapl", True),
        ("has:question delta", "delta?", True),
    ],
)
def test_words_that_are_easily_missed(query: str, text: str, matched: bool) -> None:
    asked = {3: parse(query)}
    assert ids(Matcher(asked), [post(text)]) == [[3] if matched else []] == wanted(asked, [post(text)])


@given(
    st.lists(st.tuples(st.sampled_from([spec.name for spec in FIELDS]), texts), min_size=1),
    st.lists(posts, max_size=3),
    texts,
)
@example([("author", "@_"), ("from", "ana")], [], "ana")
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_no_value_of_a_field_is_an_exception(
    asked: list[tuple[str, str]], heard: list[Post], name: str
) -> None:
    """One query's exception would be that of all others, and of all posts of a batch."""
    written = [f'late OR {field}:"{value}"' for field, value in asked]
    found = {n: query for n, one in enumerate(written) if (query := read(one).query) is not None}
    known = {
        "author": name,
        "author_name": name,
        "to": name,
        "lang": name,
        "network": name,
        "url": name,
        "country": name,
    }
    strange = post(name, title=name, channel=name, mentions=(name,), tags=(name,), links=(name,), **known)
    assert ids(Matcher(found), [strange, *heard]) == wanted(found, [strange, *heard])


@pytest.mark.parametrize("kind", ["near", "and or"])
def test_of_a_deep_query_each_part_is_looked_at_once(kind: str) -> None:
    near = " NEAR/0 ".join(f"w{n}" for n in range(99))
    deep = "x0"
    for n in range(28):
        deep = f"({deep} {'OR' if n % 2 else 'AND'} y{n})"
    profile = cProfile.Profile()
    profile.runcall(rules, parse(near if kind == "near" else deep).root, Rarity())
    assert sum(entry.callcount for entry in profile.getstats()) < 20_000


def test_a_wide_near_is_asked_once_of_a_text_that_is_made_of_its_words() -> None:
    """It was asked for each word of it that was seen, which took some seconds for one text."""
    left, right = ([f"{side}{n}" for n in range(100)] for side in "ab")
    near = parse(f"({' OR '.join(left)}) NEAR/50 ({' OR '.join(right)})")
    text = post(" ".join(one for pair in zip(left, right, strict=True) for one in pair))
    matcher = Matcher({1: near})
    profile = cProfile.Profile()
    assert profile.runcall(ids, matcher, [text]) == [[1]]
    assert sum(entry.callcount for entry in profile.getstats()) < 20_000


def test_a_handle_and_a_hashtag_in_any_spelling_are_found() -> None:
    asked = {
        1: parse("@ana"),
        2: parse("#late_again"),
        3: parse("#lat*"),
        4: parse("#čekam"),
        5: parse("$aapl"),
    }
    heard = [
        post(text)
        for text in (
            "@Ana", "@anastasia", "x@ana", "＠ana", "(@ANA@x.social)", "#Late__Again", "#_late_again_", "#late", "#LATER é",
            "＃late", "&#late", "#Čekam", "#cekam!", "#cekamo", "$AAPL", "＄aapl", "https://x.y/@ana#late", "www.x.y/#late",
        )
    ]  # fmt: skip
    assert ids(Matcher(asked), heard) == wanted(asked, heard)
    told = [post("x", mentions=("Ana",)), post("é", tags=("late__again",)), post("x", author="ana")]
    assert ids(Matcher(asked), told) == wanted(asked, told)


def test_two_texts_and_two_posts_are_never_one() -> None:
    asked = {
        1: parse('"lost bag"'),
        2: parse("lost NEAR/5 bag"),
        3: parse("lost bag"),
        4: parse("from:ana lost"),
    }
    heard = [
        post("bag", title="lost"),
        post("lost"),
        post("bag", author="ana"),
        post("lost", author="Ana@x.social"),
    ]
    assert ids(Matcher(asked), heard) == [[3], [], [], [4]] == wanted(asked, heard)


def test_it_says_where() -> None:
    (match,) = Matcher({1: parse("delta (lost NEAR/3 baggage)")}).match(post("DELTA: lost my Baggage"))
    assert [(hit.where, match.post.text[hit.start : hit.end]) for hit in match.why()] == [
        ("text", "DELTA"),
        ("text", "lost"),
        ("text", "Baggage"),
    ]


def test_batches_of_any_size_keep_their_order() -> None:
    asked = {n: parse(f"w{n}") for n in range(50)}
    heard = [post(f"w{n % 50} ที่ {'é' * (n % 3)}") for n in range(700)]
    assert ids(Matcher(asked), heard) == [[n % 50] for n in range(700)]


def test_nothing_is_missed_while_the_layers_become_one() -> None:
    asked = {n: parse(f"word{n} -never") for n in range(3000)}
    matcher = Matcher(asked)
    heard = [post(f"word{n} said") for n in range(0, 3000, 7)]
    missed: list[int] = []
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            missed.extend(n for n, found in enumerate(ids(matcher, heard)) if found != [n * 7])

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        for n in range(3000, 3600, 3):
            edited = {n + m: parse(f"edited{n + m}") for m in range(3)}
            matcher.changed({**edited, n - 3000: parse(f"word{n - 3000} -ever")}, removed=[9999])
            assert ids(matcher, [post(f"edited{n}")]) == [[n]]
    finally:
        stop.set()
        thread.join()
    matcher.settle()
    assert missed == []
    assert set(matcher.queries) == set(range(3600))
