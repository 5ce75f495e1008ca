"""What becomes of messages: likes, hiding, context that turns out to be for us, and the files they bring."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from rapport.inbox.models import Case, Message, MessageChange, Turn
from rapport.ingest.tests.test_record import at, make_channel, record, said
from rapport.media.models import StoredFile
from rapport.networks.base import (
    Author,
    Event,
    Liked,
    Media,
    MessageDeleted,
    MessageHidden,
    Reposted,
    Withdrawn,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def like(minutes: float, *, of: str = "1", by: str = "fan") -> Liked:
    return Liked(
        external_id=f"like-{by}", original_id=of, author=Author(external_id=by), liked_at=at(minutes)
    )


def unlike(minutes: float, *, of: str = "1", by: str = "fan") -> Withdrawn:
    return Withdrawn(external_id=f"like-{by}", original_id=of, withdrawn_at=at(minutes))


def sums(external_id: str = "1") -> tuple[Any, ...]:
    return Message.objects.values_list("like_count", "repost_count", "hidden_at").get(external_id=external_id)


class TestSums(HypothesisTestCase):
    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 10**6), cuts=st.integers(1, 4))
    def test_any_order_and_repetition_give_the_same_sums(self, seed: int, cuts: int) -> None:
        chance = random.Random(seed)
        events: list[Event] = [
            said("1", "ana", 0),
            like(1),
            unlike(2),
            like(3),  # again, after taking it back
            like(4, by="other"),
            unlike(5, by="other"),
            like(6, by="third"),
            Reposted(external_id="r1", original_id="1", author=Author(external_id="fan"), reposted_at=at(1)),
            Reposted(external_id="r2", original_id="1", author=Author(external_id="b"), reposted_at=at(1)),
            Withdrawn(external_id="r2", original_id="1", withdrawn_at=at(2)),
            MessageHidden(external_id="1", changed_at=at(1)),
            MessageHidden(external_id="1", changed_at=at(2), hidden=False),
            MessageHidden(external_id="1", changed_at=at(3)),
        ]
        channel = make_channel()
        given_events = events + chance.sample(events, 5)
        chance.shuffle(given_events)
        size = max(1, len(given_events) // cuts)
        for start in range(0, len(given_events), size):
            record(channel, *given_events[start : start + size])
        assert sums() == (2, 1, at(3))
        assert Case.objects.count() == 1


@pytest.mark.django_db
class TestHiding:
    def test_a_message_shown_again_is_not_hidden(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0), MessageHidden(external_id="1", changed_at=at(1)))
        assert sums()[2] == at(1)
        record(channel, MessageHidden(external_id="1", changed_at=at(2), hidden=False))
        assert sums()[2] is None


@pytest.mark.django_db
class TestContext:
    def test_it_is_kept_and_opens_no_case_and_asks_nothing(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0, context=True), said("2", "ben", 1, to="1"))
        assert Message.objects.get(external_id="1").context
        assert [case.contact.name for case in Case.objects.all()] == ["Ben"]
        assert [turn.asked_at for turn in Turn.objects.all()] == [at(1)]

    def test_what_turns_out_to_be_said_to_us_opens_a_case_then(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0, context=True))
        assert not Case.objects.exists()
        record(channel, said("1", "ana", 0))
        message, case = Message.objects.get(), Case.objects.get()
        assert (message.context, message.automatic) == (False, False)
        assert (case.status, case.waiting_since) == ("open", at(0))
        assert [turn.asked_at for turn in Turn.objects.all()] == [at(0)]

    def test_context_heard_later_takes_nothing_back(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0), said("1", "ana", 0, context=True))
        record(channel, said("1", "ana", 0, context=True))
        assert not Message.objects.get().context
        assert Case.objects.get().waiting_since == at(0)

    def test_it_reopens_a_case_that_was_closed(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0))
        Case.objects.update(status="closed", close_reason="answered", settled_at=at(20_000))
        record(channel, said("2", "ana", 5, to="1", context=True))
        assert Case.objects.get().status == "closed"
        record(channel, said("2", "ana", 5, to="1"))
        assert Case.objects.get().status == "open"


@pytest.mark.django_db
class TestFiles:
    def test_content_is_kept_once_and_judged_by_its_bytes(self) -> None:
        channel = make_channel()
        picture = Media(
            kind="image", name="box.png", content=PNG, content_type="text/html", alt="A broken box"
        )
        record(channel, said("1", "ana", 0, media=(picture, Media(url="https://pics.example/1.jpg"))))
        record(channel, said("2", "ana", 1, media=(picture,)))
        kept = StoredFile.objects.get()
        assert (kept.name, kept.content_type, bytes(kept.content)) == ("box.png", "image/png", PNG)
        media = Message.objects.get(external_id="1").media
        assert media[0] == {
            "kind": "image", "alt": "A broken box", "name": "box.png", "type": "text/html", "file": kept.id,
        }  # fmt: skip
        assert media[1] == {"kind": "image", "alt": "", "url": "https://pics.example/1.jpg"}

    def test_facts_stay_with_the_message(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0, facts={"subject": "Where is it?", "rating": 2}))
        assert Message.objects.get().facts == {"subject": "Where is it?", "rating": 2}


@pytest.mark.django_db
@pytest.mark.parametrize(("hide", "preview"), [(True, ""), (False, "I take it back")])
def test_what_was_taken_back_is_not_read_in_the_list_either(hide: bool, preview: str) -> None:
    channel = make_channel()
    channel.hide_deleted = hide
    channel.save()
    record(channel, said("1", "ana", 0, text="I take it back"))
    record(channel, MessageDeleted(external_id="1", deleted_at=at(1)))
    assert Case.objects.get().preview == preview


@pytest.mark.django_db
def test_a_change_is_kept_as_the_event_it_was() -> None:
    channel = make_channel()
    record(channel, said("1", "ana", 0), like(1), unlike(2))
    kinds = MessageChange.objects.order_by("at").values_list("kind", "external_id", "text")
    assert list(kinds) == [("liked", "like-fan", "like"), ("withdrawn", "like-fan", "")]
