"""Replies keep to the network's budget, the urgent first, and outlive credentials that end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from rapport.brands.models import Channel
from rapport.inbox.models import Case, Priority
from rapport.inbox.tests.making import make_contact, say
from rapport.networks import registry
from rapport.networks.base import Budget, Capabilities, Renewed
from rapport.outbox.actions import reply
from rapport.outbox.delivery import deliver
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import StrictConnector
from rapport.outbox.tests.world import World, time_passes


class PacedConnector(StrictConnector):
    """Ten posts in ten minutes: five at once."""

    capabilities = Capabilities(
        max_length=500, budgets=(Budget(name="write", calls=10, per=timedelta(minutes=10)),)
    )


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": PacedConnector})
    return World()


def replies(world: World, count: int, *, urgent: tuple[int, ...] = ()) -> list[Outgoing]:
    """One reply to each of ``count`` customers."""
    made = []
    for number in range(count):
        asked = say(world.channel, make_contact(world.channel, f"c{number}"), f"Question {number}")
        case = Case.objects.get(case_threads__thread=asked.thread_id)
        if number in urgent:
            Case.objects.filter(id=case.id).update(priority=Priority.URGENT)
        made.append(
            reply(
                actor=world.agent, case_id=case.id, text=f"Answer {number}", visibility="public",
                in_reply_to_id=None, form_key=uuid4(), close_after=False,
            )
        )  # fmt: skip
    time_passes()
    return made


def test_a_busy_hour_delays_and_says_why(world: World) -> None:
    made = replies(world, 8)
    for outgoing in made:
        deliver(outgoing_id=outgoing.id)
    states = []
    for outgoing in made:
        outgoing.refresh_from_db()
        states.append(outgoing.state)
    # Of the five at once one is kept for what is urgent.
    assert states == ["sent"] * 4 + ["queued"] * 4
    held = made[4:]
    assert all("only so many calls" in outgoing.error for outgoing in held)
    assert all(outgoing.attempts == 0 for outgoing in held)
    # They are told different times, so that they do not all come back at once.
    times = [outgoing.not_before for outgoing in held]
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(minutes=2)


def test_urgent_replies_go_first(world: World) -> None:
    made = replies(world, 9, urgent=(7, 8))
    for outgoing in made:
        deliver(outgoing_id=outgoing.id)
    assert world.side.texts() == [
        "Answer 0 ^MK", "Answer 1 ^MK", "Answer 7 ^MK", "Answer 8 ^MK",
    ]  # fmt: skip


def test_a_reply_meets_ended_credentials_and_leaves_with_new_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renew(self: StrictConnector) -> Renewed:
        world.side.behaviour = "ok"
        return Renewed(credentials={"token": "new"})

    monkeypatch.setattr(PacedConnector, "renew", renew)
    outgoing = world.reply()
    time_passes()
    assert world.deliver(outgoing, "gone").state == "sent"
    channel: Any = Channel.objects.get(id=world.channel.id)
    assert (channel.state, channel.credentials) == ("active", {"token": "new"})
    assert len(world.side.texts()) == 1
