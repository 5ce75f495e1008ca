"""Streams: by WebSocket, by server-sent events, and not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rapport.networks.base import Event, MessageDeleted, MessageSeen, RawItem
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.mastodon import stream
from rapport.networks.mastodon.connector import CONNECTOR, MastodonConnector
from rapport.networks.mastodon.tests.desk import Listening, connected
from rapport.networks.mastodon.tests.place import GoToSocialPlace, MastodonPlace, TakahePlace


@contextmanager
def running(kind: type[MastodonPlace], *, websocket: bool = True) -> Iterator[MastodonPlace]:
    with kind() as place:
        place.double.websocket = websocket
        yield place


class Ear:
    """Listens to a stream in a thread of its own."""

    def __init__(self, place: MastodonPlace, connector: MastodonConnector | None = None) -> None:
        self.items: list[RawItem] = []
        self.cursors: list[Any] = []
        self.error: Exception | None = None
        self._place, self._connector = place, connector or connected(place)
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Ear:
        self._thread.start()
        self.until(lambda: bool(self.cursors) or self.error is not None)
        assert self.error is not None or self._place.double.listened.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for polled in self._connector.stream({"since": "kept"}, self._stop.is_set):
                with self._changed:
                    self.items += polled.items
                    self.cursors.append(polled.cursor)
                    self._changed.notify_all()
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()
            with self._changed:
                self._changed.notify_all()

    def until(self, done: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(done, 10), (self.items, self.error)

    def events(self, count: int) -> list[Event]:
        self.until(lambda: len(self.items) >= count)
        return [event for one in self.items for event in self._connector.parse(one.kind, one.payload)]


WAYS = [(MastodonPlace, True), (MastodonPlace, False), (GoToSocialPlace, True)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BREATH_S", 0.1)


@pytest.mark.parametrize(("kind", "websocket"), WAYS, ids=["websocket", "events", "gotosocial"])
def test_it_hears_as_it_happens(kind: type[MastodonPlace], websocket: bool) -> None:
    with running(kind, websocket=websocket) as place:
        connector = connected(place)
        with Ear(place, connector) as ear:
            asked = place.customer_says("Hello?")
            place.customer_edits(asked, "Hello!")
            with place.world.lock:
                own = place.world.publish(place.care, {"status": "From the phone"})
            place.customer_deletes(asked)
            events = ear.events(5)
        assert ear.error is None
        # As notification and as post, which is one key, then edited, our own, and gone.
        keys = [one.dedupe_key() for one in ear.items]
        assert keys[0] == keys[1] == f"post:{asked}"
        assert isinstance(events[2], MessageSeen)
        assert events[2].text == "@care Hello!"
        assert isinstance(events[3], MessageSeen)
        assert events[3].external_id == own.id
        assert isinstance(events[4], MessageDeleted)
        assert all(one == {"since": "kept"} for one in ear.cursors)


def test_poll_and_stream_speak_of_one_happening() -> None:
    with running(MastodonPlace) as place:
        listening = Listening(connected(place))
        listening.hear()
        with Ear(place, listening.connector) as ear:
            place.customer_says("Hello?")
            ear.events(2)
        listening.hear()
        assert {one.dedupe_key() for one in ear.items} == set(listening.keys)


@pytest.mark.parametrize(("kind", "websocket"), WAYS, ids=["websocket", "events", "gotosocial"])
def test_it_ends_when_the_connection_does(kind: type[MastodonPlace], websocket: bool) -> None:
    with running(kind, websocket=websocket) as place, Ear(place) as ear:
        place.double.drop_listeners()
        assert ear.ended.wait(10)
        assert ear.error is None


@pytest.mark.parametrize(("kind", "websocket"), WAYS, ids=["websocket", "events", "gotosocial"])
def test_a_revoked_token_is_noticed(kind: type[MastodonPlace], websocket: bool) -> None:
    with running(kind, websocket=websocket) as place:
        connector = connected(place)
        place.revoke()
        with Ear(place, connector) as ear:
            assert isinstance(ear.error, CredentialsGone)


def test_a_server_that_is_away_is_tried_again() -> None:
    with running(MastodonPlace) as place:
        connector = connected(place)
        with place.outage(), Ear(place, connector) as ear:
            assert isinstance(ear.error, TryAgain)


@pytest.mark.parametrize(("kind", "websocket"), [(TakahePlace, True), (GoToSocialPlace, False)])
def test_without_a_stream_it_says_so(kind: type[MastodonPlace], websocket: bool) -> None:
    with running(kind, websocket=websocket) as place, Ear(place) as ear:
        assert isinstance(ear.error, Refused)


def test_the_token_is_never_in_an_address() -> None:
    with running(MastodonPlace, websocket=False) as place:
        connector = connected(place)
        with Ear(place, connector):
            pass
        token = str(connector.account.credentials["token"])
        assert not [one for one in place.double.requests if token in one.path or token in str(one.query)]


def test_events_of_no_interest_are_passed_over_and_odd_ones_kept() -> None:
    with running(MastodonPlace) as place:
        account = connected(place).account

    def item(event: str, payload: Any) -> RawItem | None:
        return stream.item_of(event, payload, account, now=stream.datetime.now(stream.UTC))

    assert item("filters_changed", None) is None
    assert item("announcement", "{}") is None
    assert item("update", '{"id": "1", "account": {"id": "2"}, "mentions": null}') is None
    odd = item("notification", "not json")
    assert odd is not None
    assert odd.kind == "stream.notification"
    with pytest.raises(ValueError, match="unknown kind"):
        CONNECTOR.parse(odd.kind, {"x": odd.payload})


@pytest.mark.parametrize("websocket", [True, False], ids=["websocket", "events"])
def test_a_server_cannot_send_us_into_our_own_network(websocket: bool, settings: Any) -> None:
    with running(MastodonPlace, websocket=websocket) as place:
        connector = connected(place)
        settings.RAPPORT_PRIVATE_ADDRESSES = False
        with Ear(place, connector) as ear:
            assert isinstance(ear.error, Refused)
        assert "private" in str(ear.error)
        assert not [one for one in place.double.requests if "streaming" in one.path]
