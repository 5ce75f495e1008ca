"""Credentials are renewed by one process at a time, kept before anything else, and never lost or used twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from rapport.brands import calls
from rapport.brands.models import Brand, Channel
from rapport.networks import registry
from rapport.networks.base import Account, Capabilities, Connector, Event, Profile, Renewed
from rapport.networks.errors import CredentialsGone, Refused, TryAgain


class Place:
    """A network whose refresh token rotates: each is good once, and only the newest access token works."""

    def __init__(self) -> None:
        self.number = 0
        self.used: list[str] = []
        self.life: timedelta | None = None
        self.during: Callable[[], None] = lambda: None
        self.error: Exception | None = None
        self.lasts = False

    def renew(self, account: Account) -> Renewed | None:
        if self.lasts:
            return None
        self.during()
        if self.error is not None:
            raise self.error
        refresh = account.credentials["refresh"]
        self.used.append(refresh)
        if refresh != f"r{self.number}":
            raise CredentialsGone("This refresh token was used before.")
        self.number += 1
        ends = timezone.now() + self.life if self.life is not None else None
        return Renewed(
            credentials={"access": f"a{self.number}", "refresh": f"r{self.number}"}, expires_at=ends
        )


class RotatingConnector(Connector):
    network = "rotating"
    label = "Rotating"
    capabilities = Capabilities(max_length=500, poll=True)
    place: ClassVar[Place] = Place()

    def check(self) -> Profile:
        if self.account.credentials["access"] != f"a{self.place.number}":
            raise CredentialsGone("The access token ended.")
        return Profile(external_id="x", handle=self.account.credentials["access"])

    def renew(self) -> Renewed | None:
        return self.place.renew(self.account)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return []


@pytest.fixture
def place(db: None, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(registry, "connectors", lambda: {"rotating": RotatingConnector})
    monkeypatch.setattr(calls, "PATIENCE_S", 5.0)
    RotatingConnector.place = Place()
    return RotatingConnector.place


def make_channel(**fields: Any) -> Channel:
    brand, _new = Brand.objects.get_or_create(slug="aero", defaults={"name": "Aero"})
    return Channel.objects.create(
        brand=brand,
        network="rotating",
        external_id="acc",
        handle="@aero",
        credentials={"access": "a0", "refresh": "r0"},
        **fields,
    )


def look(channel: Channel) -> str:
    return calls.with_renewal(channel.id, lambda _channel, connector: connector.check().handle)


def kept(channel: Channel) -> dict[str, Any]:
    return dict(Channel.objects.get(id=channel.id).credentials)


def test_credentials_that_work_are_left_alone(place: Place, django_assert_num_queries: Any) -> None:
    channel = make_channel()
    with django_assert_num_queries(1):
        assert look(channel) == "a0"
    assert place.used == []


def test_a_call_that_met_their_end_is_made_again_with_new_ones(place: Place) -> None:
    channel = make_channel()
    place.number, place.life = 1, timedelta(hours=2)
    Channel.objects.update(credentials=None)
    channel.credentials = {"access": "a0", "refresh": "r1"}
    channel.save()
    assert look(channel) == "a2"
    channel.refresh_from_db()
    assert kept(channel) == {"access": "a2", "refresh": "r2"}
    assert channel.renew_lease_until is None
    assert channel.credentials_given_at is not None
    assert channel.credentials_expire_at is not None
    assert channel.credentials_expire_at > timezone.now() + timedelta(hours=1)


def test_they_are_renewed_before_a_call_that_would_meet_their_end(place: Place) -> None:
    channel = make_channel(credentials_expire_at=timezone.now() + timedelta(seconds=20))
    assert look(channel) == "a1"
    assert place.used == ["r0"]


def test_a_person_must_help_when_the_renewal_is_refused(place: Place) -> None:
    channel = make_channel()
    place.number = 5
    with pytest.raises(CredentialsGone, match="used before"):
        look(channel)
    place.lasts = True
    with pytest.raises(CredentialsGone, match="access token ended"):
        look(channel)
    place.lasts, place.error = False, Refused("No.")
    with pytest.raises(CredentialsGone, match="No"):
        look(channel)
    channel.refresh_from_db()
    assert channel.renew_lease_until is None


def test_while_the_network_is_away_it_is_tried_again_later(place: Place, monkeypatch: Any) -> None:
    channel = make_channel()
    monkeypatch.setattr(calls, "PATIENCE_S", 0.0)
    place.number, place.error = 5, TryAgain("The network cannot be reached.")
    for _ in range(3):  # the later ones wait for the pause to end
        with pytest.raises(TryAgain):
            look(channel)
    channel.refresh_from_db()
    assert channel.renew_lease_until is not None
    assert channel.state == "active"


def test_ended_credentials_that_still_work_go_on(place: Place) -> None:
    channel = make_channel(credentials_expire_at=timezone.now() - timedelta(hours=1))
    place.lasts = True
    assert look(channel) == "a0"
    place.lasts, place.error = False, ZeroDivisionError("a bug")
    assert look(channel) == "a0"


def test_a_person_s_new_credentials_are_not_overwritten(place: Place) -> None:
    channel = make_channel(credentials_expire_at=timezone.now())
    place.during = lambda: Channel.objects.filter(id=channel.id).update(
        credentials={"access": "a1", "refresh": "theirs"}
    )
    assert look(channel) == "a1"
    assert kept(channel)["refresh"] == "theirs"


@pytest.mark.django_db(transaction=True)
def test_new_ones_are_kept_through_a_moment_without_database(place: Place, monkeypatch: Any) -> None:
    channel = make_channel(credentials_expire_at=timezone.now())
    monkeypatch.setattr(calls.time, "sleep", lambda _s: None)
    failures = [OperationalError("the connection is lost")] * 2

    def broken(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SET credentials = " in sql and failures:
            raise failures.pop()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(broken):
        assert look(channel) == "a1"
    assert failures == []
    assert kept(channel) == {"access": "a1", "refresh": "r1"}


@pytest.mark.django_db(transaction=True)
def test_many_at_once_renew_once(place: Place) -> None:
    channel = make_channel(credentials_expire_at=timezone.now())
    place.number = 0
    place.during = lambda: time.sleep(0.5)
    found: list[str] = []

    def work() -> None:
        try:
            found.append(look(channel))
        finally:
            connections.close_all()

    # Their token is refused at once, so each of them needs the new one.
    Channel.objects.filter(id=channel.id).update(credentials={"access": "old", "refresh": "r0"})
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == ["a1"] * 6
    assert place.used == ["r0"]


def test_who_died_while_renewing_holds_nobody_up_for_long(place: Place, monkeypatch: Any) -> None:
    channel = make_channel(renew_lease_until=timezone.now() + timedelta(seconds=1))
    Channel.objects.filter(id=channel.id).update(credentials={"access": "old", "refresh": "r0"})
    assert look(channel) == "a1"


def test_the_last_quarter_of_a_life_is_when_they_are_due(place: Place) -> None:
    now = timezone.now()
    channel = make_channel()

    def is_due(life: timedelta, rest: timedelta) -> bool:
        Channel.objects.update(credentials_given_at=now + rest - life, credentials_expire_at=now + rest)
        return [one.channel_id for one in calls.due()] == [channel.id]

    assert not is_due(timedelta(hours=2), timedelta(minutes=31))
    assert is_due(timedelta(hours=2), timedelta(minutes=29))
    assert not is_due(timedelta(days=60), timedelta(days=11))
    assert is_due(timedelta(days=60), timedelta(days=9))
    Channel.objects.update(renew_lease_until=now + timedelta(minutes=1))
    assert not is_due(timedelta(days=60), timedelta(days=9))


def test_what_is_not_installed_or_not_readable_is_said(place: Place) -> None:
    channel = make_channel()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE brands_channel SET credentials = 'gAAAA'")
    with pytest.raises(CredentialsGone):
        look(channel)
    Channel.objects.update(network="nowhere", credentials=None)
    with pytest.raises(Refused):
        look(channel)
