import itertools
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib.normalise import Mapped, _words, normalise

texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "aZčĐßİıﬁæ9_ #@.'’\u00ad\u200b\u200d\u0301\u0327\u3099\ufe0f™©กำ้า我かｶﾞ한\u1100\u1161क्षि❤👩🏽🇭🇷"
        ),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where is my LUGGAGE?", "where is my luggage"),
        ("Čovječe, đak!", "covjece dak"),
        ("Straße İstanbul", "strasse istanbul"),
        ("Łódź Ærø œuvre", "lodz aero oeuvre"),
        ("Ｆｌｉｇｈｔ ﬂight", "flight flight"),
        ("don’t snake_case AT&T", "don t snake case at t"),
        ("#LostBags at @aero_help", "lostbags at aero help"),
        ("flight TH101ล่าช้า again", "flight th101 ล่าช้า again"),
        ("iPhone我的行李", "iphone 我的行李"),
        ("ｶﾞギ", "ガギ"),
        ("café", "cafe"),
        ("がgi", "が gi"),
        ("हिन्दी में", "हिन्दी में"),
        ("مُحَمَّد ـــسلام", "محمد سلام"),
        ("Ёлка", "елка"),
        ("I ❤️ it 👩‍🦰", "i ❤ it 👩 🦰"),
        ("Rapport™ ©2026", "rapport 2026"),
        ("zero\u200bwidth soft\u00adhyphen", "zerowidth softhyphen"),
        ("…!? \u202e", ""),
        ("", ""),
    ],
)
def test_it_writes_words_in_one_way(text: str, words: str) -> None:
    assert normalise(text) == words


@given(texts)
@settings(max_examples=300)
def test_it_is_total_and_twice_is_once(text: str) -> None:
    found = normalise(text)
    assert normalise(found) == found
    assert found == found.strip()
    assert "  " not in found


@given(texts)
@settings(max_examples=300)
def test_it_does_not_matter_how_the_text_is_composed(text: str) -> None:
    wanted = normalise(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        # Compatibility spells a trademark sign as letters, which then cannot be told from letters.
        if form.startswith("NFK") and any(sign in text for sign in "™℠"):
            continue
        assert normalise(unicodedata.normalize(form, text)) == wanted


@given(texts)
def test_it_grows_no_more_than_its_longest_ligature_allows(text: str) -> None:
    assert len(normalise(text)) <= 20 * len(text)


@given(st.lists(texts, max_size=4))
def test_words_apart_are_the_words_of_each(parts: list[str]) -> None:
    assert normalise(" ".join(parts)) == " ".join(filter(None, map(normalise, parts)))


@given(texts)
@settings(max_examples=1000)
def test_short_cuts_change_nothing(text: str) -> None:
    assert normalise(text) == _words(text)


@pytest.mark.slow
@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0e38\u0e48", "\u0344", "\u064e\u0651", "\u093c\u094d"])
@pytest.mark.parametrize("letter", ["a", "ก", "ب", "क"])
def test_a_letter_with_thousands_of_marks_takes_no_longer_than_its_text(letter: str, marks: str) -> None:
    text = letter + marks * 100_000  # composed as they are, these take minutes
    short = normalise(letter + marks * 1_000)
    assert normalise(text) == short == normalise(short)
    assert Mapped(text).text == short


def test_no_character_is_changed_by_a_short_cut() -> None:
    codes = itertools.chain(range(0x20000), range(0x20000, sys.maxunicode + 1, 251))
    texts = (f"a{(c := chr(code))}か\u3099 {c}กุ\u0e48{c}\u0e38 =\u0338{c}" for code in codes)
    assert [text for text in texts if normalise(text) != _words(text)] == []


@pytest.mark.slow
def test_no_character_is_an_exception() -> None:
    wrong = []
    for code in range(sys.maxunicode + 1):
        text = f"a{chr(code)}か"
        found = normalise(text)
        if normalise(found) != found or normalise(unicodedata.normalize("NFD", text)) != found:
            wrong.append(hex(code))
    assert wrong == []


class TestMapped:
    @given(texts)
    @settings(max_examples=300)
    def test_it_knows_a_place_in_the_original_for_each_character(self, text: str) -> None:
        mapped = Mapped(text)
        assert mapped.text == normalise(text)
        for at in range(len(mapped.text)):
            start, end = mapped.span(at, at + 1)
            assert 0 <= start <= end <= len(text)

    @pytest.mark.parametrize(
        ("text", "words", "piece"),
        [
            ("Čovječe, gdje je?", "covjece", "Čovječe"),
            ("cafe\u0301 noir", "cafe", "cafe\u0301"),
            ("Straße 5", "strasse", "Straße"),
            ("see #LostBags!", "lostbags", "LostBags"),
            ("TH101ล่าช้ามาก", "ช้า", "ช้า"),
            ("an ﬂight now", "flight", "ﬂight"),
            ("lost,  my … bag.", "lost my bag", "lost,  my … bag"),
        ],
    )
    def test_it_gives_back_the_piece(self, text: str, words: str, piece: str) -> None:
        mapped = Mapped(text)
        at = mapped.text.index(words)
        start, end = mapped.span(at, at + len(words))
        assert text[start:end] == piece
