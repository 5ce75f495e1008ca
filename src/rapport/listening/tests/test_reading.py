"""Reading quickly is reading."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rapport.listening.reading import APART, BETWEEN, read, read_many, read_names
from rapport.listening.text import ELSEWHERE, mentions, plain, tags, words

pieces = st.sampled_from(
    [
        "http", "https://", "HTTP://", "https", "://", "www.", "Www.", "@a", "@ana_b", "@ana.b", "@ana@example.social",
        "b@c.d", "ana@example.com", "@한국", " @ ", "@-", "＠ana", APART, BETWEEN, ELSEWHERE, "ſ", "ﬁ", "é", "\u0301", "\u200b", "_",
        ".", "/", "…", " ", "\n", "か", "ไม่", "한", "авв", "Zz9", "#", "<", "’", "1",
    ]
)  # fmt: skip
texts = st.lists(st.one_of(pieces, st.text(max_size=2)), max_size=14).map("".join)


@given(texts)
@settings(max_examples=400)
@example("ana https://example.com/@ana, @bo.")
@example("W@-.-")
@example("@www.\u200b_-@-.9")
@example("Wwww..")
def test_it_is_the_words_without_addresses_and_handles(text: str) -> None:
    assert read(text).replace(APART, ELSEWHERE) == words(plain(text))


@given(texts)
@settings(max_examples=400)
@example("@ana www.@bo")
@example("@www.http")
@example("@awww.:")
def test_names_are_those_of_the_slow_way(text: str) -> None:
    found = read_names(text)
    assert [name for name in found if name[0] == "@"] == [
        f"@{one}" for names, _, _ in mentions(text) for one in names
    ]
    assert [name for name in found if name[0] == "#"] == [f"#{name}" for name, _, _ in tags(text)]


@given(st.lists(texts, max_size=6))
@settings(max_examples=800)
@example(["@ana.httpS://x", "@http://foo", "@ana.htT://x", "httpſ://x"])
@example(["x https @ana", "xhttps://y HTTP://z", "é@ana", "ana://b", "www.a.b", "", "a@b.cd"])
@example(["https://a.bc", "/d @ana", "@anahttps://x"])
@example(["httphttps://http", "httpshttp://a"])
def test_texts_read_together_are_read_as_each_alone(several: list[str]) -> None:
    found = [one.strip(" ").replace(APART, ELSEWHERE) for one in read_many(several)]
    assert found == [read(one).replace(APART, ELSEWHERE) for one in several]
    assert all(one[0] == one[-1] == " " for one in read_many(several))


@given(st.lists(texts, min_size=1, max_size=6))
@settings(max_examples=400)
def test_texts_read_together_are_words_without_addresses_and_handles(several: list[str]) -> None:
    found = [one.strip(" ").replace(APART, ELSEWHERE) for one in read_many(several)]
    assert found == [words(plain(one)) for one in several]
