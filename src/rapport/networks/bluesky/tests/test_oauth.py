"""The network's own login, at Bluesky's own server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from rapport.networks.base import Account, OutgoingMessage
from rapport.networks.bluesky import identity, oauth, proofs
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.tests.connecting import renewed
from rapport.networks.bluesky.tests.hearing import Ear, messages
from rapport.networks.bluesky.tests.place import BlueskyPlace
from rapport.networks.errors import CredentialsGone, Refused

pytestmark = pytest.mark.xdist_group("bluesky")

Make = Callable[..., OutgoingMessage]
LOCAL = "http://127.0.0.1:8000/connect/bluesky/back"
PUBLIC = "https://desk.example.com/connect/bluesky/back"


def came_back(place: BlueskyPlace, url: str, *, allow: bool = True) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(place.log_in(url, allow=allow)).query))


def logged_in(place: BlueskyPlace, redirect_uri: str) -> Account:
    values = {"service": place.pds, "identifier": place.ours.handle}
    began = BlueskyConnector.begin(values, redirect_uri=redirect_uri, state="s 1")
    query = came_back(place, began.url)
    assert query["state"] == "s 1"
    (granted,) = BlueskyConnector.finish(values, keep=began.keep, query=query, redirect_uri=redirect_uri)
    assert granted.label == place.ours.handle
    fresh = Account(external_id="", handle="", credentials=granted.credentials, settings=granted.settings)
    profile = BlueskyConnector(fresh).check()
    return dataclasses.replace(
        fresh, external_id=profile.external_id, handle=profile.handle, settings=profile.settings
    )


def test_who_logged_in_is_connected_hears_and_answers(place: BlueskyPlace, outgoing: Make) -> None:
    account = logged_in(place, LOCAL)
    assert (account.external_id, account.handle) == (place.ours.did, place.ours.handle)
    assert account.settings["direct_messages"] is True
    connector = BlueskyConnector(account)
    ends = connector.check().expires_at
    assert ends is not None
    assert timedelta(days=13) < ends - datetime.now(UTC) <= timedelta(days=14)
    asked, private = place.customer_says("logged in?"), place.customer_says("really?", private=True)
    assert {asked, private} <= messages(Ear(connector).hear()).keys()
    message = outgoing(parent_id=asked)
    assert connector.send(message) == connector.send(message)
    assert place.customer_reads(asked) == [message.text]


def test_tokens_are_renewed_and_an_old_one_is_refused(place: BlueskyPlace) -> None:
    account = logged_in(place, LOCAL)
    again = renewed(account)
    assert again.credentials["access_token"] != account.credentials["access_token"]
    BlueskyConnector(again).poll({})
    spoilt = dataclasses.replace(again, credentials={**again.credentials, "access_token": "x.y.z"})
    with pytest.raises(CredentialsGone):
        BlueskyConnector(spoilt).poll({})
    with pytest.raises(CredentialsGone):  # a token that was used is stolen, or lost: the login ends
        BlueskyConnector(account).renew()
    with pytest.raises(CredentialsGone):
        BlueskyConnector(
            dataclasses.replace(again, credentials={"dpop_key": again.credentials["dpop_key"]})
        ).poll({})


def test_somebody_else_cannot_use_a_stolen_token(place: BlueskyPlace) -> None:
    account = logged_in(place, LOCAL)
    stolen = {**account.credentials, "dpop_key": proofs.saved(proofs.new_key())}
    with pytest.raises(CredentialsGone):
        BlueskyConnector(dataclasses.replace(account, credentials=stolen)).poll({})


def test_who_says_no_is_not_connected(place: BlueskyPlace) -> None:
    began = BlueskyConnector.begin({"service": place.pds}, redirect_uri=LOCAL, state="s")
    query = came_back(place, began.url, allow=False)
    with pytest.raises(Refused, match="rejected"):
        BlueskyConnector.finish({}, keep=began.keep, query=query, redirect_uri=LOCAL)


def test_an_answer_of_another_server_is_refused(place: BlueskyPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    began = BlueskyConnector.begin({"service": place.pds}, redirect_uri=LOCAL, state="s")
    query = came_back(place, began.url)
    with pytest.raises(Refused, match="another server"):
        BlueskyConnector.finish(
            {}, keep=began.keep, query={**query, "iss": "https://evil.example"}, redirect_uri=LOCAL
        )
    # A server may say what it likes of an account that lives elsewhere.
    monkeypatch.setattr(identity, "authority", lambda server: "https://elsewhere.example")
    with pytest.raises(Refused, match="own server"):
        BlueskyConnector.finish({}, keep=began.keep, query=query, redirect_uri=LOCAL)


def published(client: Client, client_id: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What our page says under a client's id."""
    parts = urlsplit(client_id)
    monkeypatch.setattr("django.conf.settings.RAPPORT_BASE_URL", base_url)
    answer = client.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 200
    return answer.json()


def test_a_rapport_on_the_internet_signs_for_itself(
    place: BlueskyPlace, client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    client_id, _kid = oauth.client_of(PUBLIC)
    metadata = published(client, client_id, "https://desk.example.com", monkeypatch)
    assert metadata["client_id"] == client_id
    assert metadata["redirect_uris"] == [PUBLIC]
    assert all("d" not in key for key in metadata["jwks"]["keys"])
    place.server.do("client", id=client_id, metadata=metadata)
    account = logged_in(place, PUBLIC)
    ends = BlueskyConnector(account).check().expires_at
    assert ends is not None
    assert ends - datetime.now(UTC) > timedelta(days=700)
    # A new encryption key leaves the login as it is while the old one is configured.
    settings.RAPPORT_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.RAPPORT_ENCRYPTION_KEYS]
    again = renewed(account)
    BlueskyConnector(again).poll({})
    settings.RAPPORT_ENCRYPTION_KEYS = settings.RAPPORT_ENCRYPTION_KEYS[:1]
    with pytest.raises(CredentialsGone, match="encryption key"):
        BlueskyConnector(again).renew()


@pytest.mark.parametrize("back", ["", "x", "//evil.example/x", "/" + "x" * 300])
def test_our_page_names_only_paths_of_ours(client: Client, back: str) -> None:
    assert client.get("/bluesky/oauth-client.json", {"back": back}).status_code == 400


def test_a_login_needs_https_or_this_machine() -> None:
    with pytest.raises(Refused, match="https"):
        oauth.client_of("http://desk.example.com/back")
    client_id, kid = oauth.client_of(LOCAL)
    assert (urlsplit(client_id).netloc, kid) == ("localhost", "")
    assert parse_qs(urlsplit(client_id).query)["redirect_uri"] == [LOCAL]


@pytest.mark.parametrize("did", ["did:key:z6Mk", "did:web:a:b", "did:web:"])
def test_identities_of_unknown_kinds_are_refused(did: str) -> None:
    with pytest.raises(Refused, match="unknown kind"):
        identity.document(did)
