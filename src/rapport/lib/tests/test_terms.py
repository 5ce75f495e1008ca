import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib import terms
from rapport.lib.normalise import normalise
from rapport.lib.text import storable


def _fits(text: str, asked: str) -> bool:
    query = terms.phrase(terms.asked(normalise(asked)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::tsvector @@ %s::tsquery", [terms.vector([text]), query])
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
@settings(max_examples=200, deadline=None)
@given(parts=st.lists(st.text(), max_size=3), facts=st.sets(st.sampled_from(["c:1", "k:0"])))
def test_any_text_has_a_vector_that_postgresql_takes(parts: list[str], facts: set[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT length(%s::tsvector)", [terms.vector(map(storable, parts), facts)])
        assert cursor.fetchone()[0] >= len(facts)


@pytest.mark.django_db
@settings(max_examples=200, deadline=None)
@given(
    text=st.text(st.sampled_from("ab c我的行李ล่าช้า#_"), min_size=1, max_size=12),
    data=st.data(),
)
def test_a_run_is_found_by_any_piece_and_a_word_by_itself(text: str, data: st.DataObject) -> None:
    words = normalise(text).split()
    if not words:
        return
    word = data.draw(st.sampled_from(words))
    piece = word
    if terms.is_run(word):
        start = data.draw(st.integers(0, len(word) - 1))
        piece = word[start : data.draw(st.integers(start + 1, len(word)))]
    assert _fits(text, piece)
    assert _fits(text, normalise(text))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "asked", "fits"),
    [
        ("lost my bag", "lost bag", False),
        ("lost my bag", "my bag", True),
        ("我的行李", "行我", False),
        ("我的行李", "的李", False),
        ("行李 在 哪里", "行李 在", True),
        ("the end", "he end", False),
        ("w" * 80, "w" * 90, True),
    ],
)
def test_a_phrase_is_neighbours(text: str, asked: str, fits: bool) -> None:
    assert _fits(text, asked) is fits


@pytest.mark.django_db
def test_parts_of_a_text_are_no_neighbours() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::tsvector @@ %s::tsquery",
            [terms.vector(["lost my", "bag"]), terms.phrase(["my", "bag"])],
        )
        assert cursor.fetchone()[0] is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"word{n}" for n in range(300_000)),
        " ".join(chr(0x4E00 + n % 20000) + chr(0x5E00 + n % 7001) for n in range(60_000)),
        " ".join("ž" * 50 + str(n) for n in range(30_000)),
        "a " * 400_000,
        "#" + "x" * 100_000,
    ],
    ids=["many words", "many pairs", "long words", "one word", "one tag"],
)
def test_a_text_of_any_length_fits_an_index(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT length(%s::tsvector)", [terms.vector([text])])
        assert cursor.fetchone()[0] > 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I love #LostBags at @aero_help.", {"#lostbags", "@aero_help"}),
        ("@SomChai.M wrote", {"@somchai_m"}),
        ("＃กระเป๋า now", {"#กระเป๋า"}),
        ("mail me at ana@example.com, item #", set()),
        ("a #b#c", {"#b"}),
    ],
)
def test_hashtags_and_mentions_are_terms(text: str, found: set[str]) -> None:
    assert terms.tags(text) == found
