"""What Reddit's JSON means: fixtures of ours, fixtures gone wrong, and recorded things of the real API."""

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
from rapport.networks.reddit import things
from rapport.networks.reddit.api import _pause
from rapport.networks.reddit.connector import CONNECTOR
from rapport.networks.reddit.reading import base36
from rapport.networks.testing import fixtures, said

FIXTURES = {one.name.removesuffix(".json"): one for one in fixtures(CONNECTOR)}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", FIXTURES)
def test_it_reads_every_kind_of_event(name: str) -> None:
    one = FIXTURES[name]
    assert [said(event) for event in CONNECTOR.parse(one.kind, one.payload)] == one.says


def test_there_is_a_fixture_of_every_kind() -> None:
    assert {one.kind for one in FIXTURES.values()} == set(CONNECTOR.kinds)


def read(name: str) -> MessageSeen:
    (event,) = CONNECTOR.parse(FIXTURES[name].kind, FIXTURES[name].payload)
    assert isinstance(event, MessageSeen)
    return event


def test_it_keeps_what_only_reddit_knows() -> None:
    comment, mention, picture = read("comment"), read("comment_mention_in_inbox"), read("post_picture")
    assert comment.text.startswith("Let kasni već **dva sata** & nitko")
    assert "\u200b" not in comment.text
    assert comment.sent_at == datetime(2026, 11, 21, 9, 14, 3, tzinfo=UTC)
    assert comment.facts == {
        "community": "travel", "counts": {"score": 3}, "post": "t3_1abc2d", "kind": "comment",
    }  # fmt: skip
    assert (mention.facts["kind"], mention.facts["post"]) == ("mention", "t3_1abc2d")
    assert (picture.facts["sensitive"], picture.media[0].url) == ("NSFW", "https://i.redd.it/kofer.jpg")
    assert read("comment_edited").edited_at == datetime(2026, 11, 21, 9, 23, 20, tzinfo=UTC)
    assert read("modmail_answer_of_a_colleague").facts["by"] == "maja_mod"


@given(st.integers(0, 36**13 - 1))
def test_numbers_of_people_are_their_ids(number: int) -> None:
    assert int(base36(number), 36) == number


@pytest.mark.parametrize(
    ("sentence", "more", "seconds"),
    [
        ("you are doing that too much. try again in 9 minutes.", {}, 600),
        ("Looks like you've been doing that a lot. Take a break for 3 seconds before trying again.", {}, 4),
        ("Take a break for 1 hour before trying again.", {}, 7200),
        ("you are doing that too much. try again in 9 minutes.", {"ratelimit": 531.5}, 531.5),
        ("later", {}, 600),
    ],
)
def test_it_understands_how_long_to_rest(sentence: str, more: dict[str, Any], seconds: float) -> None:
    assert _pause(more, sentence).total_seconds() == seconds


def test_a_tree_is_walked_however_deep_it_is() -> None:
    thing: dict[str, Any] = {"kind": "more", "data": {"children": ["zz"]}}
    for n in range(1_500):
        replies = {"kind": "Listing", "data": {"children": [thing]}}
        thing = {"kind": "t1", "data": {"name": f"t1_{base36(n)}", "replies": replies}}
    comments, more = things.tree([None, {"data": {"children": [thing]}}])
    assert (len(comments), more) == (1_500, ["zz"])
    many = [{"kind": "t1", "data": {"name": "t1_a", "replies": ""}}] * 5_000
    assert len(things.tree([None, {"data": {"children": many}}])[0]) == 2_000


@pytest.mark.parametrize(
    "change",
    [
        {"name": "kd81aa"}, {"name": 7}, {"body": None}, {"created_utc": "yesterday"}, {"created_utc": True},
        {"created_utc": float("nan")}, {"created_utc": 1e300}, {"author": "a/b"}, {"author_fullname": "9"},
        {"parent_id": "t3_"}, {"edited": -1.0}, {"link_id": 5}, {"author": 3},
    ],
)  # fmt: skip
def test_it_refuses_what_is_not_a_comment(change: dict[str, Any]) -> None:
    payload = copy.deepcopy(FIXTURES["comment"].payload)
    payload["data"] |= change
    with pytest.raises((ValueError, KeyError, TypeError)):
        CONNECTOR.parse("t1", payload)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_it_never_fails_in_another_way_than_it_says(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(list(FIXTURES.values())))
    payload = copy.deepcopy(one.payload)
    holder = payload
    while True:
        key = data.draw(st.sampled_from(sorted(holder)))
        if not isinstance(holder[key], dict) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    if data.draw(st.booleans()):
        holder[key] = data.draw(ANYTHING)
    else:
        del holder[key]
    before = json.dumps(payload, default=str)
    try:
        events = CONNECTOR.parse(one.kind, payload)
    except (ValueError, KeyError, TypeError):
        return
    assert json.dumps(payload, default=str) == before
    assert events == CONNECTOR.parse(one.kind, payload)


# Recorded things ----------------------------------------------------------------------------------
def test_recorded_things_are_all_read() -> None:
    path = shared_data("payloads/reddit_things.jsonl")
    seen: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        # Names were taken out when the things were recorded.
        named = line.replace("<USERNAME>", "somebody").replace("<TEST_SUBREDDIT>", "a_community")
        item = things.thing_item(json.loads(named), now=NOW)
        events = CONNECTOR.parse(item.kind, item.payload)
        assert len(events) == 1, item.key
        seen[f"{item.kind} {type(events[0]).__name__}"] += 1
        assert len(item.dedupe_key()) <= 64
    assert sum(seen.values()) == 949
    assert {"t1 MessageSeen", "t3 MessageSeen", "t4 MessageSeen"} <= set(seen), seen
