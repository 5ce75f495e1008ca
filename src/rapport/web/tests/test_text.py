import re
from html import unescape

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.web.durations import short
from rapport.web.text import initials, lang_attribute, linked, plain_name


@given(
    st.text(
        alphabet=st.sampled_from("<>\"'&;:/.()[]ahtps \n\u202e\u2066=") | st.characters(codec="utf-8"),
        max_size=200,
    )
)
def test_it_never_lets_markup_through(text: str) -> None:
    html = linked(text)
    cleaned = nh3.clean(
        html,
        tags={"a", "bdi"},
        attributes={"a": {"href", "target"}},
        link_rel="noopener noreferrer nofollow ugc",
    )
    # The sanitiser found nothing to take away: same text, same number of tags.
    assert re.findall(r"</?\w+", cleaned) == re.findall(r"</?\w+", html)
    assert unescape(re.sub(r"</?(?:a|bdi)\b[^>]*>", "", html)) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.com/a?b=1&c=2.", "https://example.com/a?b=1&amp;c=2"),
        ("(https://example.com/wiki/Rail_(band))", "https://example.com/wiki/Rail_(band)"),
        ("http://example.com/\u202egnp.exe", "http://example.com/"),
        ('https://example.com/"onmouseover="x', "https://example.com/"),
        ("HTTPS://EXAMPLE.COM", "HTTPS://EXAMPLE.COM"),
    ],
)
def test_it_links_addresses_and_nothing_around_them(text: str, address: str) -> None:
    assert re.findall(r'href="([^"]*)"', linked(text)) == [address]


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "https://", "www.example.com"])
def test_it_does_not_link_what_is_not_plainly_an_address(text: str) -> None:
    assert "<a" not in linked(text)


def test_a_link_gives_nothing_away() -> None:
    assert 'rel="noopener noreferrer nofollow ugc"' in linked("https://example.com/")


def test_a_very_long_address_costs_no_more_than_its_length() -> None:
    assert linked("https://a" + ")" * 200_000).count("<a") == 1


def test_a_language_is_passed_on_only_when_it_is_shaped_like_one() -> None:
    assert [lang_attribute(lang) for lang in ("th", "pt-BR", 'x" onload="', "", "english language")] == [
        "th",
        "pt-BR",
        "",
        "",
        "",
    ]


def test_names_cannot_turn_the_words_around_them() -> None:
    assert plain_name("\u202eevil\u2066") == "evil"
    assert [initials(name) for name in ("Ana Weber", "@joe_k", "สมชาย ใจดี", "", "🙂")] == [
        "AW",
        "JK",
        "สใ",
        "?",
        "?",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "under 1 min"),
        (59, "under 1 min"),
        (60, "1 min"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_wait_is_said_without_zeros(seconds: float, shown: str) -> None:
    assert short(seconds) == shown
