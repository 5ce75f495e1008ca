import copy
import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.networks.practice.connector import CONNECTOR

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").glob("*.json"))
CASES = [json.loads(path.read_text(encoding="utf-8")) for path in FIXTURES]


def as_json(value: Any) -> Any:
    """An event as the fixtures write it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def utc(value: Any) -> Any:
    return {
        key: datetime.fromisoformat(item).isoformat() if key.endswith("_at") and item else item
        for key, item in value.items()
    }


@pytest.mark.parametrize("case", CASES, ids=[path.stem for path in FIXTURES])
def test_it_reads_every_kind_of_event(case: Any) -> None:
    events = CONNECTOR.parse(case["kind"], case["payload"])
    found = [{"event": type(event).__name__, **as_json(event)} for event in events]
    expected = [utc(one) for one in case["expected"]]
    assert only_named(found, expected) == expected


def only_named(found: Any, expected: Any) -> Any:
    """``found`` without what ``expected`` is silent about."""
    if isinstance(expected, dict):
        return {key: only_named(found[key], value) for key, value in expected.items() if key in found}
    if isinstance(expected, list) and len(found) == len(expected):
        return [only_named(one, value) for one, value in zip(found, expected, strict=True)]
    return found


def test_it_has_a_fixture_for_every_kind_it_knows() -> None:
    assert {case["kind"] for case in CASES} == {
        "post.created",
        "post.edited",
        "post.deleted",
        "post.reposted",
        "conversation.read",
        "ping",
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda post: post.update(text=None),
        lambda post: post.pop("author"),
        lambda post: post.update(id=""),
        lambda post: post.update(id="9" * 201),
        lambda post: post.update(visibility="secret"),
        lambda post: post.update(created_at="2026-11-21T09:14:03"),
        lambda post: post.update(created_at="0001-01-01T00:00:00+23:00"),
        lambda post: post.update(visibility="private", conversation=None),
        lambda post: post["author"].update(followers=True),
        lambda post: post["author"].update(bot="no"),
        lambda post: post.update(media={}),
    ],
)
def test_it_refuses_what_is_not_a_post(spoil: Any) -> None:
    payload = copy.deepcopy(next(case for case in CASES if case["kind"] == "post.created")["payload"])
    spoil(payload["post"])
    with pytest.raises((ValueError, KeyError, TypeError)):
        CONNECTOR.parse("post.created", payload)


def test_it_refuses_an_event_stored_under_another_kind() -> None:
    with pytest.raises(ValueError, match="says it is"):
        CONNECTOR.parse("post.edited", CASES[0]["payload"] | {"type": "post.created"})
    with pytest.raises(ValueError, match="unknown event type"):
        CONNECTOR.parse("poll.voted", {"type": "poll.voted"})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here]
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*here, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths(item, (*here, index))
    return found


@settings(deadline=None)
@given(data=st.data())
def test_it_never_fails_in_another_way_than_it_says(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    payload = copy.deepcopy(case["payload"])
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths(payload)))
        junk = data.draw(ANYTHING)
        if not path:
            payload = junk
            break
        parent = payload
        for step in path[:-1]:
            parent = parent[step]
        if data.draw(st.booleans()):
            parent[path[-1]] = junk
        else:
            del parent[path[-1]]
    before = json.dumps(payload, default=str)
    try:
        events = CONNECTOR.parse(case["kind"], payload)
    except (ValueError, KeyError, TypeError):
        return
    assert json.dumps(payload, default=str) == before
    assert events == CONNECTOR.parse(case["kind"], payload)
