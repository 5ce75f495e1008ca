"""Replies leave in order, and always say why they wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.brands import health
from rapport.brands.models import Channel
from rapport.inbox.models import Case, CaseEvent, Message, Turn
from rapport.inbox.tests.making import make_contact, say
from rapport.networks import registry
from rapport.outbox.actions import retry_reply, undo_reply
from rapport.outbox.delivery import sweep
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import StrictConnector
from rapport.outbox.tests.world import World, drop_jobs, time_passes


def test_an_answer_that_cannot_be_kept_ends_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be asked for every minute for ever, and the case's next reply would wait for it."""
    send = StrictConnector.send
    monkeypatch.setattr(
        StrictConnector,
        "send",
        lambda self, message: replace(
            send(self, message), sent_at=datetime.fromisoformat("2026-01-01T12:00")
        ),
    )
    first, second = world.reply("One."), world.reply("Two.")
    time_passes()
    world.deliver(first)
    assert (first.state, first.doubtful) == ("failed", True)
    assert "without a zone" in first.error
    monkeypatch.undo()
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": StrictConnector})
    assert world.deliver(second).state == "sent"
    # Once the connector is mended, a retry finds what was posted.
    retry_reply(actor=world.agent, outgoing_id=first.id)
    time_passes()
    assert world.deliver(first).state == "sent"
    assert world.side.texts() == ["One. ^MK", "Two. ^MK"]


def test_it_sends_and_records(world: World) -> None:
    outgoing = world.reply("On its way.", close_after=True)
    time_passes()
    world.deliver(outgoing)
    assert outgoing.state == "sent"
    assert world.side.texts() == ["On its way. ^MK"]
    sent = world.side.posts[0]
    assert sent.parent_id == world.asked.external_id
    assert sent.recipient_id == world.ana.external_id
    message = Message.objects.get(own=True)
    assert outgoing.message == message
    assert (message.user, message.thread_id, message.text) == (
        world.agent,
        world.asked.thread_id,
        "On its way. ^MK",
    )
    world.case.refresh_from_db()
    assert world.case.waiting_since is None
    assert (world.case.status, world.case.close_reason) == ("closed", "answered")
    assert Turn.objects.get().user == world.agent
    event = CaseEvent.objects.get(kind="replied")
    assert (event.at, event.actor, event.message) == (outgoing.sent_at, world.agent, message)
    assert AuditEntry.objects.filter(action="outgoing.sent", object_id=str(outgoing.id)).count() == 1
    world.deliver(outgoing)
    assert len(world.side.calls) == 1


def test_it_does_nothing_before_its_time(world: World) -> None:
    outgoing = world.reply()
    Outgoing.objects.update(not_before=timezone.now() + timedelta(minutes=1))
    assert world.deliver(outgoing).state == "queued"
    assert world.side.calls == []


def test_it_never_sends_what_was_undone(world: World) -> None:
    outgoing = world.reply()
    undo_reply(actor=world.agent, outgoing_id=outgoing.id)
    time_passes()
    assert world.deliver(outgoing).state == "cancelled"
    assert world.side.calls == []


def test_it_waits_and_says_why(world: World) -> None:
    outgoing = world.reply()
    time_passes()
    world.deliver(outgoing, "down")
    assert (outgoing.state, outgoing.doubtful, outgoing.attempts) == ("queued", False, 1)
    assert outgoing.error == "The network cannot be reached."
    assert timezone.now() < outgoing.not_before < timezone.now() + timedelta(seconds=3)
    channel = Channel.objects.get()
    assert (channel.failures, channel.last_error) == (1, "The network cannot be reached.")
    time_passes()
    world.deliver(outgoing)
    assert (outgoing.state, outgoing.error) == ("sent", "")
    assert [call for call, _key in world.side.calls] == ["send", "send"]
    assert Channel.objects.get().failures == 0


def test_it_keeps_to_the_wait_the_network_asks_for(world: World) -> None:
    outgoing = world.reply()
    time_passes()
    world.deliver(outgoing, "busy")
    assert timezone.now() + timedelta(minutes=6) < outgoing.not_before
    other = make_contact(world.channel, "Boris")
    say(world.channel, other, minutes=1)
    world.case = Case.objects.get(contact=other.contact)
    second = world.reply()
    Outgoing.objects.filter(id=second.id).update(not_before=timezone.now() - timedelta(days=1))
    world.deliver(second)
    # The wish paces every call of the channel, and costs no attempt.
    assert (second.state, second.attempts) == ("queued", 0)
    assert second.not_before > timezone.now() + timedelta(minutes=6)
    assert second.error


def test_it_gives_up_after_the_set_number_of_attempts(world: World, settings: Any) -> None:
    settings.RAPPORT_SEND_ATTEMPTS = 3
    outgoing = world.reply()
    for _ in range(5):
        time_passes()
        world.deliver(outgoing, "down")
    assert (outgoing.state, outgoing.attempts) == ("failed", 3)
    assert outgoing.error == "The network cannot be reached."
    assert len(world.side.calls) == 3
    retry_reply(actor=world.agent, outgoing_id=outgoing.id)
    time_passes()
    assert world.deliver(outgoing).state == "sent"
    assert len(world.side.posts) == 1


def test_it_stops_at_a_refusal(world: World) -> None:
    outgoing = world.reply()
    time_passes()
    world.deliver(outgoing, "refuse")
    assert (outgoing.state, outgoing.error) == ("failed", "The post you answer was deleted.")
    assert AuditEntry.objects.filter(action="outgoing.failed").count() == 1
    # A refused message says nothing about the channel.
    assert Channel.objects.get().failures == 0


def test_it_disconnects_the_channel_whose_credentials_are_gone(world: World) -> None:
    outgoing = world.reply()
    second = world.reply("And another thing.")
    time_passes()
    world.deliver(outgoing, "gone")
    assert outgoing.state == "failed"
    channel = Channel.objects.get()
    assert (channel.state, channel.last_error) == ("disconnected", "The token was revoked.")
    world.deliver(second)
    assert second.state == "failed"
    assert "disconnected" in second.error
    assert len(world.side.calls) == 1


def test_it_holds_replies_of_a_paused_channel(world: World) -> None:
    outgoing = world.reply()
    time_passes()
    Channel.objects.update(state="paused")
    world.deliver(outgoing)
    assert (outgoing.state, outgoing.attempts) == ("queued", 0)
    assert "paused" in outgoing.error
    Channel.objects.update(state="active")
    time_passes()
    assert world.deliver(outgoing).state == "sent"


def test_it_keeps_replies_of_a_case_in_order(world: World) -> None:
    first, second = world.reply("First."), world.reply("Second.")
    time_passes()
    world.deliver(second)
    assert (second.state, world.side.calls) == ("queued", [])
    drop_jobs()
    world.deliver(first, "down")
    world.deliver(second)
    assert second.state == "queued"
    time_passes()
    drop_jobs()
    world.deliver(first)
    # The one that waited is asked for as soon as the first has left.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args ->> 'outgoing_id')::bigint FROM procrastinate_jobs WHERE status = 'todo'"
        )
        assert cursor.fetchall() == [(second.id,)]
    world.deliver(second)
    assert world.side.texts() == ["First. ^MK", "Second. ^MK"]


def test_a_failed_reply_does_not_hold_the_next(world: World) -> None:
    first, second = world.reply("First."), world.reply("Second.")
    time_passes()
    world.deliver(first, "refuse")
    assert world.deliver(second).state == "sent"


def test_it_does_not_close_a_case_whose_customer_wrote_again(world: World) -> None:
    outgoing = world.reply(close_after=True)
    time_passes()
    say(world.channel, world.ana, "Hello?", minutes=600, to=world.asked)
    world.deliver(outgoing)
    world.case.refresh_from_db()
    assert outgoing.state == "sent"
    assert world.case.status == "open"


def test_sweep_asks_again_for_what_nobody_will_deliver(world: World) -> None:
    due, next_in_case = world.reply("First."), world.reply("Second.")
    drop_jobs()
    Outgoing.objects.update(not_before=timezone.now() + timedelta(minutes=1))
    assert sweep() == 0
    time_passes()
    assert sweep() == 1
    assert sweep() == 0  # its job waits
    drop_jobs()
    world.deliver(due, "killed_after")
    assert sweep() == 0  # somebody may be at it
    time_passes()
    assert sweep() == 1
    world.deliver(due)
    drop_jobs()
    assert sweep() == 1
    world.deliver(next_in_case)
    drop_jobs()
    assert sweep() == 0
    assert world.side.texts() == ["First. ^MK", "Second. ^MK"]


def test_the_breaker_opens_and_lets_one_probe_through(world: World) -> None:
    for _ in range(health.THRESHOLD):
        health.failed(channel_id=world.channel.id, reason="down")
    outgoing = world.reply()
    Outgoing.objects.update(not_before=timezone.now() - timedelta(days=1))
    world.deliver(outgoing)
    assert (outgoing.state, outgoing.attempts, world.side.calls) == ("queued", 0, [])
    time_passes()
    assert health.admit(channel_id=world.channel.id) is None
    assert health.admit(channel_id=world.channel.id) is not None
    health.succeeded(channel_id=world.channel.id)
    assert health.admit(channel_id=world.channel.id) is None
