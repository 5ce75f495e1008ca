"""People, teams, invitations: who sees what, who may do what, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from axes.utils import reset
from django.core import mail
from django.test import Client, override_settings
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.inbox.actions import assign_case
from rapport.inbox.models import Case
from rapport.inbox.tests.making import make_user
from rapport.staff.actions.invitations import Invited, invite
from rapport.staff.models import Invitation, Membership, Role, Session, Team, User
from rapport.web.tests.conftest import Desk

ROLES = ["owner", *Role.values, "stranger"]
MANAGERS = {"owner", "admin", "lead"}
MEMBERS = MANAGERS | {"agent", "viewer"}


@dataclass
class World:
    """The desk's people, an owner, somebody of the other brand, and one of everything to act on, per brand."""

    desk: Desk
    target: User
    foreigner: User
    team: Team
    other_team: Team
    invited: Invited
    other_invited: Invited

    def client(self, role: str) -> Client:
        return self.desk.client(role)


@pytest.fixture
def world(desk: Desk) -> World:
    owner = make_user("Olga Owner")
    User.objects.filter(id=owner.id).update(is_superuser=True)
    owner.refresh_from_db()
    foreign_lead = make_user("Fred Foreign", brand=desk.other_brand, role=Role.LEAD)
    desk.people |= {"owner": owner, "stranger": foreign_lead}
    target = make_user("Tina Target", brand=desk.brand, role=Role.AGENT)
    return World(
        desk,
        target,
        make_user("Nils Nowhere", brand=desk.other_brand, role=Role.AGENT),
        Team.objects.create(brand=desk.brand, name="Night"),
        Team.objects.create(brand=desk.other_brand, name="Kitchen"),
        invite(actor=desk.people["lead"], email="new@example.com", brand_id=desk.brand.id, role="agent"),
        invite(actor=foreign_lead, email="x@example.com", brand_id=desk.other_brand.id, role="agent"),
    )


@dataclass(frozen=True)
class Endpoint:
    """``mine`` and ``foreign`` are its address for something of the desk's brand and of the other's."""

    name: str
    allowed: set[str]
    mine: Callable[[World], str]
    foreign: Callable[[World], str] | None = None
    form: Callable[[World], dict[str, object]] | None = None  # None: it is read
    refused: int = 403


ENDPOINTS = [
    Endpoint("list", set(ROLES), lambda w: "/people/"),
    Endpoint("table", set(ROLES), lambda w: "/people/permissions/"),
    Endpoint("teams", set(ROLES), lambda w: "/people/teams/"),
    Endpoint("account", set(ROLES), lambda w: "/account/"),
    Endpoint("person", MEMBERS, lambda w: f"/people/{w.target.id}/", lambda w: f"/people/{w.foreigner.id}/"),
    Endpoint("team", MANAGERS, lambda w: f"/people/teams/{w.team.id}/", lambda w: f"/people/teams/{w.other_team.id}/"),
    Endpoint("team save", MANAGERS, lambda w: f"/people/teams/{w.team.id}/",
             lambda w: f"/people/teams/{w.other_team.id}/", lambda w: {"name": "Owls"}),
    Endpoint("team new", MANAGERS, lambda w: "/people/teams/new/", None,
             lambda w: {"name": "Day", "brand": w.desk.brand.id}),
    Endpoint("team delete", MANAGERS, lambda w: f"/people/teams/{w.team.id}/delete/",
             lambda w: f"/people/teams/{w.other_team.id}/delete/", lambda w: {}),
    Endpoint("role", MANAGERS, lambda w: f"/people/{w.target.id}/role/", lambda w: f"/people/{w.foreigner.id}/role/",
             lambda w: {"brand": w.desk.brand.id, "role": "lead"}),
    Endpoint("leave", MANAGERS, lambda w: f"/people/{w.target.id}/leave/", lambda w: f"/people/{w.foreigner.id}/leave/",
             lambda w: {}),
    Endpoint("leave a brand", MANAGERS, lambda w: f"/people/{w.target.id}/leave/",
             lambda w: f"/people/{w.foreigner.id}/leave/", lambda w: {"brand": w.desk.brand.id}),
    Endpoint("reactivate", MANAGERS, lambda w: f"/people/{w.target.id}/reactivate/",
             lambda w: f"/people/{w.foreigner.id}/reactivate/", lambda w: {}),
    Endpoint("sign out", MANAGERS, lambda w: f"/people/{w.target.id}/sign-out/",
             lambda w: f"/people/{w.foreigner.id}/sign-out/", lambda w: {}),
    Endpoint("owner", {"owner"}, lambda w: f"/people/{w.target.id}/owner/", lambda w: f"/people/{w.foreigner.id}/owner/",
             lambda w: {"owner": "yes"}),
    Endpoint("invite", MANAGERS, lambda w: "/people/invitations/", None,
             lambda w: {"brand": w.desk.brand.id, "email": "one@example.com", "role": "agent"}),
    Endpoint("renew", MANAGERS, lambda w: f"/people/invitations/{w.invited.invitation.id}/renew/",
             lambda w: f"/people/invitations/{w.other_invited.invitation.id}/renew/", lambda w: {}),
    Endpoint("revoke", MANAGERS, lambda w: f"/people/invitations/{w.invited.invitation.id}/revoke/",
             lambda w: f"/people/invitations/{w.other_invited.invitation.id}/revoke/", lambda w: {}),
]  # fmt: skip


def _state() -> list[object]:
    """Everything these pages could change."""
    return [
        list(User.objects.order_by("id").values("id", "is_active", "is_superuser")),
        list(Membership.objects.order_by("id").values("user_id", "brand_id", "role")),
        list(Team.everything.order_by("id").values("id", "name", "deleted_at")),
        list(Invitation.objects.order_by("id").values("id", "token_sha256", "revoked_at", "accepted_at")),
        list(Case.objects.order_by("id").values("id", "assignee_id", "team_id")),
    ]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_every_role_at_every_address(world: World, endpoint: Endpoint, role: str) -> None:
    Invitation.objects.update(renewed_at=timezone.now() - timedelta(hours=1))
    client = world.client(role)

    def ask(address: str) -> int:
        if endpoint.form is None:
            return client.get(address).status_code
        return client.post(address, endpoint.form(world)).status_code

    before = _state()
    status = ask(endpoint.mine(world))
    if role in endpoint.allowed:
        assert status in {200, 302}
    else:
        assert status == (404 if role == "stranger" else endpoint.refused)
        assert _state() == before
    if endpoint.foreign is None or role in {"owner", "stranger"}:
        return
    before = _state()
    assert ask(endpoint.foreign(world)) == 404  # as if it did not exist
    assert _state() == before


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_nobody_without_a_login(world: World, endpoint: Endpoint) -> None:
    before = _state()
    client = Client()
    answer = client.get(endpoint.mine(world))
    if endpoint.form is not None:
        answer = client.post(endpoint.mine(world), endpoint.form(world))
    assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)
    assert _state() == before


@pytest.mark.parametrize("role", ["lead", "agent", "viewer"])
def test_the_list_names_colleagues_and_nobody_else(world: World, role: str) -> None:
    page = world.client(role).get("/people/").content.decode()
    assert "Tina Target" in page
    assert "Olga Owner" in page  # owners work for every brand
    assert "Nils Nowhere" not in page
    assert "Bistro" not in page
    assert ("Last seen" in page) == (role == "lead")
    assert ("/people/invitations/" in page) == (role == "lead")


def test_a_lead_gives_roles_up_to_their_own_and_touches_nobody_above(world: World) -> None:
    lead, brand = world.client("lead"), world.desk.brand.id
    address = f"/people/{world.target.id}/role/"
    assert lead.post(address, {"brand": brand, "role": "admin"}).status_code == 403
    assert lead.post(address, {"brand": world.desk.other_brand.id, "role": "agent"}).status_code == 404
    assert lead.post(address, {"brand": brand, "role": "king"}).status_code == 422
    admin = world.desk.people["admin"]
    assert lead.post(f"/people/{admin.id}/role/", {"brand": brand, "role": "agent"}).status_code == 403
    assert lead.post(address, {"brand": brand, "role": "lead", "expected": "viewer"}).status_code == 409
    assert world.target.memberships.get().role == Role.AGENT
    answer = lead.post(
        address, {"brand": brand, "role": "lead", "expected": "agent"}, HTTP_HX_REQUEST="true"
    ).content.decode()
    assert world.target.memberships.get().role == Role.LEAD
    assert f'id="person-{world.target.id}"' in answer
    assert 'name="role" value="agent"' in answer.split('id="toasts"')[1]  # the way back


def test_letting_somebody_go_hands_their_cases_over_with_undo(world: World) -> None:
    case = world.desk.case
    assign_case(actor=world.desk.people["lead"], case_id=case.id, assignee_id=world.target.id)
    theirs = Client()
    theirs.force_login(world.target, backend="django.contrib.auth.backends.ModelBackend")
    assert theirs.get("/people/").status_code == 200
    lead = world.client("lead")
    page = lead.get(f"/people/{world.target.id}/leave/").content.decode()
    assert "1 open case" in page
    assert "Ana" in page
    heir = world.desk.people["agent"]
    form = {f"to-{world.desk.brand.id}": heir.id}
    gone = lead.post(f"/people/{world.target.id}/leave/", form)
    assert Case.objects.get(id=case.id).assignee_id == heir.id
    assert theirs.get("/people/").status_code == 302  # logged out at once
    undo = re.search(r"/people/undo/\d+/", lead.get(gone["Location"]).content.decode())
    assert undo is not None
    assert world.client("agent").post(undo[0]).status_code == 404
    assert lead.post(undo[0]).status_code == 302
    assert Case.objects.get(id=case.id).assignee_id == world.target.id
    assert User.objects.get(id=world.target.id).is_active


@pytest.mark.parametrize("value", ["x", "9" * 30, "-1", "0"])
def test_an_heir_that_is_nobody_changes_nothing(world: World, value: str) -> None:
    form = {f"to-{world.desk.brand.id}": value}
    answer = world.client("lead").post(f"/people/{world.target.id}/leave/", form)
    assert answer.status_code == 422
    assert User.objects.get(id=world.target.id).is_active


def test_signing_out_ends_every_login(world: World) -> None:
    theirs = Client()
    theirs.force_login(world.target, backend="django.contrib.auth.backends.ModelBackend")
    assert Session.objects.filter(user=world.target).count() == 1
    world.client("lead").post(f"/people/{world.target.id}/sign-out/")
    assert theirs.get("/desk/").status_code == 302
    assert AuditEntry.objects.filter(action="user.signed_out").count() == 1


# Invitations ------------------------------------------------------------------------------------------
def _link(page: str) -> str:
    found = re.search(r"/invitation/[\w-]+/", page)
    assert found is not None
    return found[0]


def _invite(world: World, email: str = "mia@example.com", role: str = "agent") -> str:
    form = {"brand": world.desk.brand.id, "email": email, "role": role, "team": world.team.id}
    return _link(world.client("lead").post("/people/invitations/", form).content.decode())


NEW = {"name": "Mia Marin", "password": "a long enough password", "language": "hr"}


def test_a_newcomer_comes_in_once(world: World) -> None:
    link = _invite(world)
    newcomer = Client()
    assert b"mia@example.com" in newcomer.get(link).content
    assert newcomer.post(link, {**NEW, "password": "short"}).status_code == 422
    assert newcomer.post(link, {**NEW, "name": ""}).status_code == 422
    assert newcomer.post(link, NEW)["Location"] == "/desk/"
    assert newcomer.get("/desk/").status_code in {200, 302}
    user = User.objects.get(email="mia@example.com")
    assert (user.name, user.language, user.initials) == ("Mia Marin", "hr", "MM")
    assert user.memberships.get().role == Role.AGENT
    assert list(user.teams.all()) == [world.team]
    assert Client().get(link).status_code == 410
    assert Client().post(link, NEW).status_code == 410
    assert not Invitation.objects.filter(token_sha256=link.split("/")[2]).exists()  # only its hash is kept
    assert AuditEntry.objects.filter(action="invitation.accepted", actor=user).count() == 1


def test_somebody_with_a_login_adds_the_brand_to_it_and_never_loses_a_role(world: World) -> None:
    link = _invite(world, world.foreigner.email)
    client = Client()
    assert b"/login/?next=/invitation/" in client.get(link).content
    client.force_login(world.foreigner, backend="django.contrib.auth.backends.ModelBackend")
    client.post(link)
    assert set(world.foreigner.memberships.values_list("brand_id", flat=True)) == {
        world.desk.brand.id,
        world.desk.other_brand.id,
    }
    again = invite(
        actor=world.desk.people["owner"],
        email="late@example.com",
        brand_id=world.desk.brand.id,
        role="viewer",
    )
    User.objects.filter(id=world.target.id).update(email="late@example.com")
    client.force_login(
        User.objects.get(id=world.target.id), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert client.post(f"/invitation/{again.token}/").status_code == 302
    assert world.target.memberships.get().role == Role.AGENT


def test_a_link_of_somebody_else_is_not_for_me(world: World) -> None:
    link = _invite(world)
    agent = world.client("agent")
    assert b"Log out" in agent.get(link).content
    assert agent.post(link).status_code == 403
    assert not User.objects.filter(email="mia@example.com").exists()


@pytest.mark.parametrize("why", ["old", "taken back", "replaced", "maker demoted", "maker gone"])
def test_a_link_that_ended_lets_nobody_in(world: World, why: str) -> None:
    link = _invite(world, role="lead")
    found = Invitation.objects.get(email="mia@example.com")
    lead = world.desk.people["lead"]
    if why == "old":
        Invitation.objects.filter(id=found.id).update(expires_at=timezone.now())
    elif why == "taken back":
        world.client("lead").post(f"/people/invitations/{found.id}/revoke/")
    elif why == "replaced":
        Invitation.objects.filter(id=found.id).update(renewed_at=timezone.now() - timedelta(minutes=2))
        page = world.client("admin").post(f"/people/invitations/{found.id}/renew/").content.decode()
        assert Client().get(_link(page)).status_code == 200
    elif why == "maker demoted":
        Membership.objects.filter(user=lead).update(role=Role.AGENT)
    else:
        User.objects.filter(id=lead.id).update(is_active=False)
    assert Client().post(link, NEW).status_code == (404 if why == "replaced" else 410)
    assert not User.objects.filter(email="mia@example.com").exists()
    reset()


def test_invitations_say_what_is_wrong_and_keep_what_was_typed(world: World) -> None:
    lead, brand = world.client("lead"), world.desk.brand.id

    def post(**form: object) -> int:
        return lead.post("/people/invitations/", {"brand": brand, "role": "agent", **form}).status_code

    for email in ("nonsense", "", "a@b", "x" * 300 + "@example.com", "\0@example.com"):
        assert post(email=email) == 422, email
    assert post(email=world.target.email) == 422  # works here already
    assert post(email="NEW@example.com") == 422  # is invited already
    assert post(email="ok@example.com", role="admin") == 403
    assert post(email="ok@example.com", role="king") == 422
    assert post(email="ok@example.com", team=world.other_team.id) == 422
    assert post(email="ok@example.com", brand=world.desk.other_brand.id) == 404
    assert post(email="ok@example.com", brand="x") == 404
    assert not Invitation.objects.filter(email="ok@example.com").exists()
    page = lead.post("/people/invitations/", {"brand": brand, "email": "nonsense", "role": "viewer"})
    assert b'value="nonsense"' in page.content


def test_sending_again_waits_a_minute_and_a_day_has_a_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, number = world.client("lead"), world.invited.invitation.id
    assert lead.post(f"/people/invitations/{number}/renew/").status_code == 422
    monkeypatch.setattr("rapport.staff.actions.invitations.A_DAY", 1)
    form = {"brand": world.desk.brand.id, "role": "agent", "email": "one@example.com"}
    assert lead.post("/people/invitations/", form).status_code == 422


def test_the_link_leaves_by_mail_where_a_server_is_set_up(world: World) -> None:
    with override_settings(RAPPORT_SMTP=True):
        _mailed(world)


def _mailed(world: World) -> None:
    User.objects.filter(id=world.desk.people["lead"].id).update(name="Lea\nBcc: x@example.com")
    link = _invite(world)
    assert [one.to for one in mail.outbox] == [["mia@example.com"]]
    assert link in mail.outbox[0].body
    assert "\n" not in mail.outbox[0].subject
    assert Invitation.objects.get(email="mia@example.com").mailed_at is not None


def test_guessing_links_is_stopped(world: World) -> None:
    reset()
    try:
        statuses = [Client().get(f"/invitation/guess-{number}/").status_code for number in range(12)]
        assert statuses[0] == 404
        assert statuses[-1] == 429
        elsewhere = Client(REMOTE_ADDR="192.0.2.9")
        assert elsewhere.get(f"/invitation/{world.invited.token}/").status_code == 200
    finally:
        reset()


# Teams ------------------------------------------------------------------------------------------------
def test_a_team_is_made_filled_deleted_and_brought_back(world: World) -> None:
    lead, brand = world.client("lead"), world.desk.brand
    made = lead.post("/people/teams/new/", {"brand": brand.id, "name": " Early  birds "})
    team = Team.objects.get(name="Early birds")
    assert made["Location"] == f"/people/teams/{team.id}/"
    form = {"name": "Birds", "member": [world.target.id], "channel": [world.desk.channel.id]}
    assert lead.post(f"/people/teams/{team.id}/", form).status_code == 302
    assert list(team.members.all()) == [world.target]
    assert list(team.channels.all()) == [world.desk.channel]
    for wrong in (
        {"member": world.foreigner.id},
        {"channel": world.desk.other_case.channel_id},
        {"member": "x"},
    ):
        assert lead.post(f"/people/teams/{team.id}/", {**form, **wrong}).status_code == 422
    assert lead.post("/people/teams/new/", {"brand": brand.id, "name": "Birds"}).status_code == 422
    assert lead.post("/people/teams/new/", {"brand": brand.id, "name": ""}).status_code == 422
    gone = lead.post(f"/people/teams/{team.id}/delete/")
    assert not Team.objects.filter(id=team.id).exists()
    assert lead.get(f"/people/teams/{team.id}/").status_code == 404
    undo = re.search(r"/people/undo/\d+/", lead.get(gone["Location"]).content.decode())
    assert undo is not None
    lead.post(undo[0])
    assert list(Team.objects.get(id=team.id).channels.all()) == [world.desk.channel]


def test_the_table_names_the_people_of_each_role(world: World) -> None:
    page = world.client("viewer").get("/people/permissions/").content.decode()
    for name in ("Olga Owner", "Lead Person", "Tina Target", "Viewer Person"):
        assert name in page
    assert "Nils Nowhere" not in page
    assert world.client("viewer").get("/people/permissions/?brand=bistro").status_code == 404


@pytest.mark.parametrize("value", ["9" * 30, "-1", "\0", "²", "x" * 5000])
def test_no_narrowing_is_an_error_of_ours(world: World, value: str) -> None:
    for name in ("q", "brand", "role", "team", "availability", "login", "page", "undo"):
        assert world.client("lead").get("/people/", {name: value}).status_code == 200, name
    assert world.client("lead").get("/people/teams/", {"brand": value, "undo": value}).status_code == 200


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ("q=tina", {"Tina Target"}),
        ("q=refunds", {"Tina Target"}),
        ("role=viewer", {"Viewer Person"}),
        ("role=owner", {"Olga Owner"}),
        ("availability=away", {"Agent Person"}),
        ("team=night", {"Tina Target"}),
    ],
)
def test_the_list_is_narrowed(world: World, narrowed: str, found: set[str]) -> None:
    User.objects.filter(id=world.target.id).update(skills=["Refunds"])
    User.objects.filter(id=world.desk.people["agent"].id).update(availability="away")
    ended = timezone.now() - timedelta(minutes=1)
    User.objects.filter(id=world.desk.people["admin"].id).update(availability="away", away_until=ended)
    world.team.members.add(world.target)
    page = world.client("lead").get("/people/?" + narrowed.replace("night", str(world.team.id)))
    names = set(re.findall(r'<a href="/people/\d+/"><bdi>([^<]+)</bdi>', page.content.decode()))
    assert names == found
