"""Silence is measured against the channel's own history."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.brands.models import Channel
from rapport.inbox.models import Message, Thread
from rapport.inbox.tests.making import make_brand, make_channel, make_contact
from rapport.ingest.silence import FEWEST, SHORTEST, learn_silence

CALM = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
HOUR = timedelta(hours=1)


class History:
    """A channel and who wrote when."""

    def __init__(self) -> None:
        self.channel: Channel = make_channel(make_brand(), "feed")
        self.who = make_contact(self.channel)
        self.thread = Thread.objects.create(
            brand=self.channel.brand, channel=self.channel, visibility="public"
        )

    def learn(self, hours_ago: list[float], *, own: bool = False) -> timedelta | None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM inbox_message")
        now = timezone.now()
        Message.objects.bulk_create(
            self._message(n, now - ago * HOUR, own) for n, ago in enumerate(hours_ago)
        )
        learn_silence()
        return Channel.objects.get(id=self.channel.id).silent_after

    def _message(self, number: int, at: datetime, own: bool) -> Message:
        return Message(
            brand=self.channel.brand, channel=self.channel, thread=self.thread, external_id=str(number),
            identity=self.who, own=own, from_brand=own, visibility="public", text="x", sent_at=at,
        )  # fmt: skip


@pytest.fixture
def history(db: None) -> History:
    return History()


@CALM
@given(
    st.lists(st.floats(0.1, 167.9), min_size=2, max_size=12, unique=True),
    st.floats(0, 167),
)
def test_a_channel_that_keeps_to_its_week_is_never_silent(
    history: History, week: list[float], shift: float
) -> None:
    """Nights, weekends and single mornings: whatever repeats each week is no alarm."""
    times = [168 * n + ((at + shift) % 168) for n in range(4) for at in week]
    after = history.learn(times)
    if len(times) < FEWEST:
        assert after is None
        return
    ordered = [*sorted(times), 168 * 4 + min((at + shift) % 168 for at in week)]
    longest = max(b - a for a, b in pairwise(ordered))
    assert after is not None
    assert after >= longest * HOUR


@CALM
@given(st.lists(st.floats(0.01, 600), min_size=0, max_size=60))
def test_never_sooner_than_six_hours_and_never_without_history(history: History, times: list[float]) -> None:
    after = history.learn(times)
    if len(times) < FEWEST:
        assert after is None
    else:
        assert after is not None
        assert after >= SHORTEST


@CALM
@given(st.integers(40, 200), st.floats(24, 400))
def test_one_outage_does_not_hide_the_next(history: History, count: int, outage: float) -> None:
    """A message every hour, but for one outage: a day's silence is an alarm, whether or not there was one."""
    times = [0.5 + n + (outage if n > count // 2 else 0) for n in range(count)]
    times = [at for at in times if at < 600]
    after = history.learn(times)
    assert after is not None
    gaps = len(times) - 1
    # With more than a hundred gaps, one is less than one in a hundred.
    assert after < 24 * HOUR or gaps <= 100


def test_our_own_words_are_no_sign_of_life(history: History) -> None:
    assert history.learn([n * 1.0 for n in range(100)], own=True) is None
    assert history.learn([n * 1.0 for n in range(100)]) == SHORTEST


def test_an_old_history_says_nothing(history: History) -> None:
    assert history.learn([24 * 30 + n * 1.0 for n in range(100)]) is None
