"""Posts handed on through a real NATS server: stored once, by whoever is there, whatever breaks in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connections

from rapport.inbox.tests.making import make_brand
from rapport.mentions.models import Post, Source
from rapport.mentions.sharing import Shared
from rapport.mentions.sources.base import NotShared
from rapport.mentions.sources.nats_stream import PARTITIONS, NatsStream, place_in
from rapport.mentions.tests.making import heard, make_query
from rapport.mentions.tests.nats_server import NatsServer, needed
from rapport.mentions.tests.test_listeners import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("nats")]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer(needed()) as running:
        yield running


@contextmanager
def stream_of(server: NatsServer, name: str) -> Iterator[NatsStream]:
    stream = NatsStream(f"{server.url}/{name}")
    try:
        yield stream
    finally:
        stream.close()


@contextmanager
def reading(stream: NatsStream) -> Iterator[Shared]:
    found = Shared(stream)

    def run() -> None:
        try:
            found.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield found
    finally:
        found.stop()
        thread.join(30)
    assert not thread.is_alive()


def count() -> int:
    return Post.objects.count()


def test_what_one_hands_on_others_store_once(server: NatsServer) -> None:
    make_query(make_brand(), "aero")
    source = Source.objects.create(kind="file", name="a file")
    some = [heard(str(number), f"aero {number}") for number in range(200)]
    with stream_of(server, "first") as stream, stream_of(server, "first") as other:
        stream.publish(source.pk, some[:120])
        stream.publish(source.pk, some[:120])  # by a reader that died before it saved its place
        with reading(other), reading(stream):
            stream.publish(source.pk, some[100:])
            eventually(lambda: count() == 200, "all are stored")
            eventually(lambda: stream.left() == 0, "all are acknowledged")
    assert Post.objects.filter(source=source).count() == 200


def test_what_a_dead_reader_had_taken_comes_at_once(server: NatsServer) -> None:
    make_query(make_brand(), "aero")
    source = Source.objects.create(kind="file", name="a file")
    with stream_of(server, "second") as dead, stream_of(server, "second") as alive:
        dead.publish(source.pk, [heard(str(number), "aero") for number in range(50)])
        for partition in range(PARTITIONS):
            dead.begin(partition)
        taken = 0
        while taken < dead.left():
            taken += sum(len(some) for some in dead.take(within_s=1).values())
        # It has everything and acknowledged nothing.
        with reading(alive):
            eventually(lambda: count() == 50, "taken over")
            eventually(lambda: alive.left() == 0, "acknowledged")


def test_a_very_long_post_stops_nothing(server: NatsServer) -> None:
    make_query(make_brand(), "aero")
    source = Source.objects.create(kind="file", name="a file")
    some = [heard("1", "aero"), heard("2", "aero " + "😀" * 99_000), heard("3", "aero " * 400_000)]
    with stream_of(server, "long") as stream, reading(stream):
        stream.publish(source.pk, some)
        eventually(lambda: count() == 2, "what fits is stored")
    assert set(Post.objects.values_list("external_id", flat=True)) == {"1", "2"}


def test_partitions_are_shared_evenly_and_given_up(server: NatsServer) -> None:
    with stream_of(server, "third") as one, stream_of(server, "third") as two, reading(one) as first:
        eventually(lambda: len(first._held) == PARTITIONS, "alone it has all")
        with reading(two) as second:
            eventually(lambda: len(first._held) == len(second._held) == PARTITIONS // 2, "half")
        eventually(lambda: len(first._held) == PARTITIONS, "all again")


def test_an_outage_of_the_server_loses_nothing() -> None:
    make_query(make_brand(), "aero")
    source = Source.objects.create(kind="file", name="a file")
    with NatsServer(needed()) as server, stream_of(server, "fourth") as stream, reading(stream):
        stream.publish(source.pk, [heard("1", "aero")])
        eventually(lambda: count() == 1, "stored")
        server.stop()
        with pytest.raises(NotShared):
            stream.publish(source.pk, [heard("2", "aero")])
        server.start()

        def again() -> bool:
            try:
                stream.publish(source.pk, [heard("2", "aero")])
            except NotShared:
                return False
            return True

        eventually(again, "the server is back", within_s=60)
        eventually(lambda: count() == 2, "stored after the outage", within_s=60)


@pytest.mark.parametrize("url", ["http://host", "nats://", "nats://host/two/names", "nats://host/na.me"])
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(ValueError, match="NATS"):
        place_in(url)


def test_an_address_names_server_and_stream() -> None:
    assert place_in("nats://u:p@host:4222/care") == ("nats://u:p@host:4222", "care")
    assert place_in("tls://host") == ("tls://host", "rapport")
