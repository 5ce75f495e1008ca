"""What X's JSON means: fixtures of ours, fixtures gone wrong, and recorded answers of the real API."""

from __future__ import annotations

import copy
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib.tests.shared_data import shared_data
from rapport.networks.base import MessageSeen
from rapport.networks.testing import fixtures, said
from rapport.networks.x import pages
from rapport.networks.x.connector import CONNECTOR
from rapport.networks.x.reading import id_at, time_of_id

FIXTURES = {one.name.removesuffix(".json"): one for one in fixtures(CONNECTOR)}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
# Hypothesis adds the zone.
FIRST, LAST = datetime.fromisoformat("2011-01-01"), datetime.fromisoformat("2060-01-01")


@pytest.mark.parametrize("name", FIXTURES)
def test_it_reads_every_kind_of_event(name: str) -> None:
    one = FIXTURES[name]
    assert [said(event) for event in CONNECTOR.parse(one.kind, one.payload)] == one.says


def test_there_is_a_fixture_of_every_kind() -> None:
    assert {one.kind for one in FIXTURES.values()} >= set(CONNECTOR.kinds)


def read(name: str) -> MessageSeen:
    (event,) = CONNECTOR.parse(FIXTURES[name].kind, FIXTURES[name].payload)
    assert isinstance(event, MessageSeen)
    return event


def test_it_keeps_what_only_x_knows() -> None:
    edited, quote, film = (
        read("post_edited"),
        read("post_quote_with_poll"),
        read("post_with_picture").media[1],
    )
    assert edited.facts["version"] == FIXTURES["post_edited"].payload["data"]["id"]
    assert edited.sent_at == time_of_id(edited.external_id)
    assert edited.edited_at == time_of_id(edited.facts["version"])
    assert quote.facts["quotes"] == "2120000008388608000"
    assert quote.facts["poll"] == {
        "options": [{"title": "Hoće", "votes": 2}, {"title": "Neće", "votes": 41}],
        "ends_at": "2026-11-22T09:00:00.000Z",
    }
    assert quote.facts["counts"] == {"likes": 3, "replies": 1}
    assert (film.kind, film.url) == ("video", "https://video.example/large.mp4")


def test_the_same_message_by_push_and_by_poll_is_one() -> None:
    pushed, polled, older = read("activity_dm_received"), read("dm_to_us"), read("older_message")
    assert (
        len({(one.external_id, one.thread_key, one.author.external_id) for one in (pushed, polled, older)})
        == 1
    )
    assert (pushed.text, pushed.sent_at, pushed.author) == (polled.text, polled.sent_at, polled.author)


@given(st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC)))
def test_ids_hold_their_time_to_the_millisecond(at: datetime) -> None:
    assert abs((time_of_id(str(id_at(at))) - at).total_seconds()) < 0.002


@pytest.mark.parametrize(
    "change",
    [
        {"id": "12a"}, {"id": 1.5}, {"id": ""}, {"id": "9" * 20}, {"author_id": None}, {"text": None},
        {"created_at": "yesterday"}, {"created_at": "2026-11-21T09:00:00"}, {"edit_history_tweet_ids": []},
        {"edit_history_tweet_ids": "123"}, {"referenced_tweets": [{"type": "replied_to"}]},
        {"referenced_tweets": [{"type": "quoted", "id": "1"}] * 201}, {"public_metrics": {"like_count": -1}},
        {"created_at": "0001-01-01T00:00:00+23:00"},
    ],
)  # fmt: skip
def test_it_refuses_what_is_not_a_post(change: dict[str, Any]) -> None:
    payload = copy.deepcopy(FIXTURES["post_mention"].payload)
    payload["data"] |= change
    with pytest.raises((ValueError, KeyError, TypeError)):
        CONNECTOR.parse("post", payload)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in pairs for path in paths(item, (*here, key)))]


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_it_never_fails_in_another_way_than_it_says(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(list(FIXTURES.values())))
    payload = copy.deepcopy(one.payload)
    path = data.draw(st.sampled_from(paths(payload)[1:]))
    parent = payload
    for step in path[:-1]:
        parent = parent[step]
    if data.draw(st.booleans()):
        parent[path[-1]] = data.draw(ANYTHING)
    else:
        del parent[path[-1]]
    before = json.dumps(payload, default=str)
    try:
        events = CONNECTOR.parse(one.kind, payload)
    except (ValueError, KeyError, TypeError):
        return
    assert json.dumps(payload, default=str) == before
    assert events == CONNECTOR.parse(one.kind, payload)


# Recorded answers ---------------------------------------------------------------------------------
# Why an answer holds nothing for a desk, by a part of its address or path.
NOTHING = {
    "DELETE ": "that something was taken away",
    "compliance": "lists of ids to delete, for archives",
    "counts": "numbers of posts", "usage": "numbers of posts", "trends": "what is talked about",
    "spaces": "live audio", "space/": "live audio", "lists": "lists of accounts", "/lists": "lists of accounts",
    "followers": "people", "following": "people", "follow": "people", "block": "people", "mut": "people",
    "users/me": "the account", "users/by": "a person", "/user/": "people",
    "liking_users": "people", "retweeted_by": "people", "retweed_users": "people", "likes": "our own likes",
    "retweets": "our own reposts", "bookmarks": "our own bookmarks", "hidden": "that a reply is hidden",
    "media_upload": "an upload's id", "streams/": "rules", "models/": "a part of an answer",
    "create_": "the id of what was sent", "events_create": "the id of what was sent",
    "dm_conversations": "the id of what was sent", "friend": "people", "geo": "places", "saved_search": "searches",
    "verify_credentials": "the account", "users/": "people", "update_profile": "the account", "ids.json": "ids",
    "favorites": "our own likes", "direct_messages": "API v1.1: nobody is asked by it",
}  # fmt: skip


def recorded() -> list[tuple[str, Any]]:
    folder = shared_data("payloads")
    found = [
        (str(path.relative_to(folder)), json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((folder / "x_api_v2").rglob("*.json"))
    ]
    for line in (folder / "tweepy_api_responses.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        found.append((f"{one['method']} {one['uri'].split('?')[0]}", one["json"]))
    return found


def test_recorded_answers_are_read_or_there_is_a_reason() -> None:
    read_ones: Counter[str] = Counter()
    unexplained = []
    for name, answer in recorded():
        for kind, payload in raw_events(answer):
            try:
                read_ones[kind] += len(CONNECTOR.parse(kind, payload))
            except KeyError as error:
                if error.args[0] not in {"author_id", "sender_id"}:
                    raise
                # Recorded without the fields the connector asks for.
                read_ones[f"{kind} of nobody"] += 1
        if not raw_events(answer) and answer and not any(part in name for part in NOTHING):
            unexplained.append(name)
    assert unexplained == []
    assert read_ones["tweet_create_events"] >= 10
    assert read_ones["post"] >= 10
    assert read_ones["dm"] >= 2
    assert read_ones["post of nobody"] >= 20


def raw_events(answer: Any) -> list[tuple[str, Any]]:
    """The posts and messages in a recorded answer, as the connector would store them."""
    if isinstance(answer, list):
        return [
            ("tweet_create_events", {"event": one}) for one in answer if "user" in one and "id_str" in one
        ]
    if "statuses" in answer:
        return [("tweet_create_events", {"event": one}) for one in answer["statuses"]]
    if "user" in answer and "id_str" in answer and "text" in answer:
        return [("tweet_create_events", {"event": answer})]
    data = answer.get("data") or []
    things = [one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict)]
    posts = [one for one in things if "text" in one and "id" in one and "event_type" not in one]
    page = {"data": posts, "includes": answer.get("includes")}
    found = [(item.kind, item.payload) for item in pages.posts_of(page, now=NOW)]
    messages = [one for one in things if one.get("event_type") == "MessageCreate"]
    return found + [("dm", pages.message_item(one, answer.get("includes") or {}).payload) for one in messages]
