"""The method by itself: what must hold for every series, and some that are known."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.mentions.spikes.baseline import BUCKET, PER_DAY, PER_HOUR, Series
from rapport.mentions.spikes.method import WINDOWS, Setting, alarm, judge, replay
from rapport.mentions.spikes.tail import at_least

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = 7 * PER_DAY


def _drawn(rate: float, seed: int) -> int:
    """A Poisson number (Knuth)."""
    rng, least, count, product = random.Random(seed), math.exp(-rate), -1, 1.0
    while product > least:
        product *= rng.random()
        count += 1
    return max(count, 0)


def _by_day(rate: float, weeks: int, seed: int = 1) -> list[int]:
    """A Poisson series with nights and days."""
    return [
        _drawn(rate * (1 + 0.9 * math.sin(2 * math.pi * n / PER_DAY)), seed * 1_000_003 + n)
        for n in range(weeks * WEEK)
    ]


@given(
    mean=st.floats(0.05, 300), spread=st.floats(1.05, 20), observed=st.integers(1, 400)
)  # fmt: skip
def test_tail_is_the_sum_of_what_is_left(mean: float, spread: float, observed: int) -> None:
    variance = mean * spread
    size, p = mean / (spread - 1), (spread - 1) / spread
    below = sum(
        math.exp(
            math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
            + k * math.log(p) + size * math.log1p(-p)
        )
        for k in range(observed)
    )  # fmt: skip
    assert at_least(observed, mean=mean, variance=variance) == pytest.approx(1 - below, abs=1e-7)


@given(level=st.integers(0, 400), weeks=st.integers(1, 5), least=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_a_series_that_never_changes_never_alerts(level: int, weeks: int, least: int) -> None:
    series = Series(MONDAY, [level] * (weeks * WEEK))
    strict = Setting(false_per_week=5, least=least)
    assert replay(series, [strict], start=0, step=7) == [[]]


@given(
    size=st.integers(0, 200), more=st.integers(1, 200), length=st.sampled_from(WINDOWS), seed=st.integers(0, 9)
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_more_is_never_less_unlikely(size: int, more: int, length: int, seed: int) -> None:
    counts = [_drawn(0.5, seed * 7919 + n) for n in range(3 * WEEK)]
    fewer, many = list(counts), list(counts)
    fewer[-2] += size
    many[-2] += size + more
    end = len(counts)
    assert judge(Series(MONDAY, many), end, length).chance <= judge(Series(MONDAY, fewer), end, length).chance


@given(scale=st.integers(2, 30))
@settings(max_examples=15, deadline=None)
def test_the_same_event_on_a_larger_scale_is_no_less_unlikely(scale: int) -> None:
    """Twice as many of everything says more: three times the normal is rarer by chance among many."""
    counts = [2 + n % 3 for n in range(5 * WEEK)]
    counts[-PER_HOUR:] = [3 * one for one in counts[-PER_HOUR:]]
    end = len(counts)
    small = judge(Series(MONDAY, counts), end, PER_HOUR)
    large = judge(Series(MONDAY, [scale * one for one in counts]), end, PER_HOUR)
    assert large.chance <= small.chance
    assert large.expected == pytest.approx(scale * small.expected, rel=0.05)


def test_an_event_is_one_alert_with_its_beginning_and_its_end() -> None:
    counts = _by_day(2, 5)
    start = len(counts) - 2 * PER_DAY + 100
    for n in range(start, start + 2 * PER_HOUR):
        counts[n] += 10
    [[event]] = replay(Series(MONDAY, counts), [Setting()], start=3 * WEEK)
    assert abs(event.start - start) <= 3
    assert event.found - start <= 3  # a quarter of an hour
    assert event.seen > 2 * PER_HOUR * 10 > 1.5 * event.expected
    assert event.ended is not None
    assert event.ended - start < 9 * PER_HOUR


def test_chance_alone_alerts_about_as_often_as_was_asked() -> None:
    weeks = 0
    alerts = [0, 0]
    for seed in range(6):
        found = replay(
            Series(MONDAY, _by_day(0.7, 7, seed)), [Setting(0.2), Setting(3)], start=3 * WEEK, step=2
        )
        weeks += 4
        alerts = [sum_ + len(events) for sum_, events in zip(alerts, found, strict=True)]
    assert alerts[0] <= 0.2 * weeks * 2
    assert alerts[1] <= 3 * weeks
    assert alerts[1] > alerts[0]  # who asks for more gets more


def test_an_outbreak_in_the_past_hides_no_other() -> None:
    counts = _by_day(2, 6)
    week_before = len(counts) - WEEK - PER_HOUR
    for n in range(PER_HOUR):
        counts[week_before + n] += 40
        counts[-PER_HOUR + n] += 12
    assert alarm(Series(MONDAY, counts), len(counts), Setting()) is not None


def test_a_holiday_is_like_a_sunday() -> None:
    """Sundays have a tenth; a Monday off work that is as busy as a Monday is a spike."""
    counts = [1 if (n // PER_DAY) % 7 == 6 else 10 for n in range(6 * WEEK + PER_DAY // 2)]
    monday = (MONDAY + BUCKET * (len(counts) - 1)).date()
    assert monday.weekday() == 0
    plain = Series(MONDAY, counts)
    off = Series(MONDAY, counts, holidays=frozenset({monday}))
    assert alarm(plain, len(counts), Setting()) is None
    assert alarm(off, len(counts), Setting()) is not None
    # And the other way: a holiday in the past is no Monday to compare with.
    before = Series(MONDAY, counts, holidays=frozenset({monday - timedelta(days=7)}))
    assert judge(before, len(counts), PER_HOUR).expected == pytest.approx(120, rel=0.05)


def test_the_same_hour_is_the_clocks_on_the_wall() -> None:
    """Nine o'clock in Berlin is an hour later in UTC once summer time ends, and still nine o'clock."""
    berlin = ZoneInfo("Europe/Berlin")
    began = datetime(2026, 9, 27, 22, tzinfo=UTC)
    moments = [began + BUCKET * n for n in range(5 * WEEK)]
    counts = [20 if moment.astimezone(berlin).hour in {8, 9} else 1 for moment in moments]
    # Wednesday 28 October, 09:30 in Berlin; the clocks went back on the 25th.
    end = round((datetime(2026, 10, 28, 8, 30, tzinfo=UTC) - began) / BUCKET)
    assert judge(Series(began, counts, berlin), end, 3).expected == pytest.approx(60, rel=0.1)
    assert judge(Series(began, counts, UTC), end, 3).expected < 30


def test_nothing_is_said_before_anything_is_known() -> None:
    assert alarm(Series(MONDAY, [0] * 30 + [50]), 31, Setting()) is None
    series = Series(MONDAY, [0, 1] * PER_DAY + [60])
    assert alarm(series, len(series), Setting()) is not None


def test_what_grows_slowly_is_no_spike() -> None:
    counts = [_drawn(0.5 + 2.5 * n / (8 * WEEK), n) for n in range(8 * WEEK)]
    assert len(replay(Series(MONDAY, counts), [Setting()], start=4 * WEEK, step=2)[0]) <= 2


def test_settings_that_are_looser_find_no_less() -> None:
    counts = _by_day(0.4, 5, 4)
    counts[-3 * PER_HOUR] += 9
    series = Series(MONDAY, counts, holidays=frozenset({date(2026, 1, 6)}))
    few, some, many = replay(series, [Setting(0.05), Setting(0.2), Setting(5)], start=2 * WEEK, step=3)
    assert len(few) <= len(some) <= len(many)
