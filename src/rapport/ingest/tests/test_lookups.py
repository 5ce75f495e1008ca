"""What a network only told of: stored and acknowledged at once, looked up later, read then."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.brands.models import Channel, ChannelState
from rapport.inbox.tests.making import make_brand, make_channel
from rapport.ingest import lookups
from rapport.ingest.actions import store_raw
from rapport.ingest.models import RawEvent, Via
from rapport.ingest.process import process_channel
from rapport.networks import registry
from rapport.networks.base import Capabilities, Connector, Event, Polled, Profile, RawItem
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

pytestmark = pytest.mark.django_db


class TellingConnector(Connector):
    """Tells ids; the words are had for a call."""

    network = "telling"
    label = "Telling"
    capabilities = Capabilities(max_length=500, poll=True, webhook=True)
    asked: ClassVar[list[int]] = []
    failing: ClassVar[dict[int, Exception]] = {}

    def check(self) -> Profile:
        return Profile(external_id="x", handle="x")

    def poll(self, cursor: Any) -> Polled:
        return Polled(items=[], cursor={})

    def look_up(self, kind: str, payload: Any) -> Any:
        self.asked.append(payload["n"])
        if payload["n"] in self.failing:
            raise self.failing[payload["n"]]
        return {**payload, "said": f"words {payload['n']}"}

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        payload["said"]
        return []


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Channel:
    monkeypatch.setattr(registry, "connectors", lambda: {"telling": TellingConnector})
    TellingConnector.asked, TellingConnector.failing = [], {}
    return make_channel(make_brand(), network="telling")


def _tell(channel: Channel, *numbers: int) -> None:
    items = [RawItem("told", {"n": n}, key=str(n), look_up=True) for n in numbers]
    store_raw(channel_id=channel.id, items=items, via=Via.WEBHOOK)


def _jobs() -> int:
    return ProcrastinateJob.objects.filter(task_name=lookups.TASK, status="todo").count()


def _states() -> dict[int, str]:
    return {row.payload["n"]: row.state for row in RawEvent.objects.all()}


def test_it_is_stored_without_a_call_and_looked_up_by_a_job(channel: Channel) -> None:
    _tell(channel, 1, 2)
    _tell(channel, 2)
    assert (TellingConnector.asked, _jobs(), _states()) == ([], 1, {1: "lookup", 2: "lookup"})
    process_channel(channel.id)
    assert _states() == {1: "lookup", 2: "lookup"}
    lookups.take(channel_id=channel.id)
    assert TellingConnector.asked == [1, 2]
    assert [row.payload["said"] for row in RawEvent.objects.order_by("id")] == ["words 1", "words 2"]
    process_channel(channel.id)
    assert _states() == {1: "ignored", 2: "ignored"}


def test_a_network_that_is_away_is_asked_again_later_and_nothing_is_lost(channel: Channel) -> None:
    _tell(channel, 1, 2)
    ProcrastinateJob.objects.all().delete()  # the one that runs now
    TellingConnector.failing = {1: TryAgain("away")}
    lookups.take(channel_id=channel.id)
    assert (TellingConnector.asked, _states(), _jobs()) == ([1], {1: "lookup", 2: "lookup"}, 1)
    channel.refresh_from_db()
    assert channel.last_error == "away"
    assert ProcrastinateJob.objects.get(task_name=lookups.TASK).scheduled_at is not None
    TellingConnector.failing = {}
    lookups.take(channel_id=channel.id)
    assert _states() == {1: "pending", 2: "pending"}


@pytest.mark.parametrize("error", [Refused("It is gone."), ZeroDivisionError()], ids=["refused", "a mistake"])
def test_what_cannot_be_looked_up_is_parked_and_holds_up_nothing(channel: Channel, error: Exception) -> None:
    _tell(channel, 1, 2)
    TellingConnector.failing = {1: error}
    lookups.take(channel_id=channel.id)
    assert _states() == {1: "parked", 2: "pending"}
    assert RawEvent.objects.get(state="parked").error


def test_a_channel_that_cannot_be_called_keeps_them_until_it_can(channel: Channel) -> None:
    _tell(channel, 1)
    gone: NetworkError = CredentialsGone("withdrawn")
    TellingConnector.failing = {1: gone}
    lookups.take(channel_id=channel.id)
    ProcrastinateJob.objects.all().delete()
    RawEvent.objects.update(received_at="2026-01-01T00:00:00Z")
    assert Channel.objects.get().state == ChannelState.DISCONNECTED
    assert lookups.sweep() == 0
    Channel.objects.update(state=ChannelState.ACTIVE)
    assert lookups.sweep() == 1
    TellingConnector.failing = {}
    lookups.take(channel_id=channel.id)
    assert _states() == {1: "pending"}


def test_more_than_one_job_does_is_gone_on_with(channel: Channel) -> None:
    _tell(channel, *range(lookups.AT_ONCE + 1))
    ProcrastinateJob.objects.all().delete()
    lookups.take(channel_id=channel.id)
    assert (len(TellingConnector.asked), _jobs()) == (lookups.AT_ONCE, 1)
