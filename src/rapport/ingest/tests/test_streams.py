"""Streams: one reader each, the place moves with what it stands for, and whatever breaks is opened again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection, connections
from django.utils import timezone

from rapport.brands.models import Brand, Channel
from rapport.ingest import readers
from rapport.ingest.models import RawEvent
from rapport.ingest.streams import Streams, claim_streams, give_back, store
from rapport.networks import registry
from rapport.networks.base import Capabilities, Connector, Event, Polled, Profile, RawItem, Renewed
from rapport.networks.errors import CredentialsGone, Refused, TryAgain

pytestmark = pytest.mark.django_db(transaction=True)


class Side:
    """The network's side: a queue of what happens, which is a number or a way to end."""

    def __init__(self) -> None:
        self.happens: queue.Queue[int | Exception | None] = queue.Queue()
        self.opened: list[dict[str, Any]] = []
        self.ended = 0
        self.renewed = False


class LiveConnector(Connector):
    network = "live"
    label = "Live"
    capabilities = Capabilities(max_length=500, poll=True, stream=True)
    side: ClassVar[Side] = Side()

    def check(self) -> Profile:
        return Profile(external_id="x", handle="x")

    def renew(self) -> Renewed | None:
        self.side.renewed = True
        return Renewed(credentials={"token": "new"}) if self.account.credentials else None

    def stream(self, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
        self.side.opened.append(dict(cursor))
        at = int(cursor.get("at", 0))
        try:
            yield Polled(items=[], cursor={"at": at})
            while not stop():
                try:
                    what = self.side.happens.get(timeout=0.05)
                except queue.Empty:
                    yield Polled(items=[], cursor={"at": at})
                    continue
                if what is None:
                    return
                if isinstance(what, Exception):
                    raise what
                at = what
                yield Polled(items=[RawItem("post", {"n": at}, key=str(at))], cursor={"at": at})
        finally:
            self.side.ended += 1

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return []


@pytest.fixture
def side(monkeypatch: pytest.MonkeyPatch) -> Side:
    monkeypatch.setattr(registry, "connectors", lambda: {"live": LiveConnector})
    monkeypatch.setattr(readers, "LOOK_S", 0.05)
    monkeypatch.setattr(readers, "RETRY_S", 0.1)
    monkeypatch.setattr(readers, "FIRST_RETRY", timedelta(seconds=0.1))
    LiveConnector.side = Side()
    return LiveConnector.side


def make_channel(**fields: Any) -> Channel:
    brand, _new = Brand.objects.get_or_create(slug="aero", defaults={"name": "Aero"})
    number = Channel.objects.count()
    return Channel.objects.create(
        brand=brand, network="live", external_id=f"acc{number}", handle="@aero", streamed=True, **fields
    )


@contextmanager
def running(most: int = 5) -> Iterator[Streams]:
    found = Streams(most=most)
    thread = threading.Thread(target=found.run)
    thread.start()
    try:
        yield found
    finally:
        found.stop()
        thread.join(20)
        connections.close_all()
    assert not thread.is_alive()


def eventually(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def stored() -> list[int]:
    return [payload["n"] for payload in RawEvent.objects.order_by("id").values_list("payload", flat=True)]


def test_one_that_broke_is_polled_for_at_once_and_one_that_was_ended_is_not() -> None:
    later = timezone.now() + timedelta(hours=1)
    channel = make_channel(next_poll_at=later)
    for pause, due in ((None, False), (timedelta(0), True)):
        (lease,) = claim_streams(limit=1)
        give_back(lease, retry_after=pause)
        channel.refresh_from_db()
        assert channel.next_poll_at is not None
        assert (channel.next_poll_at < later) is due


def test_what_was_said_before_it_was_open_is_polled_for_at_once(side: Side) -> None:
    channel = make_channel(next_poll_at=timezone.now() + timedelta(hours=1))
    with running():
        side.happens.put(1)
        eventually(lambda: stored() == [1], "it is open")
        channel.refresh_from_db()
    assert channel.next_poll_at is not None
    assert channel.next_poll_at <= timezone.now()


def test_what_happens_is_stored_with_the_place(side: Side) -> None:
    channel = make_channel(failures=2, last_error="It was away.")
    with running():
        side.happens.put(1)
        side.happens.put(2)
        eventually(lambda: stored() == [1, 2], "both are stored")
        channel.refresh_from_db()
        assert channel.stream_lease_until is not None
    channel.refresh_from_db()
    assert (channel.stream_cursor, channel.stream_lease_until, channel.stream_retry_at) == (
        {"at": 2},
        None,
        None,
    )
    assert (channel.failures, channel.last_error) == (0, "")
    assert channel.pushed_at is not None
    assert set(RawEvent.objects.values_list("via", "pushed", "only_polled")) == {("stream", True, False)}
    with running():
        eventually(lambda: len(side.opened) == 2, "it goes on")
    assert side.opened == [{}, {"at": 2}]


def test_it_stops_quickly(side: Side) -> None:
    make_channel()
    with running():
        eventually(lambda: len(side.opened) == 1, "it is open")
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert side.ended == 1


def test_a_reader_that_does_not_listen_does_not_hold_up_the_end(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel()
    free = threading.Event()

    def deaf(self: Any, cursor: Any, stop: Any) -> Iterator[Polled]:
        yield Polled(items=[], cursor={})
        free.wait(20)
        yield Polled(items=[RawItem("post", {"n": 7})], cursor={"at": 7})

    monkeypatch.setattr(LiveConnector, "stream", deaf)
    monkeypatch.setattr(readers, "GRACE_S", 0.3)
    with running() as found:
        eventually(lambda: Channel.objects.filter(last_ok_at__isnull=False).exists(), "it is open")
        (thread,) = found._running
    channel.refresh_from_db()
    assert channel.stream_lease_until is None, "another process may read it at once"
    free.set()
    thread.join(10)
    assert stored() == []


def test_only_so_many_at_once_and_each_by_one_reader(side: Side) -> None:
    for _ in range(4):
        make_channel()
    with running(most=2):
        eventually(lambda: len(side.opened) == 2, "two are open")
        with running(most=5):
            eventually(lambda: len(side.opened) == 4, "the other two as well")
            time.sleep(0.3)
            assert len(side.opened) == 4
    assert not Channel.objects.filter(stream_lease_until__isnull=False).exists()


def test_one_that_broke_is_opened_again_and_polling_makes_up_for_it(side: Side) -> None:
    later = timezone.now() + timedelta(hours=1)
    channel = make_channel(next_poll_at=later)
    with running():
        for number, end in enumerate([TryAgain("It broke."), ValueError("a bug"), None], start=1):
            side.happens.put(number)
            side.happens.put(end)
            eventually(lambda number=number: len(side.opened) == number + 1, "opened again")
        side.happens.put(9)
        eventually(lambda: stored() == [1, 2, 3, 9], "nothing is lost")
    channel.refresh_from_db()
    assert channel.state == "active"
    assert channel.next_poll_at is not None
    assert channel.next_poll_at <= timezone.now()


def test_who_is_told_to_wait_waits_and_the_polls_do_not(side: Side) -> None:
    channel = make_channel()
    with running():
        side.happens.put(TryAgain("Too many streams.", after=timedelta(minutes=10)))
        eventually(
            lambda: Channel.objects.filter(
                stream_retry_at__gt=timezone.now() + timedelta(minutes=9)
            ).exists(),
            "it waits",
        )
        time.sleep(0.3)
    assert len(side.opened) == 1
    channel.refresh_from_db()
    assert (channel.open_until, channel.failures) == (None, 1)


def test_a_server_without_streams_is_no_trouble(side: Side) -> None:
    channel = make_channel()
    with running():
        side.happens.put(Refused("This server has no stream."))
        eventually(lambda: Channel.objects.filter(stream_retry_at__isnull=False).exists(), "left alone")
    channel.refresh_from_db()
    assert (channel.failures, channel.state) == (0, "active")


def test_credentials_are_renewed_or_the_channel_is_disconnected(side: Side) -> None:
    renewing, gone = make_channel(credentials={"token": "old"}), make_channel()
    Channel.objects.filter(id=gone.id).update(streamed=False)
    with running():
        eventually(lambda: len(side.opened) == 1, "open")
        side.happens.put(CredentialsGone("The token ended."))
        eventually(lambda: len(side.opened) == 2, "open again, with new ones")
        assert side.renewed
        Channel.objects.filter(id=renewing.id).update(state="paused")
        Channel.objects.filter(id=gone.id).update(streamed=True)
        eventually(lambda: len(side.opened) == 3, "open")
        side.happens.put(CredentialsGone("The token ended."))
        side.happens.put(CredentialsGone("The token ended."))
        eventually(lambda: Channel.objects.get(id=gone.id).state == "disconnected", "disconnected")
    renewing.refresh_from_db()
    assert renewing.credentials == {"token": "new"}


def test_it_survives_the_loss_of_its_connections(side: Side) -> None:
    make_channel()
    with running():
        side.happens.put(1)
        eventually(lambda: stored() == [1], "stored")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        side.happens.put(2)
        eventually(lambda: stored() == [1, 2], "held until the database is back")
    assert len(side.opened) == 1


def test_a_paused_channel_is_no_longer_read(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "RENEW_S", 0.1)
    make_channel()
    with running():
        eventually(lambda: len(side.opened) == 1, "open")
        Channel.objects.update(state="paused")
        eventually(lambda: side.ended == 1, "closed")
        side.happens.put(1)
        time.sleep(0.3)
    assert stored() == []


def test_a_reader_that_was_overtaken_stores_nothing(side: Side) -> None:
    channel = make_channel()
    (late,) = claim_streams(limit=5)
    assert claim_streams(limit=5) == []
    Channel.objects.update(stream_lease_until=timezone.now() - timedelta(seconds=1))
    (now,) = claim_streams(limit=5)
    found = Polled(items=[RawItem("post", {"n": 1})], cursor={"at": 1})
    assert not store(late, found, well=True)
    assert store(now, found, well=True)
    give_back(late)
    channel.refresh_from_db()
    assert channel.stream_lease_until == now.until
