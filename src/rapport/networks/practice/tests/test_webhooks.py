"""Webhook delivery to a real HTTP server that checks with the real connector."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from django.utils import timezone

from rapport.networks.base import Account as ChannelAccount
from rapport.networks.base import Delivery, RawItem
from rapport.networks.practice import actions, webhooks
from rapport.networks.practice.accounts import set_chaos, subscribe
from rapport.networks.practice.actions import Draft
from rapport.networks.practice.connector import PracticeConnector
from rapport.networks.practice.models import Account, StreamEvent, WebhookDelivery
from rapport.networks.practice.tests.conftest import SECRET

State = WebhookDelivery.State


class Subscriber:
    """An HTTP server that takes deliveries as Rapport does. ``status`` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.items: list[list[RawItem]] = []
        self.arrived: queue.Queue[int] = queue.Queue()  # how many events each request brought
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                connector = PracticeConnector(
                    ChannelAccount(
                        external_id="1", handle="x", credentials={"webhook_secret": SECRET}, settings={}
                    )
                )
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = connector.receive(Delivery(method="POST", headers=headers, body=body))
                if outer.status < 300:
                    outer.items.append(list(received.items))
                    outer.arrived.put(len(received.items))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/practice/1"

    @property
    def keys(self) -> list[str]:
        return [item.dedupe_key() for request in self.items for item in request]


@pytest.fixture
def subscriber(company: Account) -> Iterator[Subscriber]:
    made = Subscriber()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    subscribe(account=company, url=made.url, secret=SECRET)
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with webhooks.webhook_client() as made:
        yield made


def posts(customer: Account, count: int) -> None:
    actions.publish_many([Draft(author=customer, text=f"@alvara_help {n}") for n in range(count)])


def stream_keys() -> list[str]:
    return [f"evt-{pk}" for pk in StreamEvent.objects.order_by("pk").values_list("pk", flat=True)]


def test_it_delivers_everything_signed_in_order_and_once(
    subscriber: Subscriber, customer: Account, client: httpx.Client
) -> None:
    posts(customer, 120)
    assert webhooks.deliver_due(client=client) == 121  # and the ping
    assert [len(request) for request in subscriber.items] == [50, 50, 21]
    assert subscriber.keys == stream_keys()
    assert webhooks.deliver_due(client=client) == 0
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.DELIVERED}


def test_what_is_not_taken_is_sent_again_later(
    subscriber: Subscriber, customer: Account, client: httpx.Client
) -> None:
    posts(customer, 1)
    subscriber.status = 503
    webhooks.deliver_due(client=client)
    row = WebhookDelivery.objects.order_by("-pk")[0]
    assert (row.state, row.attempts, row.last_error) == (State.PENDING, 1, "status 503")
    assert row.not_before > timezone.now()
    assert webhooks.deliver_due(client=client) == 0
    subscriber.status = 200
    WebhookDelivery.objects.update(not_before=timezone.now())
    webhooks.deliver_due(client=client)
    assert subscriber.keys == stream_keys()


def test_a_sender_that_died_delays_and_loses_nothing(
    subscriber: Subscriber, customer: Account, client: httpx.Client
) -> None:
    posts(customer, 3)
    assert len(webhooks._claim()) == 4  # claimed, and never heard of again
    assert webhooks.deliver_due(client=client) == 0
    WebhookDelivery.objects.update(not_before=timezone.now())  # the lease runs out
    webhooks.deliver_due(client=client)
    assert subscriber.keys == stream_keys()


def test_it_gives_up_after_many_tries_and_the_stream_still_has_it(
    subscriber: Subscriber, customer: Account, client: httpx.Client
) -> None:
    posts(customer, 1)
    subscriber.status = 500
    WebhookDelivery.objects.update(attempts=webhooks.MAX_ATTEMPTS - 1)
    webhooks.deliver_due(client=client)
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.ABANDONED}
    assert StreamEvent.objects.filter(kind="post.created").count() == 1


def test_backoff_grows_and_stays_bounded() -> None:
    waits = [webhooks.backoff(attempts) for attempts in range(1, 20)]
    assert waits[:4] == [timedelta(seconds=s) for s in (1, 2, 4, 8)]
    assert max(waits) == timedelta(minutes=30)


def test_chaos_repeats_and_shuffles_and_loses_nothing(
    subscriber: Subscriber, customer: Account, client: httpx.Client
) -> None:
    set_chaos(duplicate_rate=1.0, reorder_rate=1.0)
    posts(customer, 40)
    webhooks.deliver_due(client=client)
    assert sorted(subscriber.keys) == sorted(stream_keys() * 2)
    assert subscriber.keys[:41] != stream_keys()


def test_in_an_outage_nothing_leaves(subscriber: Subscriber, customer: Account, client: httpx.Client) -> None:
    posts(customer, 1)
    set_chaos(outage=True)
    assert webhooks.deliver_due(client=client) == 0
    set_chaos(outage=False)
    assert webhooks.deliver_due(client=client) == 2


def test_a_subscriber_that_is_away_is_not_an_error(
    company: Account, customer: Account, client: httpx.Client
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{held.getsockname()[1]}/hooks"
        subscribe(account=company, url=url, secret=SECRET)
        posts(customer, 1)
        webhooks.deliver_due(client=client)
    assert set(WebhookDelivery.objects.values_list("last_error", flat=True)) == {"ConnectError"}


def test_old_deliveries_are_forgotten(
    subscriber: Subscriber, customer: Account, client: httpx.Client
) -> None:
    posts(customer, 1)
    webhooks.deliver_due(client=client)
    assert webhooks.prune() == 0
    WebhookDelivery.objects.update(done_at=timezone.now() - webhooks.KEEP_DONE - timedelta(seconds=1))
    assert webhooks.prune() == 2
    assert StreamEvent.objects.count() == 2


def test_the_loop_wakes_for_a_new_post_and_stops_when_told(subscriber: Subscriber, customer: Account) -> None:
    stop = threading.Event()
    loop = threading.Thread(target=webhooks.deliver_webhooks, kwargs={"stop": stop.is_set, "idle_s": 30.0})
    loop.start()
    try:
        assert subscriber.arrived.get(timeout=10) == 1  # the ping
        for _ in range(3):
            posts(customer, 1)
            assert subscriber.arrived.get(timeout=10) == 1  # far sooner than the idle time: it was woken
    finally:
        stop.set()
        posts(customer, 1)  # wakes it once more
        loop.join(10)
    assert not loop.is_alive()
