"""Rows of imported files: what is read, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.networks.base import Account, MessageDeleted, MessageSeen
from rapport.networks.files.connector import CONNECTOR
from rapport.networks.files.parse import twitter_time
from rapport.networks.registry import connector_class

TWCS = {
    "tweet_id": "11",
    "author_id": "sprintcare",
    "inbound": "False",
    "created_at": "Tue Oct 31 22:10:35 +0000 2017",
    "text": "Tom &amp; Ann &lt;3",
    "in_response_to_tweet_id": "12",
}
ROW = {"id": "m1", "author_id": "u7", "text": "Hello", "created_at": "2026-11-21T09:30:00+01:00"}


def message(kind: str, payload: dict[str, Any]) -> MessageSeen:
    (event,) = CONNECTOR.parse(kind, payload)
    assert isinstance(event, MessageSeen)
    return event


def test_it_reads_a_company_s_tweet() -> None:
    seen = message("twcs", TWCS)
    assert (seen.external_id, seen.parent_id, seen.visibility) == ("11", "12", "public")
    assert (seen.author.external_id, seen.author.handle, seen.author.name) == (
        "twcs:sprintcare",
        "sprintcare",
        "sprintcare",
    )
    assert seen.sent_at == datetime(2017, 10, 31, 22, 10, 35, tzinfo=UTC)
    assert seen.text == "Tom & Ann <3"


def test_it_names_a_customer_by_number_only() -> None:
    seen = message("twcs", TWCS | {"author_id": "115712", "in_response_to_tweet_id": ""})
    assert (seen.author.external_id, seen.author.name, seen.parent_id) == ("twcs:115712", "", None)


@given(st.integers(31_536_000, 7_258_118_400), st.integers(-14 * 60, 14 * 60))
def test_it_reads_every_time_twitter_can_write(seconds: int, offset: int) -> None:
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=offset)))
    assert twitter_time(moment.strftime("%a %b %d %H:%M:%S %z %Y")) == moment


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tweet_id": ""}, "tweet_id is not"),
        ({"tweet_id": "12a"}, "tweet_id is not"),
        ({"tweet_id": "007"}, "tweet_id is not"),
        ({"tweet_id": "9" * 19}, "tweet_id is not"),
        ({"tweet_id": "٣"}, "tweet_id is not"),
        ({"author_id": "two words"}, "neither a number nor a handle"),
        ({"author_id": ""}, "neither a number nor a handle"),
        ({"inbound": "perhaps"}, "inbound must be true or false"),
        ({"created_at": "2017-10-31"}, "created_at is not a time"),
        ({"created_at": "Tue Feb 31 22:10:35 +0000 2017"}, "no real date"),
        ({"created_at": "Tue Oct 31 25:10:35 +0000 2017"}, "no real date"),
        ({"created_at": "Tue Xxx 31 22:10:35 +0000 2017"}, "no real date"),
        ({"created_at": "Tue Oct 31 22:10:35 +9900 2017"}, "no real date"),
        ({"created_at": "Tue Oct 31 22:10:35 +0000 0001"}, "no real date"),
        ({"in_response_to_tweet_id": "12,13"}, "in_response_to_tweet_id is not"),
        ({"in_response_to_tweet_id": "11"}, "answers itself"),
        ({"text": "a\0b"}, "NUL"),
        ({"text": "a\udc80b"}, "not UTF-8"),
        ({"text": "x" * 100_001}, "100001 characters"),
        ({"text": None}, "text is missing"),
    ],
)
def test_it_says_what_is_wrong_with_a_tweet(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CONNECTOR.parse("twcs", TWCS | change)


def test_it_reads_a_whole_canonical_row() -> None:
    events = CONNECTOR.parse(
        "jsonl",
        ROW
        | {
            "id": 5, "parent_id": 4, "thread_key": "t", "visibility": "private", "lang": "hr", "automatic": True,
            "author_handle": "ana", "author_name": "Ana", "url": "https://example.com/5",
            "edited_at": "2026-11-21T10:00:00Z", "deleted_at": "2026-11-22T10:00:00Z",
            "media": [{"url": "https://example.com/p.jpg", "kind": "image", "alt": "a box"}],
        },
    )  # fmt: skip
    seen, deleted = events
    assert isinstance(seen, MessageSeen)
    assert isinstance(deleted, MessageDeleted)
    assert (seen.external_id, seen.parent_id, seen.thread_key, seen.visibility) == ("5", "4", "t", "private")
    assert (seen.author.external_id, seen.author.handle, seen.author.name) == ("u7", "ana", "Ana")
    assert seen.sent_at == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    assert seen.edited_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert seen.automatic
    assert seen.media[0].alt == "a box"
    assert deleted == MessageDeleted(external_id="5", deleted_at=datetime(2026, 11, 22, 10, tzinfo=UTC))


def test_it_takes_a_time_without_a_zone_as_utc() -> None:
    assert message("jsonl", ROW | {"created_at": "2026-11-21T09:30:00"}).sent_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": ""}, "id is missing"),
        ({"id": " 1"}, "space"),
        ({"id": "x" * 201}, "201 characters"),
        ({"id": True}, "id must be text"),
        ({"author_id": None}, "author_id is missing"),
        ({"text": None}, "text is missing"),
        ({"text": 5}, "text must be text"),
        ({"created_at": ""}, "created_at is missing"),
        ({"created_at": "yesterday"}, "created_at is not a time"),
        ({"created_at": 5}, "created_at must be a time"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "no real date"),
        ({"created_at": "1969-12-31T00:00:00Z"}, "before 1970"),
        ({"parent_id": "m1"}, "answers itself"),
        ({"visibility": "secret"}, "public or private"),
        ({"automatic": "perhaps"}, "automatic must be true or false"),
        ({"media": "a.jpg"}, "media must be a list"),
        ({"media": [{"kind": "image"}]}, "media url is missing"),
    ],
)
def test_it_says_what_is_wrong_with_a_canonical_row(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CONNECTOR.parse("jsonl", ROW | change)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
rows = st.dictionaries(
    st.sampled_from([*TWCS, *ROW, "media", "edited_at", "visibility", "parent_id"]), json_values
)


@given(st.sampled_from(["twcs", "jsonl", "other"]), rows | json_values)
def test_it_refuses_nonsense_only_in_ways_that_park_it(kind: str, payload: Any) -> None:
    base = TWCS if kind == "twcs" else ROW
    for candidate in (payload, base | payload if isinstance(payload, dict) else payload):
        try:
            events = CONNECTOR.parse(kind, candidate)
        except (ValueError, KeyError, TypeError):
            continue
        assert isinstance(events[0], MessageSeen)


def test_it_is_registered_and_has_nobody_to_send_to() -> None:
    assert connector_class("file") is CONNECTOR
    assert not CONNECTOR.capabilities.send
    account = Account(external_id="twcs:hulu_support", handle="hulu_support", credentials={}, settings={})
    assert CONNECTOR(account).check().handle == "hulu_support"
