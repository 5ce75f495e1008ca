"""Connecting, sessions and profiles, against Bluesky's own servers over real HTTP."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from rapport.networks.base import Account
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.tests.connecting import connected, renewed
from rapport.networks.bluesky.tests.people import Person
from rapport.networks.bluesky.tests.place import BlueskyPlace
from rapport.networks.errors import CredentialsGone, Refused, TryAgain

pytestmark = pytest.mark.xdist_group("bluesky")


def test_it_says_whose_the_credentials_are(place: BlueskyPlace, account: Account) -> None:
    profile = BlueskyConnector(account).check()
    assert (profile.external_id, profile.handle, profile.name) == (
        place.ours.did,
        "telqo.test",
        "Telqo Mobile",
    )
    assert profile.settings == {"direct_messages": True}
    assert profile.followers is not None
    assert account.credentials["pds"] == place.pds


def test_an_account_that_is_new_everywhere_can_be_connected(place: BlueskyPlace) -> None:
    """The session is good although the AppView has not seen the account."""
    fresh = Person(place.pds, place.server.addresses["bypass"], "fresh.test")
    password = fresh.call("com.atproto.server.createAppPassword", {"name": "Rapport"})["password"]
    account = connected({"service": place.pds, "identifier": "@fresh.test ", "app_password": password})
    fresh.close()
    assert (account.external_id, account.handle) == (fresh.did, "fresh.test")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"app_password": "aaaa-bbbb-cccc-dddd"}, CredentialsGone),
        ({"identifier": "nobody.test"}, CredentialsGone),
        ({"app_password": ""}, CredentialsGone),
        ({"service": "nonsense://x"}, Refused),
        ({"service": "http://127.0.0.1:1"}, TryAgain),
    ],
)
def test_what_cannot_be_connected_is_told_in_words(
    place: BlueskyPlace, changes: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        connected({**place.values(), **changes})
    assert len(str(caught.value)) > 20


def test_a_revoked_password_is_told_and_a_new_one_works(
    place: BlueskyPlace, connector: BlueskyConnector
) -> None:
    place.revoke()
    with pytest.raises(CredentialsGone):
        connector.poll({})
    with pytest.raises(CredentialsGone, match="revoked"):
        connector.renew()
    place.renew()
    account = connected(place.values())
    assert account.external_id == connector.account.external_id
    BlueskyConnector(account).poll({})


def test_a_session_is_renewed_before_it_ends_and_by_password_when_its_token_was_used(
    account: Account,
) -> None:
    made = BlueskyConnector(account).renew()
    assert made is not None
    assert made.expires_at is not None
    assert timedelta(0) < made.expires_at - datetime.now(UTC) < timedelta(hours=3)
    used = dataclasses.replace(account, credentials={**account.credentials, "refresh_jwt": "used.up.token"})
    assert BlueskyConnector(renewed(used)).check().external_id == account.external_id


def test_a_handle_that_moved_to_another_account_does_not_become_the_channel(account: Account) -> None:
    other = dataclasses.replace(account, external_id="did:plc:somebodyelse")
    with pytest.raises(CredentialsGone, match="another account"):
        BlueskyConnector(other).renew()


def test_too_many_log_ins_say_when_to_come_back(place: BlueskyPlace) -> None:
    values = {**place.values(), "identifier": "hammered.test"}

    def log_in(_number: int) -> Exception:
        with pytest.raises((TryAgain, CredentialsGone)) as caught:
            connected(values)
        return caught.value

    with ThreadPoolExecutor(10) as pool:  # the server takes its time over a wrong password
        errors = list(pool.map(log_in, range(40)))
    refused = [error for error in errors if isinstance(error, TryAgain)]
    assert len(refused) == 10
    assert all(error.after is not None and not error.doubt for error in refused)
    assert all(
        timedelta(0) < (error.after or timedelta(0)) <= timedelta(minutes=5, seconds=1) for error in refused
    )


def test_the_profile_is_read_and_written_and_keeps_what_is_not_ours_to_change(place: BlueskyPlace) -> None:
    brand = place.person("halden", "Halden Rail")
    password = brand.call("com.atproto.server.createAppPassword", {"name": "Rapport"})["password"]
    connector = BlueskyConnector(
        connected({"service": place.pds, "identifier": brand.handle, "app_password": password})
    )
    connector.write_profile({"bio": "Trains 🚆 and answers", "link": "https://halden.example"})
    place.settle()
    profile = connector.profile()
    assert (profile.name, profile.bio, profile.bio_length) == ("Halden Rail", "Trains 🚆 and answers", 20)
    assert profile.link == "https://halden.example"
    connector.write_profile({"link": "", "name": "Halden"})
    place.settle()
    assert (connector.profile().name, connector.profile().link) == ("Halden", "")
    with pytest.raises(Refused, match="256"):
        connector.write_profile({"bio": "é" * 257})
    with pytest.raises(Refused, match="hours"):
        connector.write_profile({"hours": "always"})


def test_a_server_that_is_silent_or_talks_nonsense_is_worth_another_try(account: Account) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        away = dataclasses.replace(account, credentials={**account.credentials, "pds": address})

        def babble() -> None:
            for _number in range(2):
                taken, _ = held.accept()
                taken.recv(65536)
                taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[[[[")
                taken.close()

        thread = threading.Thread(target=babble)
        thread.start()
        started = time.monotonic()
        with pytest.raises(TryAgain):
            BlueskyConnector(away).poll({})
        with pytest.raises(TryAgain):
            BlueskyConnector(away).check()
        thread.join()
        assert time.monotonic() - started < 10
