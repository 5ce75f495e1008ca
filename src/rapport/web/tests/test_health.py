"""Leads see trouble with channels on every page; everybody sees in words how each channel does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from rapport.brands.alerts import update_alerts
from rapport.brands.models import Channel
from rapport.inbox.tests.making import make_brand, make_channel, make_user
from rapport.ingest.models import RawEvent
from rapport.networks import registry
from rapport.networks.base import Budget, Capabilities
from rapport.outbox.tests.strict import StrictConnector
from rapport.staff.models import Role
from rapport.web.health_words import notes


class Budgeted(StrictConnector):
    capabilities = Capabilities(
        max_length=500, budgets=(Budget(name="read", calls=10, per=timedelta(minutes=15)),)
    )


@pytest.fixture
def channel(db: None, monkeypatch: pytest.MonkeyPatch) -> Channel:
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": Budgeted})
    monkeypatch.setattr("rapport.web.health_words.connectors", lambda: {"strict": Budgeted})
    return make_channel(make_brand(), "strict")


def page(role: str, channel: Channel, path: str = "/desk/") -> str:
    client = Client()
    client.force_login(make_user("Lea Lead", brand=channel.brand, role=role))
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_leads_and_admins_are_told_on_every_page_and_others_are_not(channel: Channel) -> None:
    Channel.objects.update(state="disconnected", credentials={"token": "x"})
    update_alerts()
    said = "no longer accepts our credentials"
    assert said in page(Role.LEAD, channel)
    assert said in page(Role.ADMIN, channel, "/account/")
    assert said not in page(Role.AGENT, channel)
    assert said not in page(Role.LEAD, make_channel(make_brand("other")))
    assert said in page(Role.AGENT, channel, "/channels/"), "how it does is everybody's to see"
    Channel.objects.update(state="active")
    update_alerts()
    assert 'class="alerts"' not in page(Role.LEAD, channel)


def texts(channel: Channel, **options: Any) -> str:
    found = Channel.objects.get(id=channel.id)
    with translation.override("en"):
        return " ".join(note.text for note in notes([found], **options)[channel.id])


def test_what_is_as_it_should_be_is_not_in_the_list(channel: Channel) -> None:
    now = timezone.now()
    Channel.objects.update(
        silent_after=timedelta(hours=9), last_event_at=now - timedelta(hours=2),
        credentials_given_at=now, credentials_expire_at=now + timedelta(days=50),
    )  # fmt: skip
    assert texts(channel) == ""
    everything = texts(channel, everything=True)
    for part in ("9 h without a message", "end in 49 d", "5 of 5 calls"):
        assert part in everything


def test_what_is_not_is_said(channel: Channel) -> None:
    now = timezone.now()
    Channel.objects.update(
        silent_after=timedelta(hours=9), last_event_at=now - timedelta(hours=12), pushed_at=now,
        credentials_given_at=now - timedelta(days=57), credentials_expire_at=now + timedelta(days=3),
        streamed=True,
    )  # fmt: skip
    RawEvent.objects.create(
        channel=channel, kind="post", dedupe_key="x", payload={}, only_polled=True,
        received_at=now - timedelta(hours=1),
    )  # fmt: skip
    found = texts(channel)
    for part in ("Silent for 12 h", "end in 2 d 23 h", "stream is closed", "1 event of the last day"):
        assert part in found


def test_a_hundred_channels_cost_what_one_does(channel: Channel, django_assert_num_queries: Any) -> None:
    channels = [channel, *(make_channel(channel.brand, "strict") for _ in range(20))]
    with django_assert_num_queries(3):
        assert len(notes(channels)) == 21
