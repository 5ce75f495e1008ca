"""A text in several posts: nothing is lost, the order is kept, every post fits, and nothing whole is cut."""

from __future__ import annotations

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rapport.networks.bluesky.richtext import graphemes
from rapport.networks.mastodon.words import countable
from rapport.networks.x.text import weighted_length
from rapport.outbox.splitting import Fits, Piece, TooLongToCut, fitting, split

THAI = "สวัสดีค่ะ กระเป๋าของคุณอยู่ที่สนามบินแล้วและเราจะนำไปส่งให้พรุ่งนี้เช้า ขอบคุณที่แจ้งให้เราทราบนะคะ"
JAPANESE = "お荷物は空港にあります。明日の朝お届けします。ご連絡ありがとうございます。"
FAMILY = "👩‍👩‍👦‍👦"
COUNTS = {"characters": len, "mastodon": countable, "bluesky": graphemes, "x": weighted_length}

_WORDS = st.one_of(
    st.text(alphabet="abcdefghij", min_size=1, max_size=12),
    st.sampled_from(
        [
            "bag.", "Why?", "Straße,", "e\u0301te\u0301", "نعم", "हाँ।", FAMILY, "🇭🇷🇹🇭", "👍🏽", "@ana@mastodon.social",
            "#lost_bag", "https://example.com/a?b=c", "3.14", "เที่ยวบิน", "お荷物は。", "한국어",
        ]
    ),
)  # fmt: skip
_TEXTS = st.lists(_WORDS, min_size=1, max_size=120).flatmap(
    lambda words: st.lists(st.sampled_from([" ", "\n", "\n\n", "  "]), min_size=len(words), max_size=len(words)).map(
        lambda gaps: "".join(word + gap for word, gap in zip(words, gaps, strict=True)).strip()
    )
)  # fmt: skip


def upto(limit: int, count: str = "characters") -> Fits:
    return lambda text: COUNTS[count](text) <= limit


def signed(words: str) -> str:
    return f"{words} ^MK"


def squeezed(text: str) -> str:
    return regex.sub(r"\s+", "", text)


def check(pieces: list[Piece], text: str, fits: Fits) -> None:
    assert "".join(one.typed for one in pieces) == text
    assert squeezed("".join(one.text for one in pieces)) == squeezed(text)
    assert all(fits(one.text) for one in pieces)
    assert all(one.text.strip() == one.text != "" for one in pieces)
    seen = 0
    for one in pieces[:-1]:
        seen += len(one.typed)
        assert seen in {found.end() for found in regex.finditer(r"\X", text)}
        for found in regex.finditer(r"https?://[^\s。]+|[@#][\w.@]+", text):
            assert not found.start() < seen < found.end(), found[0]


@pytest.mark.parametrize("count", COUNTS)
@given(text=_TEXTS, limit=st.integers(min_value=60, max_value=300))
@example(text=THAI * 5, limit=60)
@example(text=JAPANESE * 5, limit=60)
@example(text=FAMILY * 200, limit=60)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_and_each_post_fits_as_the_network_counts(count: str, text: str, limit: int) -> None:
    fits = upto(limit, count)
    check(split(text, fits=fits), text, fits)


@given(text=_TEXTS, limit=st.integers(min_value=60, max_value=200), numbered=st.booleans())
@settings(max_examples=80, deadline=None)
def test_only_the_last_is_signed_and_each_has_its_number(text: str, limit: int, numbered: bool) -> None:
    pieces = split(text, fits=upto(limit), last=signed, numbered=numbered)
    assert all(len(one.text) <= limit for one in pieces)
    assert [one.text.endswith(" ^MK") for one in pieces] == [False] * (len(pieces) - 1) + [True]
    assert len(pieces[-1].text) > len(" ^MK")
    if numbered and len(pieces) > 1:
        for number, one in enumerate(pieces, start=1):
            assert one.text.removesuffix(" ^MK").endswith(f" {number}/{len(pieces)}")
    assert "".join(one.typed for one in pieces) == text


@pytest.mark.parametrize("count", COUNTS)
def test_ten_thousand_words(count: str) -> None:
    text = " ".join(f"word{number}." if number % 9 == 0 else f"word{number}" for number in range(10_000))
    fits = upto(280, count)
    pieces = split(text, fits=fits, last=signed, numbered=True)
    assert len(pieces) > 300
    assert all(fits(one.text) for one in pieces)
    assert "".join(one.typed for one in pieces) == text
    assert pieces[0].text.endswith(f" 1/{len(pieces)}")


def test_it_cuts_where_sentences_end_else_between_words() -> None:
    text = (
        "Your bag is in Split. It comes tomorrow morning. Sorry for the wait, and thank you for writing to us"
    )
    assert [one.text for one in split(text, fits=upto(60))] == [
        "Your bag is in Split. It comes tomorrow morning.",
        "Sorry for the wait, and thank you for writing to us",
    ]
    assert [one.text for one in split("one two three four", fits=upto(9))] == ["one two", "three", "four"]


def test_thai_is_cut_at_its_spaces_and_japanese_at_its_full_stops() -> None:
    assert [one.text for one in split(THAI, fits=upto(90))] == [
        "สวัสดีค่ะ กระเป๋าของคุณอยู่ที่สนามบินแล้วและเราจะนำไปส่งให้พรุ่งนี้เช้า",
        "ขอบคุณที่แจ้งให้เราทราบนะคะ",
    ]
    assert [one.text for one in split(JAPANESE, fits=upto(25))] == [
        "お荷物は空港にあります。明日の朝お届けします。",
        "ご連絡ありがとうございます。",
    ]


def test_no_post_begins_with_a_mark_or_splits_a_thai_vowel_from_its_consonant() -> None:
    for limit in range(6, 60):
        for one in split(THAI.replace(" ", ""), fits=upto(limit)):
            assert one.text[0] not in "ะาำๅๆ"
            assert one.text[-1] not in "เแโใไ"
        for one in split(JAPANESE, fits=upto(limit)):
            assert one.text[0] not in "。、"


def test_what_must_stay_whole_and_fits_nowhere_is_named() -> None:
    address = "https://example.com/" + "a" * 100
    with pytest.raises(TooLongToCut) as caught:
        split(f"See {address} for more", fits=upto(60))
    assert caught.value.word == address


def test_where_a_limit_falls() -> None:
    assert fitting("one two three", upto(100)) == 13
    assert fitting("one two three", upto(9)) == 9
    assert fitting(FAMILY * 3, lambda text: graphemes(text) <= 2) == 2 * len(FAMILY)
    text = "see https://example.com/a/long/one and more"
    # On X an address counts 23: it is in, or out.
    assert text[: fitting(text, upto(26, "x"))] == "see "
    assert text[: fitting(text, upto(29, "x"))] == "see https://example.com/a/long/one a"
    assert fitting("anything", lambda text: not text) == 0
