import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.listening.stem import ENDINGS, forms


@pytest.mark.parametrize(
    "family",
    [
        ("delay", "delays", "delayed", "delaying"),
        ("survey", "surveys", "surveyed"),
        ("holiday", "holidays"),
        ("apply", "applies", "applied", "applying"),
        ("try", "tries", "tried", "trying"),
        ("movie", "movies"),
        ("city", "cities"),
        ("bag", "bags"),
        ("breed", "breeds"),
        ("string", "strings"),
        ("close", "closes", "closed", "closing"),
        ("loss", "losses"),
    ],
)
def test_words_of_a_family_find_each_other(family: tuple[str, ...]) -> None:
    for word in family:
        assert {word, *forms(word, ("en",))} >= set(family)


@pytest.mark.parametrize(("word", "other"), [("delay", "delaies"), ("los", "loss"), ("loss", "los")])
def test_what_is_no_ending_is_none(word: str, other: str) -> None:
    assert other not in forms(word, ("en",))


words = st.builds(
    str.__add__,
    st.text("abesyinr", min_size=1, max_size=5),
    st.sampled_from(["", "ies", "ying", "s", "en", "ima"]),
)


@given(st.sampled_from(sorted(ENDINGS)), words)
def test_what_is_a_form_of_a_word_has_it_as_a_form(language: str, word: str) -> None:
    for other in forms(word, (language,)):
        assert other != word
        assert word in forms(other, (language,))
