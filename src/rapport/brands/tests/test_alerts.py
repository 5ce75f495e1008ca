"""Trouble is told once, when it began, and is over when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from rapport.brands.alerts import open_alerts, update_alerts, words
from rapport.brands.models import Alert, AlertKind, Brand, Channel

NOW = timezone.now


@pytest.fixture
def channel(db: None) -> Channel:
    brand = Brand.objects.create(slug="aero", name="Aero")
    return Channel.objects.create(
        brand=brand, network="feed", external_id="a", handle="@aero", polled=True, next_poll_at=NOW(),
        last_ok_at=NOW(), last_event_at=NOW(), credentials={"token": "x"},
    )  # fmt: skip


def kinds() -> list[str]:
    update_alerts()
    return [one.kind for one in open_alerts(brands=Brand.objects.all())]


@dataclass(frozen=True)
class FromNow:
    """A time to be counted from when the test runs, which may be long after it was collected."""

    length: timedelta


def set_(**fields: Any) -> None:
    now = NOW()
    given = {k: now + v.length if isinstance(v, FromNow) else v for k, v in fields.items()}
    Channel.objects.update(**given)


def ago(**length: float) -> FromNow:
    return FromNow(-timedelta(**length))


def ahead(**length: float) -> FromNow:
    return FromNow(timedelta(**length))


def test_all_is_well(channel: Channel) -> None:
    assert kinds() == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": "disconnected"}, ["disconnected"]),
        ({"state": "disconnected", "credentials": None}, []),  # a person let it go
        ({"failures": 5, "last_ok_at": ago(minutes=11)}, ["failing"]),
        ({"failures": 4, "last_ok_at": ago(minutes=11)}, []),
        ({"failures": 50, "last_ok_at": ago(minutes=9)}, []),
        ({"next_poll_at": ago(minutes=6)}, ["late"]),
        ({"next_poll_at": ago(minutes=4)}, []),
        ({"next_poll_at": ago(minutes=6), "poll_lease_until": ahead(hours=1)}, []),
        ({"next_poll_at": ago(minutes=6), "open_until": ago(minutes=2)}, []),
        ({"next_poll_at": None, "created_at": ago(minutes=6)}, ["late"]),
        ({"polled": False, "next_poll_at": None}, []),
        ({"polled": False, "streamed": True, "stream_lease_until": ago(minutes=6)}, ["late"]),
        ({"polled": False, "streamed": True, "stream_lease_until": ahead(hours=1)}, []),
        ({"polled": False, "streamed": True, "stream_lease_until": None, "stream_retry_at": ahead(hours=1)}, []),
        ({"credentials_given_at": ago(days=54), "credentials_expire_at": ahead(days=6)}, ["expiring"]),
        ({"credentials_given_at": ago(days=52), "credentials_expire_at": ahead(days=8)}, []),
        # Two hours long: renewed in the last half an hour, so only the last quarter of one is trouble.
        ({"credentials_given_at": ago(minutes=100), "credentials_expire_at": ahead(minutes=20)}, []),
        ({"credentials_given_at": ago(minutes=110), "credentials_expire_at": ahead(minutes=10)}, ["expiring"]),
        ({"last_event_at": ago(hours=10), "silent_after": timedelta(hours=9)}, ["silent"]),
        ({"last_event_at": ago(hours=8), "silent_after": timedelta(hours=9)}, []),
        ({"last_event_at": ago(days=80), "silent_after": None}, []),
        ({"state": "paused", "next_poll_at": ago(days=6), "failures": 9, "last_ok_at": ago(days=6)}, []),
    ],
)  # fmt: skip
def test_the_rules(channel: Channel, fields: dict[str, Any], expected: list[str]) -> None:
    set_(**fields)
    assert kinds() == expected
    assert kinds() == expected
    assert Alert.objects.count() == len(expected)
    for alert in open_alerts(brands=Brand.objects.all()):
        assert words(alert).sentence
        assert words(alert).advice
    set_(state="paused")
    assert kinds() == []
    assert Alert.objects.filter(ended_at__isnull=False).count() == len(expected)


def test_what_comes_back_soon_never_was_over(channel: Channel) -> None:
    set_(state="disconnected")
    assert kinds() == ["disconnected"]
    Alert.objects.update(told_at=NOW())
    set_(state="active")
    assert kinds() == []
    set_(state="disconnected")
    assert kinds() == ["disconnected"]
    assert Alert.objects.filter(told_at__isnull=False).count() == 1
    set_(state="active")
    assert kinds() == []
    Alert.objects.update(ended_at=NOW() - timedelta(hours=2))
    set_(state="disconnected")
    assert kinds() == ["disconnected"]
    assert Alert.objects.count() == 2


def test_the_last_day_is_told_again(channel: Channel) -> None:
    set_(credentials_given_at=ago(days=57), credentials_expire_at=ahead(days=3))
    assert kinds() == ["expiring"]
    Alert.objects.update(told_at=NOW())
    assert kinds() == ["expiring"]
    assert Alert.objects.get().told_at is not None
    set_(credentials_expire_at=ahead(hours=20))
    kinds()
    assert Alert.objects.get().told_at is None
    Alert.objects.update(told_at=NOW())
    kinds()
    assert Alert.objects.get().told_at is not None


def test_a_thousand_channels_cost_what_one_does(channel: Channel, django_assert_max_num_queries: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO brands_channel (brand_id, network, external_id, handle, name, role, state, signature, "
            "settings, hours, created_at, polled, cursor, last_error, failures, credentials) "
            "SELECT brand_id, network, n::text, handle, name, role, 'disconnected', signature, settings, hours, "
            "created_at, polled, cursor, last_error, failures, credentials "
            "FROM brands_channel, generate_series(1, 1000) n"
        )
    with django_assert_max_num_queries(7):
        assert update_alerts() == 1000
    assert AlertKind(Alert.objects.first().kind) == AlertKind.DISCONNECTED  # type: ignore[union-attr]
