"""No reply leaves twice: who doubts asks first, and only one worker sends."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from rapport.inbox.models import CaseEvent, Message, Turn
from rapport.ingest.record import lock_channel, record_events
from rapport.networks import registry
from rapport.networks.base import Author, MessageSeen
from rapport.outbox.actions import retry_reply
from rapport.outbox.delivery import deliver
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import Behaviour, StrictConnector
from rapport.outbox.tests.world import World, time_passes


@pytest.mark.parametrize("honours_keys", [True, False])
@pytest.mark.parametrize("behaviour", ["lost_after", "bug_after", "killed_after"])
def test_it_asks_before_it_repeats_and_finds_the_post(
    world: World, behaviour: Behaviour, honours_keys: bool
) -> None:
    world.side.honours_keys = honours_keys
    outgoing = world.reply()
    time_passes()
    world.deliver(outgoing, behaviour)
    assert outgoing.state == ("sending" if behaviour == "killed_after" else "queued")
    time_passes()
    world.deliver(outgoing)
    assert outgoing.state == "sent"
    assert len(world.side.posts) == 1
    assert [call for call, _key in world.side.calls] == ["send", "find"]
    assert Message.objects.filter(own=True).count() == 1


@pytest.mark.parametrize("behaviour", ["lost_before", "bug_before", "killed_before"])
def test_it_asks_before_it_repeats_and_sends_when_nothing_was_posted(
    world: World, behaviour: Behaviour
) -> None:
    outgoing = world.reply()
    time_passes()
    world.deliver(outgoing, behaviour)
    time_passes()
    world.deliver(outgoing)
    assert outgoing.state == "sent"
    assert len(world.side.posts) == 1
    assert [call for call, _key in world.side.calls] == ["send", "find", "send"]


def test_a_doubt_outlives_a_failure_and_a_retry(world: World, settings: Any) -> None:
    settings.RAPPORT_SEND_ATTEMPTS = 2
    outgoing = world.reply()
    time_passes()
    world.deliver(outgoing, "lost_after")
    time_passes()
    world.deliver(outgoing, "down")
    assert (outgoing.state, outgoing.doubtful) == ("failed", True)
    retry_reply(actor=world.agent, outgoing_id=outgoing.id)
    time_passes()
    assert world.deliver(outgoing).state == "sent"
    assert len(world.side.posts) == 1


def test_it_links_an_echo_that_came_first(world: World) -> None:
    outgoing = world.reply()
    time_passes()
    now = timezone.now()

    def echo() -> None:
        with transaction.atomic():
            lock_channel(world.channel.id)
            seen = MessageSeen(
                external_id="post-0",
                author=Author(external_id=world.channel.external_id, handle="@aero"),
                text=outgoing.text,
                sent_at=now,
                parent_id=world.asked.external_id,
                client_ref=str(outgoing.idempotency_key),
            )
            record_events(channel=world.channel, events=[(seen, now)])

    world.side.during = echo
    world.deliver(outgoing)
    message = Message.objects.get(own=True)
    assert outgoing.message == message
    assert message.user == world.agent
    assert Turn.objects.get().user == world.agent
    assert CaseEvent.objects.filter(kind="replied").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_reply_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": StrictConnector})
    world = World()
    outgoing = world.reply()
    time_passes()
    inside, go = threading.Event(), threading.Event()

    def during() -> None:
        inside.set()
        assert go.wait(10)

    world.side.during = during

    def work() -> None:
        deliver(outgoing_id=outgoing.id)
        connections.close_all()

    first = threading.Thread(target=work)
    first.start()
    assert inside.wait(10)
    # The first is inside the network's call: nothing is locked, and the second stands back.
    deliver(outgoing_id=outgoing.id)
    with transaction.atomic():
        Outgoing.objects.select_for_update(nowait=True).get(id=outgoing.id)
    assert len(world.side.calls) == 1
    go.set()
    first.join(10)
    outgoing.refresh_from_db()
    assert outgoing.state == "sent"
    assert len(world.side.posts) == 1


@pytest.mark.django_db(transaction=True)
def test_a_late_worker_cannot_undo_what_its_successor_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": StrictConnector})
    world = World()
    outgoing = world.reply()
    time_passes()
    inside, go = threading.Event(), threading.Event()

    def during() -> None:
        world.side.during = lambda: None
        inside.set()
        assert go.wait(10)
        world.side.behaviour = "refuse"

    world.side.during = during

    def work() -> None:
        deliver(outgoing_id=outgoing.id)
        connections.close_all()

    late = threading.Thread(target=work)
    late.start()
    assert inside.wait(10)
    time_passes()  # its lease runs out
    world.deliver(outgoing)
    assert outgoing.state == "sent"
    go.set()
    late.join(10)
    outgoing.refresh_from_db()
    assert outgoing.state == "sent"
    assert len(world.side.posts) == 1
