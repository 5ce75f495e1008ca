"""How far a customer has read: the same in any order of arrival, and never less than it was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from rapport.brands.models import Channel
from rapport.inbox.models import Case, Message, Receipt
from rapport.inbox.queries.receipts import Received, received
from rapport.inbox.receipts import sweep_waiting
from rapport.ingest.clean import clean
from rapport.ingest.tests.test_record import at, make_channel, record, said
from rapport.networks import base
from rapport.networks.base import Event, MessageSeen
from rapport.staff.models import User

KEY = "dm:ana"


def dm(external_id: str, author: str, minutes: float, **more: Any) -> MessageSeen:
    return said(external_id, author, minutes, visibility="private", thread_key=KEY, **more)


def receipt(
    minutes: float, *, until: float | None = None, mid: str | None = None, kind: Any = "read", key: str = KEY
) -> base.Receipt:
    return base.Receipt(
        kind=kind,
        thread_key=key,
        reader_id="ana",
        at=at(minutes),
        until=None if until is None else at(until),
        message_id=mid,
    )


def shown() -> dict[str, Received]:
    """What the page tells of our messages, by external id."""
    messages = {one.id: one for one in Message.objects.all()}
    return {messages[pk].external_id: one for pk, one in received(messages.values()).items()}


def read(minutes: float) -> Received:
    return Received(read=True, at=at(minutes))


def delivered(minutes: float) -> Received:
    return Received(read=False, at=at(minutes))


@pytest.fixture
def channel(db: None) -> Channel:
    found = make_channel()
    record(found, dm("q", "ana", 0), dm("a", "brand", 1), dm("b", "brand", 2), dm("c", "brand", 3))
    return found


def test_the_newest_message_that_was_read_says_so_and_only_that_one(channel: Channel) -> None:
    assert shown() == {}
    record(channel, receipt(2.5, until=2))
    assert shown() == {"b": read(2.5)}
    record(channel, receipt(5, until=4))
    assert shown() == {"c": read(5)}


def test_a_receipt_that_comes_late_takes_nothing_back(channel: Channel) -> None:
    record(channel, receipt(5, until=4))
    record(channel, receipt(2.5, until=2), receipt(1.5, mid="a"))
    assert shown() == {"c": read(5)}
    assert Receipt.objects.count() == 1


def test_one_that_names_a_message_covers_what_was_said_before_it(channel: Channel) -> None:
    record(channel, receipt(9, mid="b"))
    assert shown() == {"b": read(9)}


def test_one_for_a_message_that_is_not_there_yet_waits_for_it(channel: Channel) -> None:
    record(channel, receipt(9, mid="d"))
    assert shown() == {}
    record(channel, dm("d", "brand", 8))
    assert shown() == {"d": read(9)}
    assert [one.message_external_id for one in Receipt.objects.all()] == [""]


def test_one_that_waited_four_weeks_is_forgotten_and_no_mark_is(channel: Channel) -> None:
    record(channel, receipt(5, until=2), receipt(6, mid="never"), receipt(6, mid="may come"))
    Receipt.objects.exclude(message_external_id="may come").update(at=timezone.now() - timedelta(days=29))
    Receipt.objects.filter(message_external_id="may come").update(at=timezone.now())
    assert sweep_waiting() == 1
    assert {one.message_external_id for one in Receipt.objects.all()} == {"", "may come"}


def test_one_for_a_conversation_that_is_not_there_yet_does_no_harm(db: None) -> None:
    channel = make_channel()
    record(channel, receipt(5, until=4), receipt(5, mid="x", key="dm:nobody"))
    assert Case.objects.count() == 0
    record(channel, dm("q", "ana", 0), dm("a", "brand", 1))
    assert shown() == {"a": read(5)}


def test_delivered_is_told_of_what_was_not_read_yet(channel: Channel) -> None:
    record(channel, receipt(2.5, until=2), receipt(3.5, until=3, kind="delivered"))
    assert shown() == {"b": read(2.5), "c": delivered(3.5)}
    record(channel, receipt(6, until=3))
    assert shown() == {"c": read(6)}


def test_a_message_that_was_taken_back_is_passed_over(channel: Channel) -> None:
    record(channel, receipt(6, until=3))
    record(channel, base.MessageDeleted(external_id="c", deleted_at=at(7)))
    assert shown() == {"b": read(6)}


def test_a_receipt_neither_answers_nor_reopens_nor_counts_as_a_change(channel: Channel) -> None:
    record(channel, dm("q2", "ana", 4))
    Case.objects.update(status="closed")
    before = Case.objects.values().get()
    record(channel, receipt(6, until=5), receipt(7, mid="c"))
    assert Case.objects.values().get() == before


def test_of_two_that_reach_equally_far_the_earlier_is_when_it_happened(channel: Channel) -> None:
    record(channel, receipt(7, until=3))
    record(channel, receipt(5, until=3))
    record(channel, receipt(6, until=3))
    assert shown() == {"c": read(5)}


def test_what_was_sent_from_here_is_dated_by_the_network_once_its_copy_comes(channel: Channel) -> None:
    """Its receipts go by its own clock, and ours says when its answer came."""
    user = User.objects.create(email="mara@example.com")
    Message.objects.filter(external_id="c").update(user=user, sent_at=at(3) + timedelta(seconds=1.25))
    record(channel, receipt(4, until=3.001))
    assert shown() == {"b": read(4)}
    record(channel, dm("c", "brand", 3.0005))
    assert shown() == {"c": read(4)}


def test_a_copy_in_whole_seconds_knows_less(channel: Channel) -> None:
    user = User.objects.create(email="mara@example.com")
    Message.objects.filter(external_id="c").update(user=user, sent_at=at(3) + timedelta(seconds=0.7))
    record(channel, dm("c", "brand", 3))
    assert Message.objects.get(external_id="c").sent_at == at(3) + timedelta(seconds=0.7)


@pytest.mark.parametrize(
    "wrong", [{}, {"until": 1.0, "mid": "a"}, {"mid": ""}, {"until": 1.0, "key": ""}, {"mid": "x" * 501}]
)
def test_a_receipt_of_nothing_or_of_nobody_cannot_be_kept(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"receipt|id of"):
        clean(receipt(1, **wrong), received_at=at(9))


def test_a_mark_in_the_future_is_dated_when_it_came() -> None:
    found = clean(receipt(1, until=99_999), received_at=at(9))
    assert isinstance(found, base.Receipt)
    assert found.until == at(9)


def test_strangers_conversations_are_not_touched(channel: Channel) -> None:
    other = make_channel("rival", "rival")
    record(other, receipt(9, until=9), receipt(9, mid="c"))
    assert shown() == {}


# The law ----------------------------------------------------------------------------------------
OURS = {"a": 1.0, "b": 2.0, "c": 3.0}
_receipts = st.one_of(
    st.builds(receipt, st.integers(1, 9), until=st.integers(0, 5)),
    st.builds(receipt, st.integers(1, 9), mid=st.sampled_from([*OURS, "never"])),
)


def expected(events: list[Event]) -> dict[str, Received]:
    """By the definition: the furthest receipt, and of equals the earliest."""
    marks: list[tuple[datetime, datetime]] = []
    for one in events:
        if isinstance(one, base.Receipt) and one.until is not None:
            marks.append((one.until, one.at))
        elif isinstance(one, base.Receipt) and one.message_id in OURS:
            marks.append((at(OURS[one.message_id]), one.at))
    if not marks:
        return {}
    furthest = max(until for until, _at in marks)
    newest = max((name for name, when in OURS.items() if at(when) <= furthest), default=None)
    first = min(when for until, when in marks if until == furthest)
    return {newest: Received(read=True, at=first)} if newest else {}


class TestAnyOrder(HypothesisTestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), receipts=st.lists(_receipts, max_size=5))
    def test_any_order_any_repetition_any_batches_and_the_same_is_shown(
        self, data: st.DataObject, receipts: list[base.Receipt]
    ) -> None:
        channel = make_channel()
        events: list[Event] = [
            dm("q", "ana", 0),
            *(dm(name, "brand", when) for name, when in OURS.items()),
            *receipts,
        ]
        arriving = data.draw(
            st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=3))])
        )
        furthest: dict[str, datetime] = {}
        while arriving:
            size = data.draw(st.integers(1, len(arriving)))
            record(channel, *arriving[:size])
            arriving = arriving[size:]
            mark = Receipt.objects.filter(message_external_id="").first()
            if mark is not None and mark.until is not None:
                assert mark.until >= furthest.get("until", mark.until)
                furthest["until"] = mark.until
        assert shown() == expected(events)
