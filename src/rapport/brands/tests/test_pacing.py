"""The law of a budget: never more than stated, never going back, and what is urgent is not starved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.brands import pacing
from rapport.brands.models import Allowance, Brand, Channel
from rapport.brands.pacing import Priority, law, observed, spend
from rapport.networks.base import Budget, Capabilities, SeenLimit

CALM = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def channel(db: None) -> Channel:
    brand = Brand.objects.create(slug="aero", name="Aero")
    return Channel.objects.create(brand=brand, network="strict", external_id="a", handle="@aero")


class Time:
    """Moves by moving what the rows remember into the past."""

    def __init__(self) -> None:
        self.s = 0.0

    def passes(self, seconds: float) -> None:
        self.s += seconds
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE brands_allowance SET counted_at = counted_at - make_interval(secs => %s), "
                "told_until = told_until - make_interval(secs => %s)",
                [seconds, seconds],
            )


def rules(*budgets: tuple[int, float], name: str = "read") -> Capabilities:
    return Capabilities(
        max_length=500,
        budgets=tuple(Budget(name=name, calls=calls, per=timedelta(seconds=per)) for calls, per in budgets),
    )


def may(channel: Channel, can: Capabilities, priority: Priority = Priority.URGENT, **more: Any) -> bool:
    return spend(channel_id=channel.id, rules=can, budget="read", priority=priority, **more) is None


PRIORITIES = st.sampled_from(list(Priority))


@CALM
@given(
    calls=st.integers(1, 12),
    steps=st.lists(st.tuples(st.integers(0, 40), PRIORITIES), min_size=1, max_size=40),
)
def test_no_window_holds_more_calls_than_stated(
    channel: Channel, calls: int, steps: list[tuple[int, Priority]]
) -> None:
    Allowance.objects.all().delete()
    per, time, made = 100, Time(), list[float]()
    can = rules((calls, per))
    for pause, priority in steps:
        time.passes(pause)
        if may(channel, can, priority):
            made.append(time.s)
    # The test itself takes a little time, in which a little refills: a window is that much longer.
    for first in made:
        assert sum(first <= at < first + per - 2 for at in made) <= calls


@CALM
@given(
    windows=st.lists(st.tuples(st.integers(1, 9), st.integers(50, 500)), min_size=2, max_size=3, unique=True),
    pauses=st.lists(st.integers(0, 60), min_size=1, max_size=30),
)
def test_several_budgets_hold_at_once(
    channel: Channel, windows: list[tuple[int, int]], pauses: list[int]
) -> None:
    Allowance.objects.all().delete()
    windows = list({per: (calls, per) for calls, per in windows}.values())
    time, made = Time(), list[float]()
    can = rules(*windows)
    for pause in pauses:
        time.passes(pause)
        if may(channel, can):
            made.append(time.s)
    for calls, per in windows:
        for first in made:
            assert sum(first <= at < first + per - 2 for at in made) <= calls


@CALM
@given(calls=st.integers(1, 50), spent=st.integers(0, 60), waits=st.lists(st.integers(1, 50), max_size=5))
def test_what_is_left_never_falls_by_waiting(
    channel: Channel, calls: int, spent: int, waits: list[int]
) -> None:
    Allowance.objects.all().delete()
    can, time = rules((calls, 100)), Time()
    for _ in range(spent):
        may(channel, can)
    (before,) = pacing.left({channel.id: can})[channel.id]
    for wait in waits:
        time.passes(wait)
        (after,) = pacing.left({channel.id: can})[channel.id]
        assert 0 <= before.calls <= after.calls <= after.of <= calls
        before = after


@CALM
@given(
    calls=st.integers(3, 400),
    before=st.lists(st.tuples(st.integers(0, 30), PRIORITIES.filter(lambda one: one is not Priority.URGENT)), max_size=60),
)  # fmt: skip
def test_one_urgent_call_is_always_possible_whatever_the_others_did(
    channel: Channel, calls: int, before: list[tuple[int, Priority]]
) -> None:
    Allowance.objects.all().delete()
    can, time = rules((calls, 100)), Time()
    for pause, priority in before:
        time.passes(pause)
        may(channel, can, priority)
    assert may(channel, can)


@CALM
@given(calls=st.integers(1, 60), spent=st.integers(0, 70), priority=PRIORITIES, ahead=st.integers(0, 80))
def test_who_comes_back_when_told_is_let_in(
    channel: Channel, calls: int, spent: int, priority: Priority, ahead: int
) -> None:
    """Else somebody would wait for ever; the wait for a queue is at most that for a full bucket."""
    Allowance.objects.all().delete()
    can, time = rules((calls, 100)), Time()
    for _ in range(spent):
        may(channel, can)
    until = spend(channel_id=channel.id, rules=can, budget="read", priority=priority, ahead=ahead)
    if until is not None:
        time.passes((until - datetime.now(UTC)).total_seconds() + 0.5)
        assert may(channel, can, priority, ahead=ahead)


def test_polls_leave_a_reserve_and_backfill_a_larger_one(channel: Channel) -> None:
    can = rules((200, 10_000))  # a hundred at once
    made = {
        priority: sum(may(channel, can, priority) for _ in range(100))
        for priority in (Priority.BACKFILL, Priority.POLL, Priority.REPLY, Priority.URGENT)
    }
    assert list(made.values()) == [50, 30, 15, 5]


def test_those_ahead_are_left_what_they_need(channel: Channel) -> None:
    can = rules((20, 10_000))
    for _ in range(6):
        assert may(channel, can)
    assert not may(channel, can, Priority.REPLY, ahead=3)
    assert may(channel, can, Priority.REPLY, ahead=2)


def test_without_a_budget_nothing_is_asked(channel: Channel, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert may(channel, Capabilities(max_length=500))
        assert may(channel, rules((1, 60), name="write"))


def test_a_budget_is_one_statement(channel: Channel, django_assert_num_queries: Any) -> None:
    can = rules((10, 60))
    may(channel, can)
    with django_assert_num_queries(1):
        assert may(channel, can)


# The network's own word ---------------------------------------------------------------------------
def told(channel: Channel, can: Capabilities, remaining: int, seconds: float) -> None:
    limit = SeenLimit(
        budget="read", remaining=remaining, reset_at=datetime.now(UTC) + timedelta(seconds=seconds)
    )
    observed(channel_id=channel.id, rules=can, seen=[limit])


def test_the_network_s_word_counts_more_than_ours(channel: Channel) -> None:
    can, time = rules((10, 1000)), Time()
    assert may(channel, can)
    told(channel, can, 9, 1000)  # all of it may be used now, not only half
    assert sum(may(channel, can) for _ in range(20)) == 9
    until = spend(channel_id=channel.id, rules=can, budget="read", priority=Priority.URGENT)
    assert until is not None
    assert timedelta(seconds=950) < until - datetime.now(UTC) <= timedelta(seconds=1000)
    time.passes(500)
    assert not may(channel, can), "it does not refill before the network says so"
    time.passes(501)
    assert may(channel, can)


def test_answers_that_overtake_each_other_do_no_harm(channel: Channel) -> None:
    can = rules((100, 1000))
    told(channel, can, 3, 900)
    told(channel, can, 5, 900)  # sent before, arrived after
    told(channel, can, 80, 100)  # of a window that is over
    assert sum(may(channel, can) for _ in range(10)) == 3
    told(channel, can, 50, 1900)  # the next window
    assert may(channel, can, Priority.POLL)


def test_an_answer_tells_of_the_window_that_can_end_so_late(channel: Channel) -> None:
    can = rules((10, 900), (100, 86_400))
    told(channel, can, 0, 50_000)
    assert not may(channel, can)
    Allowance.objects.all().delete()
    told(channel, can, 0, 500)
    until = spend(channel_id=channel.id, rules=can, budget="read", priority=Priority.URGENT)
    assert until is not None
    assert until - datetime.now(UTC) < timedelta(seconds=501)
    assert {row.budget for row in Allowance.objects.all()} == {"read/900"}


def test_no_answer_silences_a_channel_for_longer_than_the_window(channel: Channel) -> None:
    can = rules((10, 1000))
    told(channel, can, 0, 400 * 365 * 86400)
    until = spend(channel_id=channel.id, rules=can, budget="read", priority=Priority.URGENT)
    assert until is not None
    assert until - datetime.now(UTC) <= timedelta(seconds=1000)
    told(channel, can, 7, 1000)
    Time().passes(1001)
    assert may(channel, can)


def test_a_single_call_per_window_is_still_a_call(channel: Channel) -> None:
    can, time = rules((1, 100)), Time()
    assert law(can.budgets[0]).full == 1
    assert may(channel, can, Priority.BACKFILL)
    assert not may(channel, can)
    time.passes(100)
    assert may(channel, can, Priority.BACKFILL)
