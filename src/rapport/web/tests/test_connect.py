"""Connecting a channel through the pages, as an admin does it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from rapport.brands.models import Channel
from rapport.channels.models import PendingChannel
from rapport.channels.tests.cooee import Server, cooee
from rapport.networks.errors import TryAgain
from rapport.staff.models import Role, Team
from rapport.web.tests.conftest import Desk

__all__ = ["cooee"]

pytestmark = pytest.mark.usefixtures("cooee")
PATH = "/channels/connect/cooee/?brand=aero"
TYPED = {
    "way": "typed",
    "with-server": "https://cooee.example",
    "with-token": "t-aero",
    "with-webhook_secret": "",
    "with-words": "one\n two \n\n",
    "with-loud": "on",
    "with-size": "l",
    "with-echo": "4",
}
CHOSEN = {
    "role": "support",
    "signature": "name",
    "hours_mon": "9-12, 13-17:30",
    "hide_deleted": "on",
    "polled": "on",
    "backfill_since": "2026-01-02",
}


@pytest.fixture
def admin(desk: Desk) -> Client:
    return desk.client(Role.ADMIN)


def _typed(client: Client, path: str = PATH, **changed: str) -> str:
    """Submit the guide; the address of the next step."""
    answer = client.post(path, TYPED | changed)
    assert answer.status_code == 302, answer.content.decode()
    found: str = answer["Location"]
    return found


def test_the_whole_way_from_the_list_of_networks_to_a_channel(desk: Desk, admin: Client) -> None:
    team = Team.objects.create(brand=desk.brand, name="Night")
    picked = admin.get("/channels/connect/").content.decode()
    assert "Calls across the valley." in picked
    assert "Practice network" not in picked  # it has no guide
    guide = admin.get(PATH).content.decode()
    for words in ("An account at Cooee.", "https://cooee.example/tokens", "Nothing.", "Whispering."):
        assert words in guide
    assert 'type="password"' in guide

    step = _typed(admin)
    preview = admin.get(step).content.decode()
    assert "We fly." in preview
    assert "t-aero" not in preview
    assert not Channel.objects.filter(network="cooee").exists()

    saved = admin.post(step, CHOSEN | {"teams": [team.id]})
    channel = Channel.objects.get(network="cooee")
    assert saved["Location"] == f"/channels/{channel.id}/"
    assert channel.settings == {
        "server": "https://cooee.example", "words": ["one", "two"], "loud": True, "size": "l", "echo": 4, "limit": 200,
    }  # fmt: skip
    assert channel.credentials["token"] == "t-aero"
    assert len(channel.credentials["webhook_secret"]) > 30  # made here, as none was given
    assert channel.hours == {"mon": [["09:00", "12:00"], ["13:00", "17:30"]]}
    assert (channel.role, channel.signature, channel.polled) == ("support", "name", True)
    assert channel.backfill["since"].startswith("2026-01-02")
    assert list(channel.teams.all()) == [team]
    assert not PendingChannel.objects.exists()
    assert admin.post(step, CHOSEN).status_code == 404  # a second submit finds nothing


def test_a_wrong_token_is_told_in_words_and_what_was_typed_stays(admin: Client) -> None:
    answer = admin.post(PATH, TYPED | {"with-token": "wr0ng-t0ken"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Cooee does not accept these credentials: the token is not known." in page
    assert 'value="4"' in page
    assert "wr0ng-t0ken" not in page
    assert not PendingChannel.objects.exists()


def test_an_outage_and_a_missing_field_are_told(admin: Client, cooee: Server) -> None:
    cooee.failing = TryAgain("it is down")
    assert "cannot be asked now: it is down" in admin.post(PATH, TYPED).content.decode()
    missing = admin.post(PATH, TYPED | {"with-token": ""})
    assert missing.status_code == 422
    assert "This field is required." in missing.content.decode()


def test_bad_hours_are_told_and_nothing_is_lost(admin: Client) -> None:
    step = _typed(admin)
    answer = admin.post(step, CHOSEN | {"hours_tue": "17-9"})
    assert answer.status_code == 422
    assert "ends before it begins" in answer.content.decode()
    assert "9-12, 13-17:30" in answer.content.decode()
    assert admin.post(step, CHOSEN).status_code == 302


def test_only_admins_come_in(desk: Desk, admin: Client) -> None:
    step = _typed(admin)
    for role in (Role.LEAD, Role.AGENT, Role.VIEWER):
        client = desk.client(role)
        assert client.get("/channels/connect/").status_code == 403
        assert client.get(PATH).status_code == 403
        assert client.post(PATH, TYPED).status_code == 403
        assert client.get(step).status_code == 404  # somebody else's
    assert admin.get("/channels/connect/cooee/?brand=bistro").status_code == 404
    assert admin.get("/channels/connect/practice/?brand=aero").status_code == 404


def test_another_session_of_the_same_person_cannot_go_on(desk: Desk, admin: Client) -> None:
    assert desk.client(Role.ADMIN).get(_typed(admin)).status_code == 404


def test_what_waits_is_encrypted(admin: Client) -> None:
    from django.db import connection

    _typed(admin)
    with connection.cursor() as cursor:
        cursor.execute("SELECT p::text FROM channels_pendingchannel p")
        row = cursor.fetchone()[0]
    assert "t-aero" not in row
    assert "aero" not in bytes.fromhex(row.split("\\\\x")[1].split('"')[0]).decode("latin-1")


# The network's own login ----------------------------------------------------------------------------
def _away(client: Client) -> tuple[str, str]:
    """Go to the network's login; the state it was given, and the page we left."""
    step = _typed(client, **{"way": "login", "with-token": ""})
    page = client.get(step).content.decode()
    url = re.search(r'href="(https://cooee\.example/login[^"]+)"', page)
    assert url is not None
    query = parse_qs(urlsplit(url[1].replace("&amp;", "&")).query)
    assert query["back"][0].endswith("/channels/connect/cooee/back/")
    return query["state"][0], step


def test_a_login_at_the_network_leads_to_the_same_preview(admin: Client) -> None:
    state, step = _away(admin)
    back = admin.get("/channels/connect/cooee/back/", {"state": state, "code": "t-aero"})
    assert back["Location"] == step
    assert "We fly." in admin.get(step).content.decode()
    assert admin.post(step, CHOSEN).status_code == 302
    assert Channel.objects.get(network="cooee").credentials["token"] == "t-aero"


def test_of_several_accounts_one_is_chosen(admin: Client) -> None:
    state, step = _away(admin)
    admin.get("/channels/connect/cooee/back/", {"state": state, "code": "t-aero,t-other"})
    page = admin.get(step).content.decode()
    assert "@other" in page
    assert "t-other" not in page
    assert admin.post(step, {"account": "9"}).status_code == 422
    assert admin.post(step, {"account": "1"}).status_code == 302
    assert "Other" in admin.get(step).content.decode()


def test_a_no_is_a_page(admin: Client) -> None:
    state, _step = _away(admin)
    answer = admin.get("/channels/connect/cooee/back/", {"state": state, "error": "access_denied"})
    assert answer.status_code == 422
    assert "You said no at Cooee." in answer.content.decode()


@pytest.mark.parametrize("state", ["", "made-up", "{other}", "{used}"])
def test_a_state_that_is_not_this_sessions_or_was_used_is_refused(
    desk: Desk, admin: Client, state: str
) -> None:
    mine, _step = _away(admin)
    client = admin
    if state == "{other}":
        client, state = desk.client(Role.ADMIN), mine  # the same person, another browser
    if state == "{used}":
        state = mine
        admin.get("/channels/connect/cooee/back/", {"state": mine, "code": "t-aero"})
    answer = client.get("/channels/connect/cooee/back/", {"state": state, "code": "t-aero"})
    assert answer.status_code == 404
    assert "Begin again" in answer.content.decode()


# Again ----------------------------------------------------------------------------------------------
@pytest.fixture
def connected(admin: Client) -> Channel:
    admin.post(_typed(admin), CHOSEN)
    return Channel.objects.get(network="cooee")


def test_connecting_the_same_account_offers_to_connect_it_again(admin: Client, connected: Channel) -> None:
    step = _typed(admin, **{"with-token": "t-aero2"})
    assert "This account is connected already" in admin.get(step).content.decode()
    assert admin.post(step)["Location"] == f"/channels/{connected.id}/"
    connected.refresh_from_db()
    assert connected.credentials["token"] == "t-aero2"
    assert connected.role == "support"


def test_connecting_again_is_one_step_and_only_for_the_same_account(
    admin: Client, connected: Channel
) -> None:
    path = f"/channels/connect/cooee/?channel={connected.id}"
    page = admin.get(path).content.decode()
    assert "one\ntwo" in page  # settings are filled in
    assert "t-aero" not in page  # secrets are not
    refused = admin.post(path, TYPED | {"with-token": "t-other"})
    assert refused.status_code == 422
    assert "belong to @other" in refused.content.decode()
    assert _typed(admin, path, **{"with-token": "t-aero2"}) == f"/channels/{connected.id}/"
    assert not PendingChannel.objects.exists()
