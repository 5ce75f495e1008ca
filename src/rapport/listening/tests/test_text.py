import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib.normalise import normalise
from rapport.listening.text import (
    ELSEWHERE,
    Heard,
    accented,
    handle_names,
    links,
    mentions,
    plain,
    reads,
    signed,
    tag_name,
    tags,
    tickers,
    words,
)

texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "aZčĐßİıﬁæ9_ #@.'’:/w&+$\u00ad\u200b\u200d\u0301\u0327\u3099\ufe0f™กำ้า我かｶﾞ한ㅎ\u1100\u1161क्षि❤👩🏽🇭🇷аеЁΑο"
        ),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is my LUGGAGE?", "where is my luggage"),
        ("Čovječe, gdje je prtljaga", "covjece gdje je prtljaga"),
        ("Fußgängerstraße", "fussgangerstrasse"),
        ("Où est mon bagage égaré", "ou est mon bagage egare"),
        ("¿Dónde está mi maleta?", "donde esta mi maleta"),
        ("Где мой багаж", "где мои багаж"),
        ("Πού είναι οι αποσκευές", "που ειναι οι αποσκευεσ"),
        ("أَيْنَ أمتعتي", "اين امتعتي"),
        ("איפה המזוודה", "איפה המזוודה"),
        ("मेरा सामान कहाँ है", "मेरा सामान कहाँ है"),
        ("กระเป๋าของฉันอยู่ที่ไหน TH101", "กระเป๋าของฉันอยู่ที่ไหน th101"),
        ("我的行李iPhone在哪里", "我的行李 iphone 在哪里"),
        ("iPhoneは高い", "iphone は高い"),
        ("iPhone은 삼성S24보다", "iphone 은 삼성 s24 보다"),
        ("dеltа аpple ΝIKE ВМW", "delta apple nike bmw"),  # Cyrillic and Greek among Latin letters
        ("Дельта", "дельта"),
    ],
)
def test_it_writes_words_as_people_read_them(text: str, expected: str) -> None:
    assert words(text) == expected


@given(texts)
@settings(max_examples=500, deadline=None)
def test_words_are_total_and_twice_is_once(text: str) -> None:
    found = words(text)
    assert words(found) == found
    assert normalise(found) == found


@pytest.mark.parametrize(
    "piece", ["я", "яa", "가1", "@", "a@", "a.", "www.", "https://", "#", "$a", "ก่", "é "]
)
def test_reading_a_strangers_text_takes_no_quadratic_time(piece: str) -> None:
    """In seconds of the processor; sixteen times the length."""
    few, many = (_seconds("가1" + piece * (size // len(piece))) for size in (3_000, 48_000))
    assert many < 80 * few + 0.1


def _seconds(text: str) -> float:
    began = time.process_time()
    words(plain(text)), list(tags(text)), list(mentions(text)), list(tickers(text)), links(text)
    return time.process_time() - began


@given(st.lists(texts, max_size=4))
@settings(deadline=None)
def test_words_apart_are_the_words_of_each(parts: list[str]) -> None:
    assert words(" ".join(parts)) == " ".join(filter(None, map(words, parts)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://delta.com/a?b=c. Delta", f"see {ELSEWHERE} delta"),
        ("WWW.delta.com late", f"{ELSEWHERE} late"),
        ("看https://t.co/abc很好", f"看 {ELSEWHERE} 很好"),
        ("mail help@delta.com now", f"mail {ELSEWHERE} now"),
        ("hey @delta_fan, late", f"hey {ELSEWHERE} late"),
        ("@ana@example.social late", f"{ELSEWHERE} late"),
        ("thanks @delta.Great flight", f"thanks {ELSEWHERE} great flight"),
        ("は@deltaは", f"は {ELSEWHERE} は"),
        ("booking.com #delta me@ 5@6", "booking com delta me 5 6"),
    ],
)
def test_addresses_and_handles_are_no_words(text: str, expected: str) -> None:
    assert Heard(text).text == expected


@given(texts)
@settings(max_examples=300, deadline=None)
def test_places_stay_what_they_are(text: str) -> None:
    assert len(plain(text)) == len(text)
    heard = Heard(text)
    for at, char in enumerate(heard.text):
        if char != " ":
            start, end = heard.span(at, at + 1)
            assert 0 <= start < end <= len(text)
    assert heard.begins == sorted(heard.begins)
    assert all(heard.text[at] != " " for at in heard.begins[:-1])
    assert heard.begins[-1] > len(heard.text)


@pytest.mark.parametrize(
    ("text", "piece", "original"),
    [
        ("Hi @delta, LOST my … Bag.", "lost my bag", "LOST my … Bag"),
        ("삼성전자는iPhone보다", "iphone", "iPhone"),
        ("https://example.com/é ＤＥＬＴＡ", "delta", "ＤＥＬＴＡ"),
        ("cafe\u0301 noir", "cafe", "cafe\u0301"),
        ("รอกระเป๋านาน", "กระเป๋า", "กระเป๋า"),
    ],
)
def test_it_leads_back_to_the_original(text: str, piece: str, original: str) -> None:
    heard = Heard(text)
    at = heard.text.index(piece)
    assert text[slice(*heard.span(at, at + len(piece)))] == original


@pytest.mark.parametrize(
    ("text", "piece", "count"), [("a bb ccc", "ccc", 2), ("我的行李", "李", 3), ("a 我的 b", "b", 3), ("삼성은 b", "b", 1), ("한" * 31 + " b", "b", 2), ("กำลัง b", "b", 4)]
)  # fmt: skip
def test_it_counts_words(text: str, piece: str, count: int) -> None:
    heard = Heard(text)
    assert heard.begins.index(heard.text.index(piece)) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [("AT&T", "at&t"), ("AT & T", "at & t"), ("C++!", "c++"), ("(C#)", "c#"), ("50％", "50%"), ("Ｃ＋＋", "c++"), ("É&t", "e&t")],
)  # fmt: skip
def test_signs_stay_when_asked(text: str, expected: str) -> None:
    assert signed(text) == expected
    assert signed(signed(text)) == expected


@given(texts)
@settings(max_examples=500, deadline=None)
def test_accents_and_signs_are_written_in_one_way(text: str) -> None:
    for write in (accented, signed, lambda one: signed(one, accents=True)):
        assert write(write(text)) == write(text)


def test_the_second_look() -> None:
    text = "In C++ and C, café or cafe\u0301 or cafe; x#c#"
    assert reads(text, 3, 4, symbols="c++")
    assert not reads(text, 11, 12, symbols="c++")
    assert not reads(text, 3, 4, symbols="c+")
    assert reads(text, 14, 18, accents="café")
    assert reads(text, 22, 27, accents="café")
    assert not reads(text, 31, 35, accents="café")


def test_hashtags_handles_shares_and_addresses() -> None:
    text = "#Lost_Bags ＃行李 a#b https://x.y/#no $aapl $5 $TOOLONGNAME @Ana@Example.social, @b. me@c.de www.d.com/e)."
    assert [name for name, _, _ in tags(text)] == ["lost_bags", "行李"]
    assert [text[start:end] for _, start, end in tags(text)] == ["#Lost_Bags", "＃行李"]
    assert [name for name, _, _ in tickers(text)] == ["AAPL"]
    assert [(names, text[start:end]) for names, start, end in mentions(text)] == [
        (("ana@example.social", "ana"), "@Ana@Example.social"),
        (("b",), "@b"),
    ]
    assert links(text) == ["https://x.y/#no", "www.d.com/e"]
    assert handle_names("@Ana") == ("ana",)
    assert tag_name("#Čaša") == "casa"
