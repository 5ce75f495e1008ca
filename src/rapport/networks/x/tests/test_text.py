"""Lengths as X counts them."""

from __future__ import annotations

import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.networks.x.text import URL_LENGTH, urls, weighted_length


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", 0),
        ("Hello", 5),
        ("Žao nam je", 10),
        ("cafe\u0301", 4),
        ("ขอโทษ", 5),
        ("申し訳ございません", 18),
        ("죄송합니다", 10),
        ("мы едем", 7),
        ("“quoted” — yes…", 16),  # the ellipsis weighs 2, as on X
        ("🛫", 2),
        ("🙋🏽", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2),
        ("🇭🇷🇩🇪", 4),
        ("1️⃣ ©️ © 7", 9),
        ("❤️❤", 4),
        ("https://alvara.example", 22),  # .example is no domain of the root zone
        ("https://alvara.com", URL_LENGTH),
        ("See alvara.com/help?a=1&b=2#c, then (https://t.co/abc)!", 4 + 23 + 8 + 23 + 2),
        ("alvara.com.", 24),
        ("https://en.wikipedia.org/wiki/Oslo_(city) x", 25),
        ("@alvara.com", 11),
        ("me@alvara.com", 13),
        ("#alvara.com", 11),
        ("v1.2.so", 23),
        ("file.txt", 8),
        ("https://münchen.de/straße", 23),
        ("日本語example.comです", 6 + 23 + 4),
        ("http://-bad.com", 15),
        ("a" * 64 + ".com", 68),
    ],
)
def test_it_counts_as_x_does(text: str, units: int) -> None:
    assert weighted_length(text) == units


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=60)


@given(WORDS)
def test_the_order_of_marks_does_not_matter(text: str) -> None:
    assert weighted_length(unicodedata.normalize("NFD", text)) == weighted_length(text)


@given(WORDS)
def test_no_text_weighs_more_than_two_a_character_or_an_address(text: str) -> None:
    normal = unicodedata.normalize("NFC", text)
    found = list(urls(normal))
    assert 0 <= weighted_length(text) <= 2 * len(normal) + URL_LENGTH * len(found)
    assert all(a < b <= len(normal) for a, b in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))


@given(
    st.from_regex(r"[a-z]{1,20}(/[a-z0-9]{0,20}){0,3}", fullmatch=True),
    st.sampled_from(["", "http://", "https://"]),
)
def test_an_address_weighs_the_same_however_long_it_is(rest: str, scheme: str) -> None:
    host, _slash, path = rest.partition("/")
    assert weighted_length(f"{scheme}{host}.com/{path} ") == URL_LENGTH + 1


@given(st.lists(st.sampled_from(["🛫", "👩🏾‍✈️", "🇭🇷", "❤️", "7️⃣"]), max_size=20))
def test_an_emoji_weighs_two(emoji: list[str]) -> None:
    assert weighted_length(" ".join(emoji)) == 2 * len(emoji) + max(0, len(emoji) - 1)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(
        ["a.", "http://a-", "(", "http://a.com/(", "co.", "a.com/?!", "👨\u200d", "http://", "_.", "…"]
    )
)
def test_counting_takes_no_longer_for_a_text_made_to_be_slow(part: str) -> None:
    started = time.process_time()
    weighted_length(part * (50_000 // len(part)))
    assert time.process_time() - started < 2
