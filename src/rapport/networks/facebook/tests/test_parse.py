from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.networks.base import Liked, MessageHidden, MessageSeen
from rapport.networks.facebook.connector import CONNECTOR
from rapport.networks.meta.tests import recorded
from rapport.networks.meta.tests.mutations import mutated
from rapport.networks.testing import Fixture, fixtures, said

FIXTURES = list(fixtures(CONNECTOR))
BY_NAME = {one.name.removesuffix(".json"): one for one in FIXTURES}


@pytest.mark.parametrize("fixture", FIXTURES, ids=[one.name for one in FIXTURES])
def test_it_reads_every_fixture(fixture: Fixture) -> None:
    assert [said(event) for event in CONNECTOR.parse(fixture.kind, fixture.payload)] == fixture.says


def test_it_has_a_fixture_for_every_kind_it_names() -> None:
    assert {one.kind for one in FIXTURES if not one.kind.startswith("unknown:")} == set(CONNECTOR.kinds)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_it_never_fails_in_another_way_than_it_says(data: st.DataObject) -> None:
    fixture = data.draw(st.sampled_from(FIXTURES))
    payload = mutated(data, fixture.payload)
    before = json.dumps(payload, default=str)
    try:
        events = CONNECTOR.parse(fixture.kind, payload)
    except (ValueError, KeyError, TypeError):
        return
    assert json.dumps(payload, default=str) == before
    assert events == CONNECTOR.parse(fixture.kind, payload)


def only(name: str) -> MessageSeen:
    (event,) = CONNECTOR.parse(BY_NAME[name].kind, BY_NAME[name].payload)
    assert isinstance(event, MessageSeen)
    return event


def test_webhook_and_poll_tell_the_same_comment() -> None:
    told, polled = only("feed_comment"), only("comment_top")
    assert (told.external_id, told.author, told.text, told.parent_id) == (
        polled.external_id, polled.author, polled.text, polled.parent_id,
    )  # fmt: skip


def test_webhook_and_poll_tell_the_same_message() -> None:
    told, polled = only("messaging_text"), only("message_in")
    assert (told.external_id, told.author.external_id, told.text, told.thread_key) == (
        polled.external_id, polled.author.external_id, polled.text, polled.thread_key,
    )  # fmt: skip


def test_times_are_the_platforms() -> None:
    assert only("feed_comment").sent_at == datetime(2026, 11, 21, 7, 59, 57, tzinfo=UTC)
    assert only("messaging_text").sent_at == datetime(2026, 11, 21, 7, 59, 58, 125000, tzinfo=UTC)
    assert only("comment_top").sent_at == datetime(2026, 11, 21, 9, 14, 3, tzinfo=UTC)
    assert only("feed_comment_edited").edited_at == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def test_our_own_message_comes_back_with_our_reference_and_another_programs_without() -> None:
    assert only("messaging_echo").client_ref == "5f0c5c3e-2f0d-4f1c-8f67-3a9e0c9b7a11"
    assert only("messaging_echo").author.external_id == "104200000000001"
    assert only("messaging_echo_elsewhere").client_ref == ""


def test_a_reviews_judgement_is_a_number() -> None:
    assert only("review_stars").facts == {"kind": "review", "rating": 2, "rating_of": 5}
    assert only("ratings_review").facts == {"kind": "review", "rating": 0, "rating_of": 1}
    assert only("ratings_review_edited").facts["rating"] == 1


def test_an_answer_says_where_answers_to_it_go() -> None:
    assert only("feed_comment_answer").facts["reply_under"] == "800001_900003"
    assert "reply_under" not in only("feed_comment").facts


def test_hiding_and_showing_are_told_apart() -> None:
    for name, hidden in (("feed_comment_hide", True), ("feed_comment_unhide", False)):
        (event,) = CONNECTOR.parse("feed", BY_NAME[name].payload)
        assert isinstance(event, MessageHidden)
        assert event.hidden is hidden


def test_two_likes_by_hidden_people_are_two() -> None:
    payload = BY_NAME["feed_like_nobody"].payload
    later = {**payload, "value": {**payload["value"], "created_time": payload["value"]["created_time"] + 1}}
    one, other = (event for each in (payload, later) for event in CONNECTOR.parse("feed", each))
    assert isinstance(one, Liked)
    assert isinstance(other, Liked)
    assert one.external_id != other.external_id


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("feed", {"account": {"id": "1"}, "time": 1, "value": {"item": "comment", "verb": "add", "comment_id": ""}}),
        ("feed", {"account": {"id": "1"}, "time": True, "value": {"item": "comment", "comment_id": "1"}}),
        ("feed", {"account": {"id": "1"}, "time": 10**40, "value": {"item": "status", "verb": "add", "post_id": "1"}}),
        ("comment", {"account": {"id": "1"}, "post_id": "1", "comment": {"id": "1", "created_time": "2026-11-21T09:14:03"}}),
        ("message", {"account": {"id": "1"}, "message": {"id": "m", "created_time": "2026-11-21T09:14:03Z", "from": {"id": "1"}}}),
        ("messaging", {"account": {"id": "1"}, "event": {"sender": {"id": "2"}}}),
        ("poll", {}),
    ],
)  # fmt: skip
def test_it_refuses_what_it_does_not_understand(kind: str, payload: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        CONNECTOR.parse(kind, payload)


def test_every_recorded_object_is_read() -> None:
    counts: Counter[str] = Counter()
    for name, kind, payload in recorded.objects("facebook"):
        (event,) = CONNECTOR.parse(kind, payload)
        assert isinstance(event, MessageSeen), name
        counts[kind] += 1
    assert counts == {"message": 4, "comment": 4, "post": 20}


def test_every_recorded_file_is_read_or_has_its_reason() -> None:
    assert recorded.unexplained() == []
