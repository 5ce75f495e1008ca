"""Polling: the cursor moves with what it stands for, one poller at a time, and the health says why."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection, connections
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.brands import health
from rapport.brands.models import Brand, Channel
from rapport.ingest.actions import store_raw
from rapport.ingest.listener import LONGEST_PAGE_S, Lease, Listener, _keep, claim_due, poll
from rapport.ingest.models import RawEvent, Via
from rapport.networks import registry
from rapport.networks.base import (
    Account,
    Budget,
    Capabilities,
    Connector,
    Event,
    Polled,
    Profile,
    RawItem,
    Renewed,
)
from rapport.networks.errors import CredentialsGone, Refused, TryAgain


class Feed:
    """The network's side: a list of items, served two a page, and a way to fail."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.error: Exception | None = None
        self.cursors: list[dict[str, Any]] = []
        self.during: Callable[[], None] = lambda: None
        self.next_after: timedelta | None = None

        self.renew: Callable[[], Renewed | None] = lambda: None

    def serve(self, cursor: Mapping[str, Any]) -> Polled:
        self.cursors.append(dict(cursor))
        self.during()
        if self.error is not None:
            raise self.error
        after = int(cursor.get("after", 0))
        page = self.items[after : after + 2]
        return Polled(
            items=[RawItem("post", {"n": n}, key=str(n)) for n in page],
            cursor={"after": after + len(page)},
            more=after + len(page) < len(self.items),
            next_after=self.next_after,
        )


class FeedConnector(Connector):
    network = "feed"
    label = "Feed"
    capabilities = Capabilities(max_length=500, poll=True)
    side: ClassVar[Feed] = Feed()

    def __init__(self, account: Account) -> None:
        super().__init__(account)

    def check(self) -> Profile:
        return Profile(external_id="x", handle="x")

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        return self.side.serve(cursor)

    def renew(self) -> Renewed | None:
        return self.side.renew()

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return []


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    monkeypatch.setattr(registry, "connectors", lambda: {"feed": FeedConnector})
    FeedConnector.side = Feed()
    return FeedConnector.side


def make_channel(**fields: Any) -> Channel:
    brand, _new = Brand.objects.get_or_create(slug="aero", defaults={"name": "Aero"})
    number = Channel.objects.count()
    return Channel.objects.create(
        brand=brand, network="feed", external_id=f"acc{number}", handle="@aero", polled=True, **fields
    )


def one_lease() -> Lease:
    (lease,) = claim_due(limit=10)
    return lease


def stored() -> list[int]:
    return [payload["n"] for payload in RawEvent.objects.order_by("id").values_list("payload", flat=True)]


@pytest.mark.django_db
def test_it_stores_events_and_cursor_page_by_page(feed: Feed) -> None:
    channel = make_channel()
    feed.items = [1, 2, 3, 4, 5]
    poll(one_lease())
    assert stored() == [1, 2, 3, 4, 5]
    assert feed.cursors == [{}, {"after": 2}, {"after": 4}]
    channel.refresh_from_db()
    assert channel.cursor == {"after": 5}
    assert channel.poll_lease_until is None
    assert channel.last_ok_at is not None
    assert channel.next_poll_at is not None
    assert timedelta(seconds=10) < channel.next_poll_at - timezone.now() < timedelta(seconds=20)
    assert claim_due(limit=10) == []


@pytest.mark.django_db
def test_it_keeps_to_a_slower_pace_when_the_network_wishes(feed: Feed) -> None:
    channel = make_channel()
    feed.next_after = timedelta(hours=1)
    poll(one_lease())
    channel.refresh_from_db()
    assert channel.next_poll_at is not None
    assert channel.next_poll_at > timezone.now() + timedelta(minutes=59)


@pytest.mark.django_db
def test_it_claims_only_what_is_due_and_free(feed: Feed) -> None:
    later = timezone.now() + timedelta(hours=1)
    make_channel(next_poll_at=later)
    make_channel(state="paused")
    make_channel(state="disconnected")
    make_channel(poll_lease_until=later)
    make_channel(open_until=later)
    Channel.objects.filter(external_id="acc0").update(polled=True)
    not_polled = make_channel()
    Channel.objects.filter(id=not_polled.id).update(polled=False)
    assert claim_due(limit=10) == []
    due = make_channel(poll_lease_until=timezone.now() - timedelta(hours=1))
    assert [lease.channel_id for lease in claim_due(limit=10)] == [due.id]
    assert claim_due(limit=10) == []


@pytest.mark.django_db
def test_a_poller_that_was_overtaken_stores_nothing(feed: Feed) -> None:
    channel = make_channel()
    feed.items = [1]
    late = one_lease()

    def overtaken() -> None:
        # Its lease ran out while it waited for the network; another one polled further.
        feed.during = lambda: None
        Channel.objects.update(poll_lease_until=timezone.now() - timedelta(hours=1))
        feed.items = [1, 2]
        poll(one_lease())
        feed.items = [1]

    feed.during = overtaken
    poll(late)
    channel.refresh_from_db()
    assert channel.cursor == {"after": 2}
    assert stored() == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_page_that_takes_longer_than_a_lease_is_stored(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a network that is far away or slow; else the same page would be fetched and dropped for ever."""
    monkeypatch.setattr("rapport.ingest.listener.LEASE", timedelta(seconds=0.8))
    monkeypatch.setattr("rapport.ingest.listener.KEEP_S", 0.1, raising=False)
    monkeypatch.setattr("rapport.ingest.listener.LOOK_S", 0.1)
    make_channel()
    feed.items = [1]
    listener, fetched = Listener(concurrency=2), threading.Event()

    def slow() -> None:
        fetched.wait(2.5)
        feed.during = lambda: None
        listener.stop()

    feed.during = slow
    thread = threading.Thread(target=listener.run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    connections.close_all()
    assert (stored(), feed.cursors) == ([1], [{}])


@pytest.mark.django_db
def test_who_hangs_loses_the_lease(feed: Feed) -> None:
    make_channel()
    lease = one_lease()
    before = lease.until
    lease.kept -= 60
    _keep(lease)
    assert lease.until > before
    assert Channel.objects.get().poll_lease_until == lease.until
    lease.kept -= 60
    lease.began -= LONGEST_PAGE_S
    before = lease.until
    _keep(lease)
    assert lease.until == before


@pytest.mark.django_db
def test_it_backs_off_and_opens_the_breaker(feed: Feed) -> None:
    channel = make_channel()
    feed.error = TryAgain("The network cannot be reached.")
    for number in range(1, health.THRESHOLD + 1):
        poll(one_lease())
        channel.refresh_from_db()
        assert (channel.failures, channel.last_error) == (number, "The network cannot be reached.")
        assert channel.poll_lease_until is None
        assert channel.next_poll_at is not None
        assert channel.next_poll_at > timezone.now()
        assert claim_due(limit=1) == []
        Channel.objects.update(next_poll_at=timezone.now() - timedelta(hours=1))
    assert channel.open_until is not None
    assert claim_due(limit=1) == []
    Channel.objects.update(open_until=timezone.now() - timedelta(hours=1))
    feed.error = None
    poll(one_lease())
    channel.refresh_from_db()
    assert (channel.failures, channel.open_until, channel.last_error) == (0, None, "")


@pytest.mark.django_db
@pytest.mark.parametrize("error", [Refused("No."), ZeroDivisionError("a bug")])
def test_any_other_failure_is_tried_again_later(feed: Feed, error: Exception) -> None:
    channel = make_channel()
    feed.error = error
    poll(one_lease())
    channel.refresh_from_db()
    assert channel.failures == 1
    assert channel.last_error
    assert channel.state == "active"


@pytest.mark.django_db
def test_it_disconnects_when_the_credentials_are_gone(feed: Feed) -> None:
    channel = make_channel()
    feed.error = CredentialsGone("The token was revoked.")
    poll(one_lease())
    channel.refresh_from_db()
    assert (channel.state, channel.last_error) == ("disconnected", "The token was revoked.")
    assert AuditEntry.objects.filter(action="channel.disconnected").count() == 1
    assert claim_due(limit=10) == []


@pytest.mark.django_db
def test_credentials_of_another_key_disconnect_only_their_channel(feed: Feed) -> None:
    broken, well = make_channel(credentials={"token": "x"}), make_channel()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE brands_channel SET credentials = 'gAAAA' WHERE id = %s", [broken.id])
    feed.items = [1]
    for lease in claim_due(limit=10):
        poll(lease)
    states = dict(Channel.objects.defer("credentials").values_list("id", "state"))
    assert states == {broken.id: "disconnected", well.id: "active"}
    assert stored() == [1]


@pytest.mark.django_db(transaction=True)
def test_listeners_share_the_channels_and_stop_when_told(feed: Feed) -> None:
    channels = [make_channel() for _ in range(6)]
    seen: list[str] = []
    everybody = threading.Event()

    def during() -> None:
        seen.append(threading.current_thread().name)
        if len(seen) == len(channels):
            everybody.set()

    feed.during = during
    feed.items = [1]
    listeners = [Listener(concurrency=2) for _ in range(2)]
    threads = [threading.Thread(target=listener.run) for listener in listeners]
    for thread in threads:
        thread.start()
    assert everybody.wait(20)
    for listener in listeners:
        listener.stop()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    connections.close_all()
    # Each channel was polled once: none twice, none left out, every lease given back.
    assert len(seen) == 6
    assert RawEvent.objects.count() == 6
    assert not Channel.objects.filter(poll_lease_until__isnull=False).exists()


@pytest.mark.django_db
def test_credentials_that_ended_are_renewed_and_the_poll_is_repeated(feed: Feed) -> None:
    channel = make_channel(credentials={"token": "old"})
    feed.items, feed.error = [1], CredentialsGone("The token ended.")

    def renew() -> Renewed:
        feed.error = None
        return Renewed(credentials={"token": "new"})

    feed.renew = renew
    poll(one_lease())
    channel.refresh_from_db()
    assert (channel.state, channel.failures, stored()) == ("active", 0, [1])
    assert channel.credentials == {"token": "new"}


@pytest.mark.django_db
def test_a_used_up_budget_delays_politely(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(name="read", calls=4, per=timedelta(minutes=10))
    monkeypatch.setattr(
        FeedConnector, "capabilities", Capabilities(max_length=500, poll=True, budgets=(budget,))
    )
    channel = make_channel()
    feed.items = [1, 2, 3, 4, 5]
    poll(one_lease())
    channel.refresh_from_db()
    # Two at once, one of them kept for what is more important; the rest comes later, from where it was.
    assert (stored(), channel.cursor, channel.failures) == ([1, 2], {"after": 2}, 0)
    assert channel.poll_lease_until is None
    assert channel.next_poll_at is not None
    assert timedelta(minutes=4) < channel.next_poll_at - timezone.now() < timedelta(minutes=6)


@pytest.mark.django_db
def test_beside_a_push_that_works_it_polls_more_slowly(feed: Feed) -> None:
    channel = make_channel(pushed_at=timezone.now())

    def pause_s() -> float:
        Channel.objects.update(next_poll_at=None)
        poll(one_lease())
        channel.refresh_from_db()
        assert channel.next_poll_at is not None
        return (channel.next_poll_at - timezone.now()).total_seconds()

    assert 50 < pause_s() < 61
    feed.items = [1]
    assert pause_s() < 16, "what the push did not bring brings the usual pace back"
    assert pause_s() > 50
    Channel.objects.update(pushed_at=timezone.now() - timedelta(hours=1))
    assert pause_s() < 16
    Channel.objects.update(streamed=True, stream_lease_until=timezone.now() + timedelta(seconds=20))
    assert pause_s() > 50
    Channel.objects.update(stream_lease_until=None)
    assert pause_s() < 16


@pytest.mark.django_db
def test_what_only_polling_found_is_marked_until_a_push_brings_it(feed: Feed) -> None:
    channel = make_channel()
    feed.items = [1]
    poll(one_lease())
    assert not RawEvent.objects.filter(only_polled=True).exists(), "nothing was pushed yet"
    item = RawItem("post", {"n": 9}, key="9")
    store_raw(channel_id=channel.id, items=[item], via=Via.WEBHOOK)
    feed.items = [1, 2, 3]
    Channel.objects.update(next_poll_at=None)
    poll(one_lease())
    found = RawEvent.objects.filter(only_polled=True)
    assert sorted(found.values_list("dedupe_key", flat=True)) == ["2", "3"]
    store_raw(channel_id=channel.id, items=[RawItem("post", {"n": 3}, key="3")], via=Via.STREAM)
    assert list(found.values_list("dedupe_key", flat=True)) == ["2"]


@pytest.mark.django_db(transaction=True)
def test_a_listener_survives_the_loss_of_its_connections(feed: Feed) -> None:
    for _ in range(3):
        make_channel()
    feed.items = [1]
    seen = threading.Semaphore(0)
    feed.during = seen.release
    listener = Listener(concurrency=2)
    thread = threading.Thread(target=listener.run)
    thread.start()
    try:
        for _ in range(3):
            assert seen.acquire(timeout=20)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        Channel.objects.update(next_poll_at=None)
        for _ in range(3):
            assert seen.acquire(timeout=20)
    finally:
        listener.stop()
        thread.join(20)
        connections.close_all()
    assert not thread.is_alive()
    assert not Channel.objects.filter(poll_lease_until__isnull=False).exists()
