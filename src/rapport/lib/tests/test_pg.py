from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib.pg import array
from rapport.lib.text import storable


@pytest.mark.django_db
@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(
        st.none() | st.text() | st.sampled_from(["NULL", "null", "", '"', "\\", "{}", ",", " a "])
    )
)
def test_an_array_of_any_text_comes_back_as_it_went(values: list[str | None]) -> None:
    values = [None if value is None else storable(value) for value in values]
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [array(values)])
        assert cursor.fetchone()[0] == values


@pytest.mark.django_db
def test_numbers_times_and_truths_too() -> None:
    now = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::bigint[], %s::timestamptz[], %s::bool[]",
            [array([1, -2, None]), array([now, None]), array([True, False])],
        )
        assert cursor.fetchone() == ([1, -2, None], [now, None], [True, False])
