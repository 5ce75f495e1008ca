"""A call that takes longer than a lease: nobody else takes the reply meanwhile, and it is posted once."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from rapport.networks import registry
from rapport.outbox import delivery, keeping
from rapport.outbox.delivery import deliver, sweep
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import StrictConnector
from rapport.outbox.tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": StrictConnector})
    # A minute's story in seconds.
    for module in (delivery, keeping):
        monkeypatch.setattr(module, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(delivery, "ROOM", timedelta(0))
    monkeypatch.setattr(keeping, "KEEP_S", 0.2)
    return World()


def taken_over_after(world: World, outgoing: Outgoing, seconds: float) -> None:
    """While the network works, another worker looks for what is left lying."""

    def other() -> None:
        try:
            sweep()
            deliver(outgoing_id=outgoing.id)
        finally:
            connections.close_all()

    def during() -> None:
        world.side.during = lambda: None
        time.sleep(seconds)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    world.side.during = during


def test_a_long_call_keeps_its_reply(world: World) -> None:
    outgoing = world.reply()
    taken_over_after(world, outgoing, 2.5)
    world.deliver(outgoing)
    assert (outgoing.state, outgoing.attempts, outgoing.lease_until) == ("sent", 1, None)
    assert [call for call, _ in world.side.calls] == ["send"]


def test_a_failure_after_a_long_call_is_recorded(world: World) -> None:
    outgoing = world.reply()
    world.side.during = lambda: time.sleep(1.5)
    world.deliver(outgoing, "busy")
    assert (outgoing.state, outgoing.lease_until) == ("queued", None)
    assert "Too many" in outgoing.error


def test_a_call_that_never_ends_loses_its_reply(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LONGEST_S", 0.4)
    outgoing = world.reply()
    taken_over_after(world, outgoing, 2.5)
    world.deliver(outgoing)
    # The other worker asked first whether it was posted, and posted it.
    assert [call for call, _ in world.side.calls][:2] == ["send", "find"]


def test_after_a_doubt_a_network_gets_the_time_it_needs_to_know_its_own_posts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    can = replace(StrictConnector.capabilities, find_lag=timedelta(seconds=30))
    monkeypatch.setattr(StrictConnector, "capabilities", can)
    outgoing = world.reply()
    world.deliver(outgoing, "lost_after")
    assert outgoing.not_before > timezone.now() + timedelta(seconds=25)
    clear = world.reply("The next one.")
    Outgoing.objects.filter(id=outgoing.id).update(state="cancelled")
    world.deliver(clear, "lost_before")
    assert clear.not_before > timezone.now() + timedelta(seconds=25)
