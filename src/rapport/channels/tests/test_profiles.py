"""Profiles: read and written by jobs, each call with credentials that are renewed where they can be."""

from __future__ import annotations

from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand, Channel
from rapport.channels import profiles
from rapport.channels.actions import connect_channel
from rapport.channels.tests.cooee import CREDENTIALS, VALUES, Cooee, Server, cooee
from rapport.lib.errors import Invalid, NotAllowed
from rapport.networks import registry
from rapport.networks.base import Renewed
from rapport.networks.errors import CredentialsGone, TryAgain
from rapport.staff.models import User

__all__ = ["cooee"]

pytestmark = pytest.mark.django_db


def kept(channel: Channel) -> dict[str, Any]:
    found: dict[str, Any] = Channel.objects.get(id=channel.id).profile
    return found


def jobs(name: str) -> list[dict[str, Any]]:
    found = ProcrastinateJob.objects.filter(task_name=name, status="todo").order_by("id")
    return list(found.values_list("args", flat=True))


def disconnections() -> list[tuple[int | None, int | None, str]]:
    found = AuditEntry.objects.filter(action="channel.disconnected")
    return list(found.values_list("actor_id", "brand_id", "object_id"))


# Reading --------------------------------------------------------------------------------------------
def test_what_is_asked_for_is_read_by_a_job_and_shown_meanwhile(
    admin: User, channel: Channel, cooee: Server
) -> None:
    assert profiles.read_again(actor=admin, channel_ids=[channel.id]) == 1
    assert jobs(profiles.READ) == [{"channel_id": channel.id}]
    (card,) = profiles.side_by_side([Channel.objects.get(id=channel.id)])
    assert card.busy == "reading"
    cooee.accounts["t-aero"]["bio"] = "We fly further."
    Channel.objects.update(profile_read_at=None)
    profiles.read_one(channel_id=channel.id)
    assert (kept(channel)["bio"], kept(channel)["error"]) == ("We fly further.", "")
    assert "busy" not in kept(channel)
    assert Channel.objects.get(id=channel.id).profile_read_at is not None


def test_what_cannot_be_read_now_says_so_and_what_was_read_stays(channel: Channel, cooee: Server) -> None:
    cooee.failing = TryAgain("it is down")
    profiles.read_one(channel_id=channel.id)
    assert (kept(channel)["bio"], kept(channel)["error"]) == ("We fly.", "it is down")
    assert Channel.objects.get(id=channel.id).state == "active"


def test_a_connector_that_breaks_is_told_in_words(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Cooee):
        def profile(self) -> Any:
            raise KeyError("bio")

    monkeypatch.setitem(registry.connectors(), "cooee", Broken)
    profiles.read_one(channel_id=channel.id)
    assert "KeyError" in kept(channel)["error"]
    assert kept(channel)["bio"] == "We fly."


def test_credentials_that_ended_are_renewed_and_the_call_is_made_again(
    brand: Brand, cooee: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Renewing(Cooee):
        def renew(self) -> Renewed:
            return Renewed(credentials={**self.account.credentials, "token": "t-aero2"})

    monkeypatch.setitem(registry.connectors(), "cooee", Renewing)
    channel = connect_channel(
        actor=None, brand_id=brand.id, network="cooee", credentials=CREDENTIALS, settings=VALUES
    )
    del cooee.accounts["t-aero"]
    profiles.write_one(channel_id=channel.id, changes={"bio": "Renewed."})
    assert cooee.accounts["t-aero2"]["bio"] == "Renewed."
    assert (kept(channel)["bio"], kept(channel)["error"]) == ("Renewed.", "")
    assert Channel.objects.get(id=channel.id).credentials["token"] == "t-aero2"
    assert disconnections() == []


@pytest.mark.parametrize("work", ["read", "write"])
def test_credentials_that_are_gone_disconnect_the_channel_and_that_is_audited_once(
    channel: Channel, cooee: Server, work: str
) -> None:
    cooee.failing = CredentialsGone("the token was revoked")
    for _again in range(2):
        if work == "read":
            profiles.read_one(channel_id=channel.id)
        else:
            profiles.write_one(channel_id=channel.id, changes={"bio": "New."})
    found = Channel.objects.get(id=channel.id)
    assert (found.state, found.last_error) == ("disconnected", "the token was revoked")
    assert kept(channel)["error"] == "the token was revoked"
    assert disconnections() == [(None, channel.brand_id, str(channel.id))]
    assert profiles.read_again(actor=None, channel_ids=[channel.id]) == 0


# Writing --------------------------------------------------------------------------------------------
def test_what_is_written_is_audited_sent_by_a_job_and_read_back(
    admin: User, channel: Channel, cooee: Server
) -> None:
    changes = {"bio": "  We fly high. ", "name": "Aero Adria", "cat": "Tom"}
    assert profiles.write_profiles(actor=admin, channel_ids=[channel.id], changes=changes) == []
    (job,) = jobs(profiles.WRITE)
    assert job == {"channel_id": channel.id, "changes": {"bio": "We fly high.", "name": "Aero Adria"}}
    entry = AuditEntry.objects.get(action="channel.profile_written")
    assert (entry.actor_id, entry.data) == (admin.id, {"fields": ["bio", "name"]})
    assert cooee.accounts["t-aero"]["bio"] == "We fly."  # not by the page
    for _again in range(2):  # a worker that died has its job done once more
        profiles.write_one(**job)
    assert cooee.accounts["t-aero"]["bio"] == "We fly high."
    assert (kept(channel)["name"], kept(channel)["written"]["fields"]) == ("Aero Adria", ["bio", "name"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bio": "x" * 21}, "21 of at most 20"),
        ({"name": ""}, "cannot be empty"),
        ({"hours": "9-17"}, "does not let us change: Hours"),
        ({"bio": "x" * 5001}, "too long for any network"),
    ],
)
def test_what_the_network_would_not_take_is_told_before_and_nothing_is_written(
    admin: User, channel: Channel, changes: dict[str, str], words: str
) -> None:
    ((told, problem),) = profiles.write_profiles(actor=admin, channel_ids=[channel.id], changes=changes)
    assert told == channel.id
    assert words in problem
    assert jobs(profiles.WRITE) == []
    assert not AuditEntry.objects.filter(action="channel.profile_written").exists()


def test_profiles_are_for_admins_and_something_must_be_chosen(
    admin: User, agent: User, channel: Channel
) -> None:
    with pytest.raises(NotAllowed):
        profiles.read_again(actor=agent, channel_ids=[channel.id])
    with pytest.raises(NotAllowed):
        profiles.write_profiles(actor=agent, channel_ids=[channel.id], changes={"bio": "Mine."})
    with pytest.raises(Invalid):
        profiles.write_profiles(actor=admin, channel_ids=[], changes={"bio": "Nobody's."})
    with pytest.raises(Invalid):
        profiles.write_profiles(actor=admin, channel_ids=[channel.id], changes={"cat": "Tom"})
    assert (jobs(profiles.READ), jobs(profiles.WRITE)) == ([], [])
