"""A channel's page and its buttons; profiles side by side; the endpoint of a whole network."""

import json

import pytest
from django.test import Client

from rapport.brands.models import Channel
from rapport.channels import profiles
from rapport.channels.actions import ChannelOptions, connect_channel
from rapport.channels.rotation import rotate_webhook_secret
from rapport.channels.tests.cooee import VALUES, Server, cooee
from rapport.ingest.models import RawEvent
from rapport.ingest.stray import stray_today
from rapport.staff.models import Role
from rapport.web.tests.conftest import Desk
from rapport.web.views import hooks

__all__ = ["cooee"]


@pytest.fixture
def channel(desk: Desk, cooee: Server) -> Channel:
    return _connect(desk, "t-aero", "between us")


def _connect(desk: Desk, token: str, secret: str) -> Channel:
    return connect_channel(
        actor=None,
        brand_id=desk.brand.id,
        network="cooee",
        credentials={"token": token, "webhook_secret": secret},
        settings=VALUES,
        options=ChannelOptions(hours={"mon": [["09:00", "17:00"]]}),
    )


def _act(client: Client, channel: Channel, what: str, **data: str) -> int:
    return client.post(f"/channels/{channel.id}/{what}/", data).status_code


def test_the_page_says_how_it_does_and_shows_controls_to_admins_only(desk: Desk, channel: Channel) -> None:
    path = f"/channels/{channel.id}/"
    admin = desk.client(Role.ADMIN).get(path).content.decode()
    for words in (
        "Nothing was heard or sent yet.",
        f"/hooks/cooee/{channel.id}",
        '/hooks/cooee"',
        "Not heard yet",
    ):
        assert words in admin
    assert "between us" in admin  # it is ours, and must be pasted at the network
    assert "t-aero" not in admin
    agent = desk.client(Role.AGENT).get(path).content.decode()
    assert "Nothing was heard or sent yet." in agent
    assert "between us" not in agent
    assert "/hooks/" not in agent
    assert 'action="/channels/' not in agent


def test_a_channel_of_another_brand_is_not_there(desk: Desk, channel: Channel) -> None:
    foreign = desk.other_case.channel_id
    admin = desk.client(Role.ADMIN)
    assert admin.get(f"/channels/{foreign}/").status_code == 404
    for what in ("options", "rotate", "pause", "disconnect", "past-cancel", "past/fetch"):
        assert admin.post(f"/channels/{foreign}/{what}/").status_code == 404
        assert desk.client(Role.LEAD).post(f"/channels/{channel.id}/{what}/").status_code == 403


def test_its_buttons(desk: Desk, channel: Channel) -> None:
    admin = desk.client(Role.ADMIN)

    def state() -> str:
        return Channel.objects.get(id=channel.id).state

    assert _act(admin, channel, "pause") == 302
    assert state() == "paused"
    assert _act(admin, channel, "resume") == 302
    assert state() == "active"
    assert _act(admin, channel, "nonsense") == 422
    assert _act(admin, channel, "options", role="status", signature="none", hours_tue="10-11") == 302
    channel.refresh_from_db()
    assert (channel.role, channel.hours, channel.polled) == ("status", {"tue": [["10:00", "11:00"]]}, False)
    assert _act(admin, channel, "options", role="king") == 422
    assert _act(admin, channel, "rotate", name="webhook_secret") == 302
    assert _act(admin, channel, "rotate", name="token") == 422
    assert _act(admin, channel, "past/fetch", since="2026-01-01") == 302
    assert _act(admin, channel, "past/fetch", since="never") == 422
    assert _act(admin, channel, "past-pause") == 302
    assert _act(admin, channel, "past-resume") == 302
    assert _act(admin, channel, "past-cancel") == 302
    assert _act(admin, channel, "past-cancel") == 302  # a second click changes nothing
    assert Channel.objects.get(id=channel.id).backfill["state"] == "cancelled"
    assert _act(admin, channel, "disconnect") == 302
    page = admin.get(f"/channels/{channel.id}/").content.decode()
    assert "its credentials are forgotten" in page


def test_the_past_tells_how_far_it_is(desk: Desk, channel: Channel) -> None:
    admin = desk.client(Role.ADMIN)
    _act(admin, channel, "past/fetch", since="2026-01-01")
    part = admin.get(f"/channels/{channel.id}/past/", headers={"HX-Request": "true"}).content.decode()
    assert "Being fetched" in part
    assert 'hx-trigger="every 3s' in part
    assert admin.get(f"/channels/{channel.id}/past/")["Location"] == f"/channels/{channel.id}/"


def test_the_list_leads_there_and_helps_who_has_none(desk: Desk, channel: Channel) -> None:
    page = desk.client(Role.ADMIN).get("/channels/").content.decode()
    assert f'href="/channels/{channel.id}/"' in page
    assert 'href="/channels/connect/"' in page
    assert 'href="/channels/connect/"' not in desk.client(Role.AGENT).get("/channels/").content.decode()


# Profiles -------------------------------------------------------------------------------------------
def test_profiles_stand_side_by_side_with_what_to_mend(desk: Desk, channel: Channel, cooee: Server) -> None:
    _connect(desk, "t-other", "x")
    page = desk.client(Role.VIEWER).get("/brands/aero/profiles/").content.decode()
    assert "It has no bio." in page
    assert "It has no picture." in page
    assert "7 of 20" in page
    assert "Monday 09:00–17:00" in page
    assert "Write it to the chosen channels" not in page
    assert desk.client(Role.ADMIN).get("/brands/bistro/profiles/").status_code == 404


def test_profiles_are_read_again_and_written_within_the_limits(
    desk: Desk, channel: Channel, cooee: Server
) -> None:
    admin = desk.client(Role.ADMIN)
    assert admin.post("/brands/aero/profiles/read/").status_code == 302
    assert "Being read" in admin.get("/brands/aero/profiles/").content.decode()
    cooee.accounts["t-aero"]["bio"] = "We fly high."
    profiles.read_one(channel_id=channel.id)
    assert "We fly high." in admin.get("/brands/aero/profiles/").content.decode()

    write = "/brands/aero/profiles/write/"
    long = admin.post(write, {"bio": "b" * 21, "channel": [channel.id]})
    assert long.status_code == 422
    assert "21 of at most 20" in long.content.decode()
    refused = admin.post(write, {"link": "https://x.example", "channel": [channel.id]})
    assert "does not let us change: Link" in refused.content.decode()
    assert admin.post(write, {"bio": "Fine"}).status_code == 422  # to nobody
    assert admin.post(write, {"bio": "Fine", "channel": [channel.id]}).status_code == 302
    profiles.write_one(channel_id=channel.id, changes={"bio": "Fine"})
    channel.refresh_from_db()
    assert channel.profile["bio"] == cooee.accounts["t-aero"]["bio"] == "Fine"
    assert "busy" not in channel.profile
    assert desk.client(Role.LEAD).post(write, {"bio": "x", "channel": [channel.id]}).status_code == 403


# One endpoint for a network -------------------------------------------------------------------------
def _deliver(*accounts: str, secret: str = "between us", path: str = "/hooks/cooee") -> int:
    entries = [
        {
            "id": f"e{account}",
            "account": account,
            "by": "ana",
            "text": "Hi",
            "at": "2026-03-01T12:00:00+00:00",
        }
        for account in accounts
    ]
    client = Client(enforce_csrf_checks=True)
    body = json.dumps({"entries": entries})
    return client.post(path, body, content_type="application/json", headers={"X-Cooee": secret}).status_code


def test_a_delivery_goes_to_the_accounts_it_speaks_of(desk: Desk, channel: Channel) -> None:
    other = _connect(desk, "t-other", "between us")
    assert _deliver("7", "8") == _deliver("7", "8", path="/hooks/cooee/") == 200
    stored = RawEvent.objects.values_list("channel_id", "dedupe_key", "via")
    assert sorted(stored) == sorted([(channel.id, "e7", "webhook"), (other.id, "e8", "webhook")])


def test_accounts_that_are_gone_are_thanked_for_and_strangers_refused(channel: Channel) -> None:
    assert _deliver("99") == 200  # signed well, for somebody who is not here
    assert _deliver("99", secret="guessed") == 401
    assert _deliver("7", secret="guessed") == 401
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize("name", ["\0", "7\0", "\ud800"])
def test_a_strangers_names_that_no_database_can_hold_are_nobody(channel: Channel, name: str) -> None:
    assert _deliver(name, secret="guessed") == 401
    assert _deliver(name, "7") == 200
    assert RawEvent.objects.filter(channel=channel, dedupe_key="e7").exists()


def test_a_body_that_cannot_be_read_and_a_network_that_is_not_here(channel: Channel) -> None:
    client = Client()
    for body in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000):
        assert client.post("/hooks/cooee", body, content_type="application/json").status_code == 400
    assert client.post("/hooks/nowhere", b"{}", content_type="application/json").status_code == 404
    Channel.objects.filter(network="cooee").update(network="gone")
    assert _deliver("7") == 404


def test_a_handshake_is_answered_by_the_channel_whose_token_it_is(desk: Desk, channel: Channel) -> None:
    _connect(desk, "t-other", "second")
    client = Client()
    assert client.get("/hooks/cooee", {"token": "second", "challenge": "42"}).content == b"42"
    assert client.get("/hooks/cooee", {"token": "wrong", "challenge": "42"}).status_code == 401


def _many(desk: Desk, count: int, secret: str) -> None:
    for number in range(count):
        Channel.objects.create(
            brand=desk.brand, network="cooee", external_id=f"{secret}{number}", handle=f"@{number}",
            credentials={"token": "t", "webhook_secret": secret}, settings=VALUES,
        )  # fmt: skip


def test_a_strangers_delivery_costs_one_look_for_each_secret(desk: Desk, cooee: Server) -> None:
    _many(desk, 30, "one")
    _many(desk, 30, "two")
    for accounts in (["nobody"], [f"{secret}{n}" for secret in ("one", "two") for n in range(30)]):
        cooee.checks = 0
        assert _deliver(*accounts, secret="guessed") == 401
        assert cooee.checks == 2
    assert _deliver("nobody", secret="two") == 200
    assert _deliver(*(f"two{n}" for n in range(30)), secret="two") == 200
    assert RawEvent.objects.count() == 30


def test_secrets_that_are_rotated_or_restored_are_told_apart_anew(desk: Desk, channel: Channel) -> None:
    other = _connect(desk, "t-other", "between us")

    def keys() -> set[str]:
        return set(Channel.objects.filter(network="cooee").values_list("hook_key", flat=True))

    assert len(keys()) == 1
    rotate_webhook_secret(actor=None, channel_id=channel.id)
    assert len(keys()) == 2
    assert _deliver("7", "8") == 200  # the one before is still good
    assert RawEvent.objects.filter(channel__in=[channel, other]).count() == 2


def test_more_secrets_than_can_be_tried_are_never_refused_for_good(
    desk: Desk, cooee: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_MOST_SECRETS", 3)
    for number in range(5):
        _many(desk, 1, f"secret{number}-")
    found = {_deliver("nobody", secret="secret4-") for _time in range(200)}
    assert found == {200, 503}  # sent again, it has another chance


def test_deliveries_for_accounts_that_are_not_connected_are_counted_and_shown(
    desk: Desk, channel: Channel
) -> None:
    assert _deliver("99", secret="guessed") == 401
    assert stray_today() == {}
    assert _deliver("99") == _deliver("7", "99") == 200
    assert _deliver("7") == 200
    assert stray_today() == {"cooee": 2}
    page = desk.client(Role.ADMIN).get("/channels/").content.decode()
    assert "2 deliveries today for accounts that are not connected here" in page
    assert "not connected here" not in desk.client(Role.AGENT).get("/channels/").content.decode()


def test_the_address_of_one_channel_serves_all_accounts_of_its_app(desk: Desk, channel: Channel) -> None:
    other = _connect(desk, "t-other", "between us")
    path = f"/hooks/cooee/{channel.id}"
    assert _deliver("8", path=path) == 200
    assert list(RawEvent.objects.values_list("channel_id", flat=True)) == [other.id]
    assert _deliver("99", path=path) == 200
    assert stray_today() == {"cooee": 1}
    assert _deliver("8", secret="guessed", path=path) == 401
    foreign = Channel.objects.get(id=other.id)
    foreign.credentials = {"token": "t-other", "webhook_secret": "another app"}
    foreign.save(update_fields=["credentials"])
    RawEvent.objects.all().delete()
    assert _deliver("8", path=path) == 200  # thanked for: it is not this app's account
    assert not RawEvent.objects.exists()
