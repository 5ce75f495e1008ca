from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.networks.base import MessageSeen
from rapport.networks.instagram.connector import CONNECTOR
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
    told, polled = only("comments_top"), only("comment_polled")
    assert (told.external_id, told.author, told.text, told.parent_id, told.facts) == (
        polled.external_id, polled.author, polled.text, polled.parent_id, polled.facts,
    )  # fmt: skip


def test_a_comment_is_dated_by_its_notification() -> None:
    assert only("comments_top").sent_at == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    assert only("messaging_text").sent_at == datetime(2026, 11, 21, 7, 59, 58, 125000, tzinfo=UTC)


def test_stories_are_told_apart() -> None:
    assert only("messaging_story_mention").facts["kind"] == "story_mention"
    assert only("messaging_story_reply").facts["kind"] == "story_reply"
    assert only("message_story_reply").facts["kind"] == "story_reply"


def test_a_mention_says_where_it_is_to_be_answered() -> None:
    assert only("mentions_comment").facts == {
        "kind": "mention", "media_id": "17900000000000020", "comment_id": "17800000000000021",
    }  # fmt: skip
    assert only("mentions_caption").facts == {"kind": "mention", "media_id": "17900000000000022"}


def test_a_mention_that_was_not_shown_is_parked_with_the_reason() -> None:
    payload = {k: v for k, v in BY_NAME["mentions_comment"].payload.items() if k != "found"}
    with pytest.raises(ValueError, match="comments are off"):
        CONNECTOR.parse("mentions", {**payload, "refused": "comments are off"})


def test_our_own_comments_are_known_by_our_name_too() -> None:
    assert only("comments_own_scoped").author.external_id == "17841400000000001"


def test_every_recorded_object_is_read() -> None:
    counts: Counter[str] = Counter()
    for name, kind, payload in recorded.objects("instagram"):
        (event,) = CONNECTOR.parse(kind, payload)
        assert isinstance(event, MessageSeen), name
        counts[kind] += 1
    assert counts == {"comment": 8, "medium": 5, "tagged": 5}
