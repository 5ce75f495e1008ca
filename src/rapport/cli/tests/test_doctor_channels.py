"""``rapport doctor`` says what a lead would be told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from rapport.brands.alerts import update_alerts
from rapport.brands.models import Channel
from rapport.cli.checks import Level
from rapport.cli.checks_database import channels, ingest
from rapport.inbox.tests.making import make_brand, make_channel
from rapport.ingest.models import RawEvent
from rapport.ingest.stray import count_stray


@pytest.mark.django_db
def test_silence_ending_credentials_and_lost_pushes_are_warnings() -> None:
    channel, now = make_channel(make_brand()), timezone.now()
    assert [one.level for one in channels()] == [Level.OK]
    Channel.objects.update(
        silent_after=timedelta(hours=6), last_event_at=now - timedelta(hours=9),
        credentials_given_at=now - timedelta(days=57), credentials_expire_at=now + timedelta(days=3),
    )  # fmt: skip
    RawEvent.objects.create(
        channel=channel, kind="post", dedupe_key="x", payload={}, only_polled=True,
        received_at=now - timedelta(hours=1),
    )  # fmt: skip
    update_alerts()
    found = [one for one in channels() if one.level is Level.WARNING]
    assert len(found) == 3
    said = " ".join(one.text for one in found)
    for part in ("longer than usual", "credentials end", "polling only"):
        assert part in said
    assert all(one.advice for one in found)


@pytest.mark.django_db
def test_deliveries_for_accounts_that_are_not_connected_are_told() -> None:
    assert all(one.level is Level.OK for one in ingest())
    for network in ("x", "facebook", "x"):
        count_stray(network=network)
    found = {one.subject: one for one in ingest() if one.level is Level.WARNING}
    assert set(found) == {"deliveries by x", "deliveries by facebook"}
    assert found["deliveries by x"].text.startswith("2 today")
    assert found["deliveries by x"].advice
