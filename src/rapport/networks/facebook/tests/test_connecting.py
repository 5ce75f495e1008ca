"""A page is checked, logged in to and described."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from rapport.networks.errors import CredentialsGone, Refused
from rapport.networks.facebook.connector import CONNECTOR, FacebookConnector
from rapport.networks.facebook.profile import profile_of
from rapport.networks.facebook.tests.conftest import world
from rapport.networks.facebook.tests.place import FacebookPlace
from rapport.networks.meta.tests import recorded
from rapport.networks.meta.tests.driving import connector
from rapport.networks.meta.tests.world import APP_ID, APP_SECRET, PAGE_ID

REDIRECT = "https://desk.example/connect/back"


# Connecting -----------------------------------------------------------------------------------------
def test_check_says_whose_page_it_is_and_switches_webhooks_on(place: FacebookPlace) -> None:
    profile = connector(CONNECTOR, place, checked=False).check()
    assert (profile.external_id, profile.handle, profile.name) == (PAGE_ID, "alvaraair", "Alvara Air")
    assert profile.hours == "mon 09:00-17:00"
    assert profile.settings["limits"] == []
    assert {"feed", "messages", "message_edits"} <= set(world(place).subscribed)


def test_check_says_in_words_what_is_missing(place: FacebookPlace) -> None:
    world(place).scopes.remove("pages_messaging")
    profile = connector(CONNECTOR, place, checked=False).check()
    (words,) = profile.settings["limits"]
    assert "pages_messaging" in words
    assert "private messages" in words


def test_check_refuses_a_token_that_cannot_answer(place: FacebookPlace) -> None:
    world(place).scopes.remove("pages_manage_engagement")
    with pytest.raises(Refused, match="pages_manage_engagement"):
        connector(CONNECTOR, place, checked=False).check()


def test_check_refuses_the_token_of_a_person(place: FacebookPlace) -> None:
    with pytest.raises(Refused, match="not the access token of a page"):
        connector(CONNECTOR, place, checked=False, access_token="EAAuser-long").check()


@pytest.mark.parametrize("wrong", [{"access_token": "nonsense"}, {"access_token": ""}, {"app_secret": ""}])
def test_check_without_good_credentials(place: FacebookPlace, wrong: dict[str, str]) -> None:
    with pytest.raises(CredentialsGone):
        connector(CONNECTOR, place, checked=False, **wrong).check()


def test_a_call_signed_with_another_secret_is_refused_as_gone(place: FacebookPlace) -> None:
    other = connector(CONNECTOR, place, checked=False, app_secret="another")
    with pytest.raises(CredentialsGone):
        other.profile()


def test_the_networks_login_grants_the_pages(place: FacebookPlace) -> None:
    values = {"app_id": APP_ID, "app_secret": APP_SECRET, "graph_url": place.double.url}
    begun = CONNECTOR.begin(values, redirect_uri=REDIRECT, state="s-1")
    assert begun.url.startswith(f"{place.double.url}/v25.0/dialog/oauth?client_id={APP_ID}")
    assert "state=s-1" in begun.url
    assert APP_SECRET not in begun.url
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    granted = CONNECTOR.finish(values, keep={}, query=query, redirect_uri=REDIRECT)
    assert [one.label for one in granted] == ["Alvara Air", "Alvara Cargo"]
    assert granted[0].credentials == {"access_token": world(place).token}


def test_a_login_that_was_declined_is_refused(place: FacebookPlace) -> None:
    values = {"app_id": APP_ID, "app_secret": APP_SECRET, "graph_url": place.double.url}
    begun = CONNECTOR.begin(values, redirect_uri=REDIRECT, state="s-1")
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url, allow=False)).query))
    with pytest.raises(Refused, match="not granted"):
        CONNECTOR.finish(values, keep={}, query=query, redirect_uri=REDIRECT)
    with pytest.raises(Refused):
        CONNECTOR.finish(values, keep={}, query={"code": "used before"}, redirect_uri=REDIRECT)


def test_without_an_address_of_ones_own_the_login_is_facebooks() -> None:
    begun = CONNECTOR.begin({"app_id": "1", "app_secret": "2"}, redirect_uri=REDIRECT, state="s")
    assert begun.url.startswith("https://www.facebook.com/v25.0/dialog/oauth?")


# Profile --------------------------------------------------------------------------------------------
def test_the_profile_is_written_and_read_back(desk: FacebookConnector) -> None:
    desk.write_profile(
        {
            "bio": "Up there.",
            "link": "https://new.example",
            "hours": "mon 09:00-12:00, 13:00-17:00; sun 10:00-12:00",
        }
    )
    found = desk.profile()
    assert (found.bio, found.link) == ("Up there.", "https://new.example")
    assert found.hours == "mon 09:00-12:00, 13:00-17:00; sun 10:00-12:00"
    with pytest.raises(Refused):
        desk.write_profile({"hours": "always"})
    with pytest.raises(Refused):
        desk.write_profile({"name": "Beta Air"})


def test_recorded_pages_are_profiles() -> None:
    for path in sorted((recorded.folder() / "facebook/apidata/pages").glob("single_*.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        found = profile_of(page)
        assert (found.external_id, found.handle, found.name) == (page["id"], page["username"], page["name"])
