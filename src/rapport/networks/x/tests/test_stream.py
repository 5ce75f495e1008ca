"""The stream, over a real connection that stays open."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from rapport.networks.base import MessageSeen, Polled
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.x.tests.conftest import Connect
from rapport.networks.x.tests.place import XPlace


def test_it_brings_what_our_rules_ask_for_under_the_keys_of_the_poll(connect: Connect, place: XPlace) -> None:
    connector = connect(listen=["lost bag"])
    place.x.rules["7"] = {"id": "7", "value": "old", "tag": f"rapport:{place.x.brand.id}"}
    place.x.rules["8"] = {"id": "8", "value": "of another app", "tag": "theirs"}
    stopped = False
    running = connector.stream({"mentions": {"since": "x"}}, lambda: stopped)
    first = next(running)
    assert (first.items, first.cursor) == ([], {"mentions": {"since": "x"}})
    next(running)
    assert {rule["value"] for rule in place.x.rules.values()} == {
        "@alvara_air -is:retweet -from:alvara_air",
        "(lost bag) -from:alvara_air",
        "of another app",
    }
    post = place.x.post(place.customer, "@alvara_air hello")
    place.x.show(place.x.post(place.customer, "not for us"), tag="theirs")
    place.x.show(post, tag=f"rapport:{place.x.brand.id}")
    items = []
    for polled in running:
        items += polled.items
        if items:
            break
    (event,) = connector.parse(items[0].kind, items[0].payload)
    assert isinstance(event, MessageSeen)
    assert (event.external_id, event.author.handle) == (post.id, "ivana_k")
    assert items[0].key in {item.key for item in connector.poll({}).items}
    stopped = True
    assert list(running) == []


def test_a_stream_that_x_closes_is_opened_again_later(connect: Connect, place: XPlace) -> None:
    running = connect().stream({}, lambda: False)
    next(running)
    next(running)
    place.x.disconnect()
    with pytest.raises(TryAgain, match="closed"):
        list(running)


def test_an_outage_ends_the_stream(connect: Connect, place: XPlace) -> None:
    running = connect().stream({}, lambda: False)
    next(running)
    next(running)
    with place.outage():
        with suppress(TryAgain):  # the double's connection can end without an error
            assert not [polled for polled in running if polled.items]
        with pytest.raises(TryAgain):
            next(connect().stream({}, lambda: False))
    assert _once_free(connect).items == []


def _once_free(connect: Connect) -> Polled:
    """A stream's first answer, as soon as the double has noticed that the one before it ended."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return next(connect().stream({}, lambda: False))
        except TryAgain:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_second_stream_of_the_same_app_waits(connect: Connect, place: XPlace) -> None:
    running = connect().stream({}, lambda: False)
    next(running)
    next(running)
    with pytest.raises(TryAgain) as taken:
        list(connect().stream({}, lambda: False))
    assert taken.value.after is not None
    running.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_apps_token_there_is_no_stream(connect: Connect, token: str) -> None:
    connector = connect(bearer_token=token)
    assert connector.rules.stream == bool(token)
    with pytest.raises((Refused, TryAgain), match="Bearer token"):
        list(connector.stream({}, lambda: False))
