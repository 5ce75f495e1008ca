"""Rules for X out of queries: what a query finds, its rules find too."""

from __future__ import annotations

import itertools

import pytest

from rapport.listening.matcher import Matcher
from rapport.listening.parse import parse
from rapport.listening.post import Post
from rapport.networks.x.tests.ruling import finds, problem_of
from rapport.networks.x.wider import LONGEST, rules_of

END = " -is:retweet"


def rules(text: str) -> list[str] | None:
    found = rules_of(parse(text))
    return None if found is None else [one.removesuffix(END) for one in found]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("alvara", ['"alvara"']),
        ('"lost bag"', ['"lost" "bag"']),
        ("alvara (late OR lost)", ['"alvara" ("late" OR "lost")']),
        ("alvara OR (air NEAR/3 late)", ['("alvara" OR ("air" "late"))']),
        ("kašnjenje", ['("kašnjenje" OR "kasnjenje")']),
        ("alvara -job lang:en likes:>5", ['"alvara"']),
        ("alvara lugg*", ['"alvara"']),
        ("at&t", ['"at&t"']),
        ("#LostBags OR @Alvara_Air", ["(#lostbags OR @alvara_air)"]),
        ("#Kašnjenje_Leta", ["(#kašnjenje_leta OR #kasnjenje_leta)"]),
        ("$AAPL", ["$AAPL"]),
        ("from:ana,bob late", ['(from:ana OR from:bob) "late"']),
        ("from:ana@m.example", []),
        ("network:mastodon alvara", []),
        ("(network:mastodon alvara) OR bravo", ['"bravo"']),
        ("-network:x alvara", []),
        ("network:x alvara", ['"alvara"']),
        ("@ana@m.example OR late", ['"late"']),
        ('raw:"AT&T is"', ['"at" "is"']),
        ("lugg*", None),
        ("alvara OR lugg*", None),
        ("has:image", None),
        ("✈️", None),
        ("q", None),
    ],
)
def test_what_x_is_asked_for(query: str, wanted: list[str] | None) -> None:
    assert rules(query) == wanted


def test_long_queries_become_several_rules_and_none_is_too_long() -> None:
    names = [f"brandname{number:03}" for number in range(300)]
    query = " OR ".join(names)
    found = rules_of(parse(query))
    assert found is not None
    assert 1 < len(found) < 10
    assert all(len(one) <= LONGEST and not problem_of(one) for one in found)
    for name in names:
        assert any(finds(one, f"about {name} today", by="ana") for one in found)
    # Of several conditions those are kept that fit: fewer find more.
    assert rules(f"alvara ({query})") == ['"alvara"']
    both = rules_of(parse(f"({query}) ({query.replace('brand', 'place')})"))
    assert both is not None
    assert all(len(one) <= LONGEST for one in both)


QUERIES = [
    "alvara", '"alvara air"', "alvara NEAR/2 late", "alvara AND (late OR lost) -job", "stem:en delays alvara",
    "(alvara OR bravo) (kašnjenje OR late OR #LostBags)", "NOT (alvara OR -late)", "alvara from:ana", "from:ana,bob",
    "@alvara_air late", "at&t OR c++", 'raw:"Alvara Air"', "delay* alvara", "organi?ation alvara", "$ALV OR alvara lost",
    "alvara (late OR lugg*)", "NOT -alvara", '(lost NEAR/5 "alvara air") OR (bag (alvara OR bravo))', "#lostbags",
]  # fmt: skip
WORDS = [
    "alvara", "Alvara", "air", "late", "lost", "bag", "job", "#LostBags", "@alvara_air", "AT&T", "C++", "delayed",
    "delays", "kašnjenje", "bravo,", "(alvara)", "alvara-air", "organisation", "$ALV", "luggage", "#alvara",
]  # fmt: skip


def test_what_a_query_finds_its_rules_find() -> None:
    trees = {number: parse(text) for number, text in enumerate(QUERIES)}
    matcher = Matcher(trees)
    made = {number: rules_of(tree) for number, tree in trees.items()}
    assert not any(problem_of(one) for some in made.values() for one in some or [])
    found = 0
    for number, some in enumerate(itertools.permutations(WORDS, 3)):
        text, by = " ".join(some), ("ana", "eve")[number % 2]
        post = Post(str(number), text, author=by, network="x", lang="en")
        for match in matcher.match_many([post])[0]:
            query_id = int(match.query_id)
            its = made[query_id]
            found += 1
            assert its is None or any(finds(one, text, by=by) for one in its), (QUERIES[query_id], text)
    assert found > 5_000
