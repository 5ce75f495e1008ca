"""Hints that come close together are told together, and none is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.web.gathering import LONGEST_PAUSE_S, MOST_CASES, PAUSE_S, Gathering, Hint

_HINTS = st.builds(
    Hint,
    st.integers(1, 3),
    st.lists(st.integers(1, 9), max_size=3).map(tuple),
    st.sampled_from([(), (7,)]),
    st.booleans(),
    st.booleans(),
)


def _gathered(*hints: Hint) -> list[Hint]:
    gathering = Gathering()
    for hint in hints:
        gathering.add(hint)
    return gathering.take(now=0.0)


def test_the_first_is_told_at_once_and_the_next_ones_together() -> None:
    gathering = Gathering()
    assert gathering.wait(now=5.0, screens=1) is None
    gathering.add(Hint(1, (1,)))
    first = gathering.wait(now=5.0, screens=1)
    assert first is not None
    assert first <= 0
    assert gathering.take(now=5.0) == [Hint(1, (1,))]
    for hint in (Hint(1, (2,)), Hint(2, (9,)), Hint(1, (3, 2))):
        gathering.add(hint)
    assert gathering.wait(now=5.0, screens=1) == pytest.approx(PAUSE_S)
    assert gathering.take(now=5.2) == [Hint(1, (2, 3)), Hint(2, (9,))]
    assert gathering.wait(now=5.2, screens=1) is None


def test_more_screens_are_told_less_often_but_never_late() -> None:
    gathering = Gathering()
    gathering.take(now=5.0)
    gathering.add(Hint(1, (1,)))
    waits = [gathering.wait(now=5.0, screens=screens) for screens in (1, 600, 10_000)]
    assert waits == pytest.approx([PAUSE_S, 0.6, LONGEST_PAUSE_S])


def test_more_cases_than_a_screen_shows_are_everything() -> None:
    assert _gathered(*(Hint(1, (number,)) for number in range(MOST_CASES + 1))) == [Hint(1, ())]
    assert len(_gathered(*(Hint(1, (number,)) for number in range(MOST_CASES)))[0].case_ids) == MOST_CASES
    assert _gathered(Hint(1, (1,)), Hint(1, ()), Hint(1, (2,))) == [Hint(1, ())]


@given(st.lists(_HINTS, max_size=20))
def test_every_case_is_told_of_to_whom_it_is_for(hints: list[Hint]) -> None:
    def kind(hint: Hint) -> tuple[object, ...]:
        return hint.brand_id, hint.people, hint.thread, hint.mentions

    told = {kind(one): one for one in _gathered(*hints)}
    assert told.keys() == {kind(one) for one in hints}
    for one in hints:
        same = told[kind(one)]
        assert not same.case_ids or (one.case_ids and set(one.case_ids) <= set(same.case_ids))
