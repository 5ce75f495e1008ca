"""Connecting, and bad days, on servers that behave as Mastodon, GoToSocial and Takahē, over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from rapport.networks.base import (
    Account,
)
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.mastodon.connector import CONNECTOR
from rapport.networks.mastodon.tests.desk import Listening, connected, outgoing
from rapport.networks.mastodon.tests.place import MastodonPlace


def test_it_says_whose_the_token_is_and_what_the_server_allows(place: MastodonPlace) -> None:
    connector = connected(place)
    assert connector.account.external_id == place.care.id
    assert connector.account.handle == "care@social.example"
    assert connector.account.settings["software"] == place.flavour.name
    assert connector.rules.max_length == place.flavour.max_characters
    assert connector.rules.media is not None
    assert set(connector.rules.media.max_bytes) == {"image"}
    assert connector.rules.stream is (place.flavour.name != "takahe")


def test_it_counts_as_the_server_does(place: MastodonPlace) -> None:
    text = "@marko@fedi.example look at https://example.com/" + "x" * 40
    counted = {"mastodon": 6 + 9 + 23}.get(place.flavour.name, len(text))
    assert connected(place).length(text) == counted


def test_a_login_at_the_server_gives_a_token(place: MastodonPlace) -> None:
    back = "https://desk.example/networks/callback"
    values = {"server": place.double.url, "token": "", "hashtags": ["alvaraair"], "timeline": ""}
    begun = CONNECTOR.begin(values, redirect_uri=back, state="s-17")
    asked = parse_qs(urlsplit(begun.url).query)
    assert ("code_challenge" in asked) == place.flavour.pkce
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    assert query["state"] == "s-17"
    (granted,) = CONNECTOR.finish(values, keep=begun.keep, query=query, redirect_uri=back)
    assert granted.label == "@care@social.example"
    assert granted.settings["hashtags"] == ["alvaraair"]
    connector = CONNECTOR(
        Account(
            external_id=place.care.id,
            handle="care",
            credentials=granted.credentials,
            settings=granted.settings,
        )
    )
    asked_for = place.customer_says("Hello?")
    connector.send(outgoing("Hello", parent_id=asked_for))
    assert place.customer_reads(asked_for) == ["Hello"]
    connector.write_profile({"bio": "We answer from 8 to 20."})
    assert connector.profile().bio == "We answer from 8 to 20."
    with pytest.raises(Refused):  # a code is good once
        CONNECTOR.finish(values, keep=begun.keep, query=query, redirect_uri=back)


def test_a_login_that_was_not_allowed_is_refused(mastodon: MastodonPlace) -> None:
    values = {"server": mastodon.double.url}
    begun = CONNECTOR.begin(values, redirect_uri="https://d.example/", state="1")
    query = dict(parse_qsl(urlsplit(mastodon.log_in(begun.url, allow=False)).query))
    with pytest.raises(Refused, match="did not allow"):
        CONNECTOR.finish(values, keep=begun.keep, query=query, redirect_uri="https://d.example/")


def test_what_is_no_server_is_refused_in_words() -> None:
    for typed in ("", "not a server", "https://", "a b.example"):
        with pytest.raises(Refused):
            CONNECTOR.begin({"server": typed}, redirect_uri="https://d.example/", state="1")


def test_it_reads_and_writes_the_profile(place: MastodonPlace) -> None:
    connector = connected(place)
    place.care.fields = [{"name": "Hours", "value": "8 to 20"}]
    connector.write_profile({"name": "Alvara Care", "bio": "Here to help", "link": "https://alvara.example/"})
    profile = connector.profile()
    assert (profile.name, profile.bio, profile.link) == (
        "Alvara Care",
        "Here to help",
        "https://alvara.example/",
    )
    assert [one["name"] for one in place.care.fields] == ["Hours", "Website"]
    connector.write_profile({"link": "https://help.alvara.example/"})
    assert [one["value"] for one in place.care.fields] == ["8 to 20", "https://help.alvara.example/"]


def test_an_outage_is_waited_out(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    place.customer_says("before")
    listening.hear()
    with place.outage():
        place.customer_says("meanwhile")
        with pytest.raises(TryAgain) as caught:
            listening.hear()
        assert not caught.value.doubt
        with pytest.raises(TryAgain) as caught:
            listening.connector.send(outgoing("Hello"))
        assert not caught.value.doubt
    assert [one.text for one in listening.later(seconds=60).messages()] == ["@care meanwhile"]


def test_a_revoked_token_is_told_from_everything_else(place: MastodonPlace) -> None:
    connector = connected(place)
    place.revoke()
    calls: list[Any] = [
        connector.check,
        lambda: connector.poll({}),
        lambda: connector.send(outgoing("x")),
        lambda: connector.find_sent(outgoing("x")),
        lambda: connector.delete("1"),
    ]
    for call in calls:
        with pytest.raises(CredentialsGone) as caught:
            call()
        assert str(connector.account.credentials["token"]) not in str(caught.value)
    place.renew()
    assert connected(place).poll({}).items == []


def test_missing_rights_ask_for_a_new_login(place: MastodonPlace) -> None:
    place._token = place.double.token_for(place.care, "read")
    with pytest.raises(CredentialsGone):
        connected(place).send(outgoing("x"))


def test_the_rate_limit_is_watched_and_waited_for(mastodon: MastodonPlace) -> None:
    connector = connected(mastodon)
    mastodon.double.remaining = 3
    connector.profile()
    assert {one.budget for one in connector.seen_limits} == {"read"}
    with pytest.raises(TryAgain) as caught:
        connector.send(outgoing("x"))
    assert not caught.value.doubt
    assert caught.value.after is not None
    assert timedelta(minutes=4) < caught.value.after <= timedelta(minutes=5, seconds=2)
    mastodon.double.remaining = 300
    connector.poll({})
    (newest, *_others) = reversed(connector.seen_limits)
    assert newest.remaining < 300


def test_threads_are_left_alone_when_the_budget_is_low(mastodon: MastodonPlace) -> None:
    listening = Listening(connected(mastodon))
    mastodon.customer_says("Hello")
    listening.hear()
    mastodon.double.remaining = 50
    mastodon.double.limit = 300
    mastodon.double.requests.clear()
    listening.later(seconds=60).hear()
    assert not [one.path for one in mastodon.double.requests if one.path.endswith("/context")]


def test_without_an_address_or_a_token_nothing_is_called() -> None:
    for credentials, settings in (({}, {"server": "a.example"}), ({"token": "x"}, {})):
        bare = CONNECTOR(Account(external_id="1", handle="", credentials=credentials, settings=settings))
        with pytest.raises((CredentialsGone, Refused)):
            bare.poll({})
