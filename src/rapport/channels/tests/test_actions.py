from typing import Any

import pytest

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand, Channel, ChannelState
from rapport.channels import actions, rotation
from rapport.channels.actions import ChannelOptions
from rapport.channels.models import FormerSecret
from rapport.channels.tests.cooee import CREDENTIALS, VALUES, Server
from rapport.inbox.tests.making import make_brand, make_user
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.networks.errors import Refused, TryAgain
from rapport.staff.models import Role, Team, User


def _connect(actor: User | None, brand: Brand, **given: Any) -> Channel:
    return actions.connect_channel(
        actor=actor,
        brand_id=brand.id,
        network="cooee",
        **{"credentials": CREDENTIALS, "settings": VALUES, **given},
    )


def _again(channel: Channel) -> Channel:
    return Channel.objects.get(id=channel.id)


def test_a_connected_channel_is_who_the_network_says(admin: User, brand: Brand, cooee: Server) -> None:
    team = Team.objects.create(brand=brand, name="Night")
    options = ChannelOptions(role="support", hours={"mon": [["09:00", "17:00"]]}, team_ids=[team.id])
    channel = _again(_connect(admin, brand, options=options))
    assert (channel.external_id, channel.handle, channel.name) == ("7", "@aero", "Aero")
    assert channel.credentials == CREDENTIALS
    assert channel.settings == VALUES | {"limit": 200}
    assert channel.credentials_expire_at is not None
    assert channel.profile["bio"] == "We fly."
    assert (channel.role, channel.hours) == ("support", {"mon": [["09:00", "17:00"]]})
    assert (channel.polled, channel.streamed) == (True, False)  # it has no stream
    assert list(channel.teams.all()) == [team]
    entry = AuditEntry.objects.get(action="channel.connected")
    assert (entry.actor_id, entry.object_id) == (admin.id, str(channel.id))


def test_only_an_admin_of_that_brand_connects(agent: User, brand: Brand, cooee: Server) -> None:
    with pytest.raises(NotAllowed):
        _connect(agent, brand)
    with pytest.raises(NotFound):
        _connect(make_user("Zoe", brand=make_brand("bistro"), role=Role.ADMIN), brand)
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (TryAgain("it is down"), "cannot be asked now: it is down"),
        (Refused("closed to robots."), "refused: closed to robots."),
        (None, "does not accept these credentials: the token is not known"),
    ],
)
def test_a_no_is_told_in_words_and_nothing_is_kept(
    admin: User, brand: Brand, cooee: Server, failure: Any, words: str
) -> None:
    cooee.failing = failure
    with pytest.raises(Invalid, match=words):
        _connect(admin, brand, credentials={"token": "wrong"})
    assert not Channel.objects.exists()


def test_the_same_account_twice_is_a_conflict(admin: User, brand: Brand, channel: Channel) -> None:
    with pytest.raises(Conflict, match="connected already"):
        _connect(admin, brand)
    assert Channel.objects.count() == 1


def test_reconnecting_keeps_the_channel_and_clears_its_failures(admin: User, channel: Channel) -> None:
    Channel.objects.filter(id=channel.id).update(
        state=ChannelState.DISCONNECTED, failures=9, last_error="gone", cursor={"after": "5"}
    )
    actions.reconnect_channel(
        actor=admin, channel_id=channel.id, credentials={"token": "t-aero2"}, settings=VALUES
    )
    channel = _again(channel)
    assert (channel.state, channel.failures, channel.last_error) == ("active", 0, "")
    assert channel.cursor == {"after": "5"}
    assert channel.credentials == {"token": "t-aero2"}


def test_reconnecting_with_another_account_is_refused(admin: User, channel: Channel) -> None:
    with pytest.raises(Invalid, match=r"@other.*this channel is @aero"):
        actions.reconnect_channel(actor=admin, channel_id=channel.id, credentials={"token": "t-other"})
    assert _again(channel).credentials == CREDENTIALS


def test_pause_resume_and_disconnect(admin: User, channel: Channel) -> None:
    given = {"actor": admin, "channel_id": channel.id}
    assert actions.pause_channel(**given).state == "paused"
    assert actions.resume_channel(**given).state == "active"
    actions.disconnect_channel(**given)
    channel = _again(channel)
    assert (channel.state, channel.credentials) == ("disconnected", None)
    for action in (actions.pause_channel, actions.resume_channel):
        with pytest.raises(Conflict):
            action(**given)


def test_options_change_and_only_teams_of_the_brand_are_taken(admin: User, channel: Channel) -> None:
    foreign = Team.objects.create(brand=make_brand("bistro"), name="Kitchen")
    with pytest.raises(Invalid):
        actions.update_channel(
            actor=admin, channel_id=channel.id, options=ChannelOptions(role="status", team_ids=[foreign.id])
        )
    assert _again(channel).role == "main"
    actions.update_channel(
        actor=admin, channel_id=channel.id, options=ChannelOptions(role="status", polled=False)
    )
    assert (_again(channel).role, _again(channel).polled) == ("status", False)
    changed = AuditEntry.objects.get(action="channel.updated").data
    assert changed == {"changed": ["polled", "role"]}


def test_a_rotated_secret_keeps_the_one_before_for_a_day(admin: User, channel: Channel) -> None:
    new = rotation.rotate_webhook_secret(actor=admin, channel_id=channel.id)
    assert _again(channel).account().secrets("webhook_secret") == (new, "between us")
    assert rotation.forget_former_secrets() == 0
    FormerSecret.objects.update(until="2020-01-01T00:00Z")
    assert rotation.forget_former_secrets() == 1
    assert _again(channel).account().secrets("webhook_secret") == (new,)
    assert rotation.forget_former_secrets() == 0


def test_only_webhook_secrets_are_rotated(admin: User, channel: Channel, agent: User) -> None:
    with pytest.raises(Invalid):
        rotation.rotate_webhook_secret(actor=admin, channel_id=channel.id, name="token")
    with pytest.raises(NotAllowed):
        rotation.rotate_webhook_secret(actor=agent, channel_id=channel.id)


def test_audit_never_holds_a_secret(admin: User, channel: Channel) -> None:
    new = rotation.rotate_webhook_secret(actor=admin, channel_id=channel.id)
    told = str(list(AuditEntry.objects.values()))
    assert [one for one in (new, "between us", "t-aero") if one in told] == []
