"""Generated queries and posts that are likely to have their words, and where matcher and reference disagree."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping

from bench.queries import sources

from rapport.listening.matcher import Matcher
from rapport.listening.parse import parse
from rapport.listening.post import Post
from rapport.listening.query import Query
from rapport.listening.reference import Asked

_SYNTAX = re.compile(r'\b(?:AND|OR|NOT|O?NEAR/\d+)\b|\b[a-z]+:(?:>?\S+)|~\d|[()"*]')
_BETWEEN = (" ", " ", " ", ", ", "  ", "\n", "…", "-", "’", " @", " #", " $", "/", "", "\u200b", " 😡 ", ". ")
_AROUND = (*[""] * 12, "https://example.com/", "@", "#", "＃", "x", "ไม่", "我", "은", "é")
_NOISE = (
    "the",
    "a b c",
    "I'm",
    "ที่",
    "が",
    "AT&T",
    "c++",
    "لا",
    "में",
    "naïve",
    "ｗｉｄｅ",
    "ﬁ",
    "\u0301",
    "www.x.com",
    "a@b.cd",
)
_CHANGES = (*[str] * 8, str.upper, str.title, lambda word: word[:-1], lambda word: word + word[-1:])


def generated_queries(number: int, seed: int) -> dict[int, Query]:
    """So many of different brands, with the forms that generated queries have too few of."""
    chance = random.Random(seed)
    found = [parse(source) for source in sources(number * 3, seed)]
    return dict(enumerate(chance.sample(found, number)))


def generated_posts(queries: Mapping[int, Query], number: int, seed: int) -> Iterator[Post]:
    """Posts of pieces of the queries, bent, glued and mixed with noise."""
    chance = random.Random(seed)
    every = list(queries.values())
    for place in range(number):
        words = [
            word
            for query in chance.sample(every, chance.choice((1, 1, 2)))
            for word in _SYNTAX.sub(" ", query.source).split()
        ]
        said = chance.choices([*words, *chance.choices(_NOISE, k=3)], k=chance.randint(2, 24))
        text = "".join(
            chance.choice(_AROUND) + chance.choice(_CHANGES)(word) + chance.choice(_BETWEEN) for word in said
        )
        title = " ".join(chance.sample(words, min(2, len(words)))) if chance.random() < 0.1 else None
        author = chance.choice((None, None, *(word.lstrip("#@") for word in words)))
        yield Post(
            str(place), text, title, author=author, lang=chance.choice((None, "en", "th")),
            is_repost=chance.choice((None, True, False)), likes=chance.choice((None, 5, 50)),
            followers=chance.choice((None, 10, 5000)), tags=tuple(words[:1]) if chance.random() < 0.1 else (),
        )  # fmt: skip


def disagreements(
    queries: Mapping[int, Query], posts: Iterable[Post]
) -> tuple[list[tuple[str, Post]], int, int]:
    """Each query and post of which the two say different things; how many pairs were asked, and how many matched."""
    heard = list(posts)
    wrong: list[tuple[str, Post]] = []
    matched = 0
    for post, matches in zip(heard, Matcher(queries).match_many(heard), strict=True):
        found = {match.query_id for match in matches}
        asked = Asked(post)
        wanted = {number for number, query in queries.items() if asked.value(query.root) is True}
        matched += len(wanted)
        wrong += ((queries[number].source, post) for number in found ^ wanted)
    return wrong, len(heard) * len(queries), matched
