"""Somebody goes, a team goes: their cases, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pytest_django import DjangoAssertNumQueries

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand, Channel
from rapport.inbox.actions import assign_case, close_case, handover, set_priority
from rapport.inbox.models import Case, CaseEvent, CaseEventKind
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.staff.models import Membership, Reversal, Role, Team, User


@dataclass
class Place:
    """A brand with its people, and two open cases and a closed one of the agent's, the first with a team."""

    brand: Brand
    channel: Channel
    admin: User
    lead: User
    agent: User
    heir: User
    team: Team
    cases: list[Case]

    def holders(self) -> list[int | None]:
        return [Case.objects.get(id=case.id).assignee_id for case in self.cases]


@pytest.fixture
def place(db: None) -> Place:
    brand = make_brand()
    channel = make_channel(brand)
    admin, lead, agent, heir = (
        make_user(name, brand=brand, role=role)
        for name, role in (
            ("Ada A", Role.ADMIN), ("Lea L", Role.LEAD), ("Ivo I", Role.AGENT), ("Mia M", Role.AGENT),
        )
    )  # fmt: skip
    team = Team.objects.create(brand=brand, name="Night")
    team.members.add(agent)
    cases = [case_of(say(channel, make_contact(channel, name), "Hello?")) for name in ("Ana", "Bo", "Cy")]
    for case in cases:
        assign_case(actor=lead, case_id=case.id, assignee_id=agent.id)
    assign_case(actor=lead, case_id=cases[0].id, assignee_id=agent.id, team_id=team.id)
    close_case(actor=lead, case_id=cases[2].id, reason="spam")
    return Place(brand, channel, admin, lead, agent, heir, team, cases)


def test_open_cases_go_to_the_heir_with_their_history_and_closed_ones_stay(place: Place) -> None:
    done = handover.leave(
        actor=place.lead, person_id=place.agent.id, brand_id=None, heirs={place.brand.id: place.heir.id}
    )
    assert done.cases == 2
    assert place.holders() == [place.heir.id, place.heir.id, place.agent.id]
    assert not User.objects.get(id=place.agent.id).is_active
    event = CaseEvent.objects.filter(case=place.cases[0], kind=CaseEventKind.ASSIGNED).order_by("-id")[0]
    assert (event.actor_id, event.data) == (
        place.lead.id,
        {"from": place.agent.id, "to": place.heir.id, "from_team": place.team.id, "to_team": place.team.id},
    )
    assert AuditEntry.objects.filter(action="case.assigned", actor=place.lead, data=event.data).count() == 1


def test_undo_gives_back_login_and_cases_but_those_somebody_changed_since(place: Place) -> None:
    done = handover.leave(actor=place.lead, person_id=place.agent.id, brand_id=None, heirs={})
    assert place.holders()[:2] == [None, None]
    set_priority(actor=place.lead, case_id=place.cases[1].id, priority=4)
    back = handover.undo(actor=place.lead, reversal_id=done.reversal.pk)
    assert (back.cases, back.kept) == (1, 1)
    assert place.holders()[:2] == [place.agent.id, None]
    assert User.objects.get(id=place.agent.id).is_active
    with pytest.raises(Conflict):
        handover.undo(actor=place.lead, reversal_id=done.reversal.pk)


def test_leaving_one_brand_takes_role_and_teams_there_and_undo_brings_them_back(place: Place) -> None:
    elsewhere = make_brand("bistro")
    Membership.objects.create(user=place.agent, brand=elsewhere, role=Role.AGENT)
    done = handover.leave(actor=place.lead, person_id=place.agent.id, brand_id=place.brand.id, heirs={})
    assert list(place.agent.memberships.values_list("brand_id", flat=True)) == [elsewhere.id]
    assert not place.agent.teams.exists()
    assert User.objects.get(id=place.agent.id).is_active
    handover.undo(actor=place.lead, reversal_id=done.reversal.pk)
    assert place.agent.memberships.get(brand=place.brand).role == Role.AGENT
    assert list(place.agent.teams.all()) == [place.team]
    assert place.holders()[:2] == [place.agent.id, place.agent.id]


def test_becoming_a_viewer_hands_cases_over_too(place: Place) -> None:
    handover.leave(
        actor=place.lead, person_id=place.agent.id, brand_id=place.brand.id, role=Role.VIEWER, heirs={}
    )
    assert place.agent.memberships.get().role == Role.VIEWER
    assert place.holders()[:2] == [None, None]


def test_heirs_must_be_able_to_answer_there(place: Place) -> None:
    viewer, stranger = make_user("Vi V", brand=place.brand, role=Role.VIEWER), make_user("St S")
    for heir in (viewer, stranger, place.agent):
        with pytest.raises(Invalid):
            handover.leave(
                actor=place.lead, person_id=place.agent.id, brand_id=None, heirs={place.brand.id: heir.id}
            )
    assert place.holders()[:2] == [place.agent.id, place.agent.id]
    assert User.objects.get(id=place.agent.id).is_active


def test_who_may_let_whom_go(place: Place) -> None:
    def goes(actor: User, person: User, brand_id: int | None) -> None:
        handover.leave(actor=actor, person_id=person.id, brand_id=brand_id, heirs={})

    for brand_id in (None, place.brand.id):
        with pytest.raises(NotAllowed):  # above one's own role
            goes(place.lead, place.admin, brand_id)
        with pytest.raises(NotAllowed):
            goes(place.heir, place.agent, brand_id)
    elsewhere = make_brand("bistro")
    Membership.objects.create(user=place.agent, brand=elsewhere, role=Role.VIEWER)
    with pytest.raises(NotAllowed):  # a lead of one brand does not end a login that another brand needs
        goes(place.lead, place.agent, None)
    with pytest.raises(NotFound):
        goes(place.lead, place.agent, elsewhere.id)
    with pytest.raises(NotFound):
        goes(place.lead, make_user("St S", brand=elsewhere), None)
    with pytest.raises(Invalid):  # nobody locks themselves out
        goes(place.lead, place.lead, None)


def test_the_last_admin_stays_until_there_is_another_or_an_owner(place: Place) -> None:
    for brand_id in (place.brand.id,):
        with pytest.raises(Invalid):
            handover.leave(actor=place.admin, person_id=place.admin.id, brand_id=brand_id, heirs={})
    second = make_user("Be B", brand=place.brand, role=Role.ADMIN)
    User.objects.filter(id=second.id).update(is_active=False)  # one who cannot log in does not count
    with pytest.raises(Invalid):
        handover.leave(actor=place.admin, person_id=place.admin.id, brand_id=place.brand.id, heirs={})
    User.objects.filter(id=second.id).update(is_active=True)
    handover.leave(actor=second, person_id=place.admin.id, brand_id=None, heirs={})
    assert not User.objects.get(id=place.admin.id).is_active


def test_a_team_goes_and_comes_back(place: Place) -> None:
    place.team.channels.add(place.channel)
    done = handover.delete_team(actor=place.lead, team_id=place.team.id)
    case = Case.objects.get(id=place.cases[0].id)
    assert (done.cases, case.team_id, case.assignee_id) == (1, None, place.agent.id)
    assert not place.channel.teams.exists()  # the channel is everybody's again
    assert not place.agent.teams.exists()
    again = Team.objects.create(brand=place.brand, name="Night")
    with pytest.raises(Conflict):
        handover.undo(actor=place.lead, reversal_id=done.reversal.pk)
    again.delete()
    handover.undo(actor=place.lead, reversal_id=done.reversal.pk)
    assert Case.objects.get(id=case.id).team_id == place.team.id
    assert list(place.channel.teams.all()) == [place.team]


def test_only_whoever_did_it_undoes_it_and_only_while_they_may(place: Place) -> None:
    done = handover.leave(actor=place.lead, person_id=place.agent.id, brand_id=place.brand.id, heirs={})
    with pytest.raises(NotFound):
        handover.undo(actor=place.admin, reversal_id=done.reversal.pk)
    Membership.objects.filter(user=place.lead).update(role=Role.AGENT)
    with pytest.raises(NotAllowed):
        handover.undo(actor=place.lead, reversal_id=done.reversal.pk)
    assert Reversal.objects.get().undone_at is None


@pytest.mark.parametrize("count", [1, 40])
def test_it_takes_as_many_statements_for_forty_cases_as_for_one(
    place: Place, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        case = case_of(say(place.channel, make_contact(place.channel, f"P{number}"), "Hello?"))
        Case.objects.filter(id=case.id).update(assignee=place.agent)
    with django_assert_max_num_queries(45):
        done = handover.leave(
            actor=place.lead, person_id=place.agent.id, brand_id=None, heirs={place.brand.id: place.heir.id}
        )
    assert done.cases == count + 2
