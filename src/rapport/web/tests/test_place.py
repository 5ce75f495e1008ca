from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs, quote

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from rapport.inbox.queries.views import VIEWS
from rapport.lib.errors import NotFound
from rapport.web.place import FACETS, SINGLES, Place, place_from, place_of

NAMES = [*FACETS, *SINGLES, "saved", "nothing"]
VALUES = st.one_of(
    st.sampled_from(["me", "none", "1", "4", "open", "closed", "main", "practice", "de", "DE", "2026-03-01"]),
    st.text(max_size=30),
    st.integers(-(10**30), 10**30).map(str),
)


@given(
    view=st.sampled_from(VIEWS),
    params=st.dictionaries(st.sampled_from(NAMES), st.lists(VALUES, max_size=25), max_size=8),
)
def test_any_address_is_read_and_what_is_understood_is_said_again(
    view: str, params: dict[str, list[str]]
) -> None:
    place = place_from(view, params)
    filters = place.filters
    assert len(filters.tags) <= 20
    again = place_from(view, parse_qs(place.query.lstrip("?")))
    assert again == place
    for chip, (field, _read) in FACETS.items():
        for value in getattr(place, field):
            assert value not in getattr(place.without(chip, value), field)
    bare = place
    for chip, (field, _read) in FACETS.items():
        for value in getattr(place, field):
            bare = bare.without(chip, value)
    for chip in ("contact", "since", "until", "q"):
        bare = bare.without(chip, None)
    assert not bare.narrowed


@given(st.text(max_size=40))
def test_a_query_string_of_anything_is_an_address(query: str) -> None:
    place = place_of(RequestFactory().get("/desk/all/?" + quote(query, safe="=&%+;")), "all")
    assert place_from("all", place.params) == Place(**{**place.__dict__, "saved": None})


def test_each_kind_of_value_is_read_as_what_it_is() -> None:
    place = place_from(
        "mine",
        {
            "tag": ["3", "x", "3", "-1", "٣", "0"],
            "priority": ["4", "9", "04"],
            "assignee": ["me", "none", "7", "everyone"],
            "lang": ["DE", "pt-BR", "x"],
            "status": ["closed", "merged"],
            "role": ["support", "boss"],
            "since": ["2026-03-01"],
            "until": ["yesterday"],
            "contact": ["1", "2"],
            "sort": ["sideways"],
            "q": ["", "  lost\0 bag "],
        },
    )
    assert place == Place(
        view="mine",
        tags=(3,),
        priorities=(4,),
        assignees=("me", "none", "7"),
        langs=("de",),
        statuses=("closed",),
        roles=("support",),
        since=date(2026, 3, 1),
        contact=2,
        text="lost bag",
    )
    with pytest.raises(NotFound):
        place_from("everything", {})


def test_another_view_keeps_what_narrows_but_not_the_search_nor_the_states() -> None:
    place = Place(view="mine", tags=(3,), statuses=("closed",), text="bag", sort="waiting")
    assert place.of_view("due") == Place(view="due", tags=(3,))
    assert Place(view="mine", tags=(3,), saved=9).of_view("due") == Place(view="due")
    assert place.sorted_by("newest").sort is None
