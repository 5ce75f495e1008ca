"""From raw events to messages: nothing lost, the bad one parked alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection, connections, transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.brands.models import Brand, Channel
from rapport.inbox.models import Case, Message
from rapport.ingest import process
from rapport.ingest.actions import replay, store_raw
from rapport.ingest.models import RawEvent
from rapport.ingest.process import process_channel, process_pending
from rapport.ingest.queries import backlog, parked_events
from rapport.ingest.record import try_lock_channel
from rapport.lib.text import storable, storable_json
from rapport.networks import registry
from rapport.networks.base import (
    Account,
    Author,
    Capabilities,
    Connector,
    Event,
    Media,
    MessageSeen,
    Profile,
    RawItem,
)

NOW = datetime.now(UTC).replace(microsecond=0)


class Somewhere(Connector):
    """A network as a third party would write it."""

    network = "somewhere"
    label = "Somewhere"
    capabilities = Capabilities(max_length=500)

    def check(self) -> Profile:
        return Profile(external_id="brand", handle="@brand")

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        if kind == "like":
            return []
        return [
            MessageSeen(
                external_id=payload["id"],
                author=Author(external_id=payload["by"]),
                text=payload["text"],
                sent_at=datetime.fromisoformat(payload["at"]),
            )
        ]


@pytest.fixture
def channel(db: None, monkeypatch: pytest.MonkeyPatch) -> Channel:
    monkeypatch.setattr(registry, "connectors", lambda: {"somewhere": Somewhere})
    brand = Brand.objects.create(slug="aero", name="Aero")
    return Channel.objects.create(brand=brand, network="somewhere", external_id="brand", handle="@aero")


def post(number: int, **change: Any) -> RawItem:
    payload = {"id": f"m{number}", "by": "ana", "text": f"hello {number}", "at": NOW.isoformat()} | change
    return RawItem("post", payload)


def test_it_stores_once_and_processes_in_batches(channel: Channel) -> None:
    items = [post(n) for n in range(25)]
    assert store_raw(channel_id=channel.id, items=items) == 25
    assert store_raw(channel_id=channel.id, items=items) == 0
    assert process_pending(limit=10) == 10
    assert process_channel(channel.id) == 15
    assert process_pending() == 0
    assert Message.objects.count() == 25
    assert Case.objects.count() == 25
    assert set(RawEvent.objects.values_list("state", flat=True)) == {"done"}


def test_it_parks_what_it_cannot_read_and_replays_it(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [
        RawItem("post", {"id": "x"}),
        RawItem("post", None),
        RawItem("post", [1]),
        post(2, at="yesterday"),
        post(3, id=""),
    ]
    store_raw(
        channel_id=channel.id, items=[post(1), *bad, RawItem("like", {}), post(4, at="2026-01-01T00:00:00")]
    )
    process_channel(channel.id)
    assert Message.objects.count() == 1
    assert parked_events().count() == 6
    assert parked_events().filter(error="").count() == 0
    assert RawEvent.objects.filter(state="ignored").count() == 1
    monkeypatch.setattr(
        Somewhere,
        "parse",
        staticmethod(
            lambda kind, payload: [
                MessageSeen(external_id="fixed", author=Author(external_id="a"), text="", sent_at=NOW)
            ]
        ),
    )
    assert replay(event_ids=list(parked_events().values_list("id", flat=True))) == 6
    assert backlog().pending == 6
    process_channel(channel.id)
    assert (Message.objects.count(), backlog().parked) == (2, 0)


def test_what_is_nested_too_deeply_is_parked_and_its_neighbours_are_kept(channel: Channel) -> None:
    deep: Any = "bottom"
    for _ in range(600):
        deep = {"in": deep}
    store_raw(channel_id=channel.id, items=[RawItem("post", deep, key="deep"), post(1)])
    process_channel(channel.id)
    assert Message.objects.count() == 1
    assert "bottom" in parked_events().get().payload["nested_too_deeply"]


def test_a_row_the_database_refuses_is_parked_alone(channel: Channel) -> None:
    """A time PostgreSQL cannot hold passes every check of ours; its neighbours must not suffer."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inbox_message ADD CONSTRAINT no_poison CHECK (text <> 'poison')")
    store_raw(
        channel_id=channel.id, items=[post(n, text="poison" if n in (3, 11) else "fine") for n in range(20)]
    )
    assert process_channel(channel.id) == 20
    assert Message.objects.count() == 18
    assert sorted(e.payload["id"] for e in parked_events()) == ["m11", "m3"]


def test_a_clock_that_runs_ahead_is_set_to_arrival(channel: Channel) -> None:
    store_raw(channel_id=channel.id, items=[post(1, at=(NOW + timedelta(days=400)).isoformat())])
    process_channel(channel.id)
    assert Message.objects.get().sent_at <= datetime.now(UTC)


@pytest.mark.parametrize("year_one", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"])
def test_a_clock_that_was_never_set_is_set_to_arrival(channel: Channel, year_one: str) -> None:
    store_raw(channel_id=channel.id, items=[post(1, at=year_one)])
    process_channel(channel.id)
    assert Message.objects.get().sent_at == RawEvent.objects.get().received_at


@pytest.mark.parametrize("kind", ["im\0age", "\ud800", {1}], ids=["nul", "surrogate", "no text"])
def test_what_only_the_copy_refuses_is_parked_alone(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    plain = Somewhere.parse

    def parse(name: str, payload: Any) -> list[Event]:
        (event,) = plain("post", payload)
        assert isinstance(event, MessageSeen)
        return [
            replace(event, media=(Media(url="https://x.example", kind=kind),)) if name == "bad" else event
        ]

    monkeypatch.setattr(Somewhere, "parse", staticmethod(parse))
    store_raw(channel_id=channel.id, items=[RawItem("bad", post(1).payload), post(2)])
    assert process_pending() == 2
    assert [event.kind for event in parked_events()] == ["bad"]
    assert Message.objects.get().external_id == "m2"


def test_unreadable_credentials_keep_no_event_unread(channel: Channel) -> None:
    Channel.objects.update(credentials={"token": "old"})
    store_raw(channel_id=channel.id, items=[post(1)])
    with override_settings(RAPPORT_ENCRYPTION_KEYS=(Fernet.generate_key().decode(),)):
        assert process_pending() == 1


def test_a_channel_that_fails_does_not_hold_up_the_others(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Channel.objects.create(
        brand=channel.brand, network="somewhere", external_id="other", handle="@other"
    )
    store_raw(channel_id=channel.id, items=[post(1)])
    store_raw(channel_id=other.id, items=[post(2)])
    real = process._finish

    def finish(outcomes: list[Any]) -> None:
        if RawEvent.objects.get(id=outcomes[0].id).channel_id == channel.id:
            raise RuntimeError("only here")
        real(outcomes)

    monkeypatch.setattr(process, "_finish", finish)
    assert process_pending() == 1
    with pytest.raises(RuntimeError, match="only here"):
        process_pending()
    assert list(RawEvent.objects.filter(state="pending").values_list("channel_id", flat=True)) == [channel.id]


def test_an_unknown_network_is_parked_not_lost(channel: Channel) -> None:
    Channel.objects.update(network="removed")
    store_raw(channel_id=channel.id, items=[post(1)])
    process_channel(channel.id)
    assert "removed" in parked_events().get().error


@pytest.mark.django_db(transaction=True)
def test_a_channel_somebody_works_on_is_left_alone(channel: Channel) -> None:
    store_raw(channel_id=channel.id, items=[post(1)])
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x5241, channel.id])
        with transaction.atomic():
            assert not try_lock_channel(channel.id)
        assert process_pending() == 0
        other.rollback()
    finally:
        other.close()
    assert process_pending() == 1


nasty = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(value=nasty)
def test_it_makes_any_json_storable(value: Any) -> None:
    import json

    clean = storable_json(value)
    text = json.dumps(clean, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    assert "\0" not in text
    assert storable_json(clean) == clean


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(values=st.lists(nasty, min_size=1, max_size=8))
def test_no_payload_is_lost_or_stops_the_others(values: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(registry, "connectors", lambda: {"somewhere": Somewhere})
        brand = Brand.objects.create(slug="p", name="P")
        channel = Channel.objects.create(brand=brand, network="somewhere", external_id="brand", handle="@p")
        new = store_raw(channel_id=channel.id, items=[RawItem("post", value) for value in values] + [post(1)])
        process_channel(channel.id)
        assert RawEvent.objects.count() == new
        assert not RawEvent.objects.filter(state="pending").exists()
        assert Message.objects.filter(external_id="m1").exists()
        transaction.set_rollback(True)


def test_account_repr_holds_no_secret() -> None:
    account = Account(external_id="1", handle="@a", credentials={"token": "hush"}, settings={})
    assert "hush" not in repr(account)


def test_storable_marks_what_it_replaces() -> None:
    assert storable("a\0b\ud800c") == "a�b�c"
    assert storable("x" * 10, limit=4) == "xxx…"
