from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.brands.models import Channel
from rapport.inbox import actions
from rapport.inbox.actions.bulk import MOST_CASES, Outcome, Pick
from rapport.inbox.actions.bulk_undo import undo_bulk
from rapport.inbox.actions.bulk_work import (
    assign_cases,
    close_cases,
    merge_picked,
    reopen_cases,
    set_priorities,
    snooze_cases,
    tag_cases,
    untag_cases,
)
from rapport.inbox.models import BulkAct, Case, CaseEvent, Tag
from rapport.inbox.tests.making import (
    case_of,
    make_brand,
    make_case,
    make_channel,
    make_contact,
    make_user,
    say,
)
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.staff.models import Membership, Role, Team, User

pytestmark = pytest.mark.django_db
LATER = timezone.now() + timedelta(days=2)


def picks(cases: Sequence[Case]) -> list[Pick]:
    """As somebody picked them who sees them as they are now."""
    return [Pick(case.id, Case.objects.get(id=case.id).version) for case in cases]


@pytest.fixture
def cases(channel: Channel) -> list[Case]:
    return [make_case(channel, f"c{n}", minutes=n) for n in range(5)]


Deed = Callable[[User, Sequence[Pick]], Outcome]
EVERY_DEED: dict[str, Deed] = {
    "assign": lambda user, some: assign_cases(actor=user, picks=some, assignee_id=user.id),
    "priority": lambda user, some: set_priorities(actor=user, picks=some, priority=4),
    "snooze": lambda user, some: snooze_cases(actor=user, picks=some, until=LATER),
    "close": lambda user, some: close_cases(actor=user, picks=some, reason="spam"),
    "reopen": lambda user, some: reopen_cases(actor=user, picks=some),
    "tag": lambda user, some: tag_cases(actor=user, picks=some, name="refund"),
    "untag": lambda user, some: untag_cases(actor=user, picks=some, name="BAG"),
}


def state(cases: Sequence[Case]) -> list[tuple[Any, ...]]:
    """All of the cases that a deed may change, but for the version."""
    columns = [
        "id",
        "assignee_id",
        "team_id",
        "priority",
        "status",
        "snoozed_until",
        "closed_at",
        "settled_at",
        "close_reason",
        "waiting_since",
    ]
    rows = Case.objects.filter(id__in=[case.id for case in cases]).order_by("id")
    return [
        (*row, sorted(Case.objects.get(id=row[0]).tags.values_list("name", flat=True)))
        for row in rows.values_list(*columns)
    ]


@pytest.fixture
def mixed(cases: list[Case], agent: User) -> list[Case]:
    """Open, assigned, snoozed and closed ones, some tagged, some urgent."""
    team = Team.objects.create(brand=cases[0].brand, name="Bags")
    actions.assign_case(actor=agent, case_id=cases[1].id, assignee_id=agent.id, team_id=team.id)
    actions.snooze_case(actor=agent, case_id=cases[2].id, until=timezone.now() + timedelta(days=1))
    actions.close_case(actor=agent, case_id=cases[3].id, reason="elsewhere")
    actions.set_priority(actor=agent, case_id=cases[4].id, priority=4)
    for case in cases[::2]:
        actions.add_tag(actor=agent, case_id=case.id, name="bag")
    actions.add_tag(actor=agent, case_id=cases[0].id, name="refund")
    return cases


class TestDeeds:
    @pytest.mark.parametrize("what", list(EVERY_DEED))
    def test_each_does_what_it_does_to_one_and_undo_restores_every_column(
        self, what: str, mixed: list[Case], agent: User
    ) -> None:
        before, versions = state(mixed), dict(Case.objects.values_list("id", "version"))
        told = CaseEvent.objects.count(), AuditEntry.objects.count()
        outcome = EVERY_DEED[what](agent, picks(mixed))
        assert outcome.done
        assert len(outcome.done) + outcome.same + len(outcome.left) == 5
        assert CaseEvent.objects.count() == told[0] + len(outcome.done)
        assert AuditEntry.objects.filter(action__startswith="case.").count() == told[1] + len(outcome.done)
        for case in Case.objects.all():
            assert case.version == versions[case.id] + (case.id in outcome.done)
        assert state(mixed) != before
        assert outcome.act_id is not None
        undone = undo_bulk(actor=agent, act_id=outcome.act_id)
        assert (sorted(undone.done), undone.left) == (sorted(outcome.done), ())
        assert state(mixed) == before
        assert CaseEvent.objects.count() == told[0] + 2 * len(outcome.done)
        with pytest.raises(Conflict):
            undo_bulk(actor=agent, act_id=outcome.act_id)

    @pytest.mark.parametrize("what", list(EVERY_DEED))
    def test_the_number_of_statements_does_not_grow_with_the_cases(
        self, what: str, mixed: list[Case], agent: User
    ) -> None:
        def statements(some: Sequence[Case]) -> tuple[int, int]:
            chosen = picks(some)
            with CaptureQueriesContext(connection) as done:
                act = EVERY_DEED[what](agent, chosen).act_id
            assert act is not None
            with CaptureQueriesContext(connection) as undone:
                undo_bulk(actor=agent, act_id=act)
            return len(done), len(undone)

        # The closed and the snoozed one are reopened by two statements, where others need one.
        few = {"reopen": mixed[2:4], "untag": mixed[:1], "assign": mixed[:1]}.get(what, mixed[1:2])
        assert statements(few) == statements(mixed)

    def test_each_case_tells_what_was_done_to_it(self, cases: list[Case], agent: User) -> None:
        ivo = make_user("Ivo", brand=cases[0].brand)
        assign_cases(actor=agent, picks=picks(cases[:2]), assignee_id=ivo.id)
        event = cases[0].events.filter(kind="assigned").get()
        assert event.actor == agent
        deed = {"deed": str(BulkAct.objects.get().id), "taken": 0, "given": 2, "team": 0}
        assert event.data == {"from": None, "to": ivo.id, "from_team": None, "to_team": None, **deed}
        entry = AuditEntry.objects.get(action="case.assigned", object_id=str(cases[1].id))
        assert (entry.actor_id, entry.brand_id) == (agent.id, cases[1].brand_id)

    def test_a_person_gets_each_case_and_its_team_stays(self, cases: list[Case], agent: User) -> None:
        team = Team.objects.create(brand=cases[0].brand, name="Bags")
        assign_cases(actor=agent, picks=picks(cases), team_id=team.id)
        assign_cases(actor=agent, picks=picks(cases), assignee_id=agent.id)
        assert set(Case.objects.values_list("assignee", "team")) == {(agent.id, team.id)}
        assign_cases(actor=agent, picks=picks(cases))
        assert set(Case.objects.values_list("assignee", "team")) == {(None, None)}

    def test_a_tag_is_each_brands_own_in_whatever_case(self, cases: list[Case], agent: User) -> None:
        other = make_brand("bolt")
        Membership.objects.create(user=agent, brand=other, role=Role.AGENT)
        Tag.objects.create(brand=other, name="Refund")
        theirs = make_case(make_channel(other), "Ben")
        outcome = tag_cases(actor=agent, picks=picks([cases[0], theirs]), name=" refund ")
        assert len(outcome.done) == 2
        assert theirs.tags.get().name == "Refund"
        assert cases[0].tags.get().name == "refund"


class TestWhatIsLeft:
    @pytest.mark.parametrize("what", [name for name in EVERY_DEED if name != "reopen"])
    def test_a_case_that_changed_since_it_was_picked_is_left_and_named(
        self, what: str, cases: list[Case], agent: User, channel: Channel
    ) -> None:
        actions.add_tag(actor=agent, case_id=cases[0].id, name="bag")
        actions.add_tag(actor=agent, case_id=cases[1].id, name="bag")
        chosen = picks(cases[:2])
        asked = cases[1].case_threads.get().thread.messages.get()
        say(channel, asked.identity, "Hello? Anybody?", 90, to=asked)
        outcome = EVERY_DEED[what](agent, chosen)
        assert outcome.done == (cases[0].id,)
        (left,) = outcome.left
        assert (left.case_id, left.name, "changed" in left.why) == (cases[1].id, "c1", True)
        again = EVERY_DEED[what](agent, [Pick(left.case_id, left.version)])
        assert again.done == (cases[1].id,)

    def test_what_is_as_wanted_is_no_conflict(self, cases: list[Case], agent: User) -> None:
        chosen = picks(cases[:1])
        actions.close_case(actor=agent, case_id=cases[0].id, reason="spam")
        outcome = close_cases(actor=agent, picks=chosen, reason="spam")
        assert (outcome.done, outcome.same, outcome.left, outcome.act_id) == ((), 1, (), None)

    def test_nobody_is_closed_as_answered_who_never_was(
        self, cases: list[Case], agent: User, channel: Channel
    ) -> None:
        asked = cases[0].case_threads.get().thread.messages.get()
        say(channel, None, "Done.", 60, to=asked)
        say(channel, asked.identity, "Thanks", 61, to=asked)
        outcome = close_cases(actor=agent, picks=picks(cases[:2]), reason="answered")
        assert outcome.done == (cases[0].id,)
        assert "never answered" in outcome.left[0].why

    def test_what_one_may_not_see_is_missing_and_what_one_may_only_read_too(
        self, cases: list[Case], agent: User
    ) -> None:
        foreign = make_case(make_channel(make_brand("bolt")), "Ben")
        read_only = make_brand("care")
        Membership.objects.create(user=agent, brand=read_only, role=Role.VIEWER)
        seen = make_case(make_channel(read_only), "Cid")
        outcome = set_priorities(actor=agent, picks=picks([cases[0], foreign, seen]), priority=4)
        assert (outcome.done, outcome.missing, outcome.left) == ((cases[0].id,), 2, ())
        assert set(Case.objects.filter(id__in=[foreign.id, seen.id]).values_list("priority", flat=True)) == {
            2
        }

    def test_people_and_teams_of_another_brand_get_nothing(self, cases: list[Case], agent: User) -> None:
        other = make_brand("bolt")
        stranger = make_user("Ivo", brand=other)
        team = Team.objects.create(brand=other, name="Theirs")
        for given in ({"assignee_id": stranger.id}, {"team_id": team.id}, {"assignee_id": 10**9}):
            outcome = assign_cases(actor=agent, picks=picks(cases), **given)
            assert (outcome.done, len(outcome.left)) == ((), 5)

    def test_none_and_too_many_are_refused_in_words(self, agent: User) -> None:
        with pytest.raises(Invalid, match="Pick some cases"):
            reopen_cases(actor=agent, picks=[])
        with pytest.raises(Invalid, match="501 cases are too many at once"):
            reopen_cases(actor=agent, picks=[Pick(n) for n in range(MOST_CASES + 1)])

    def test_a_merged_case_is_left(self, cases: list[Case], agent: User) -> None:
        Case.objects.filter(id=cases[0].id).update(status="merged", merged_into=cases[1])
        outcome = reopen_cases(actor=agent, picks=picks(cases[:1]))
        assert "merged" in outcome.left[0].why


class TestMerge:
    def test_two_of_one_customer_become_the_oldest_and_undo_takes_them_apart(
        self, channel: Channel, agent: User
    ) -> None:
        ana = make_contact(channel, "Ana")
        cases = [case_of(say(channel, ana, f"m{n}", n)) for n in range(3)]
        outcome = merge_picked(actor=agent, picks=picks(cases[::-1]))
        statuses = Case.objects.order_by("id").values_list("status", "merged_into")
        assert list(statuses) == [("open", None), ("merged", cases[0].id), ("merged", cases[0].id)]
        assert outcome.act_id is not None
        undo_bulk(actor=agent, act_id=outcome.act_id)
        assert list(statuses.all()) == [("open", None)] * 3
        with pytest.raises(Conflict):
            undo_bulk(actor=agent, act_id=outcome.act_id)

    def test_it_is_all_or_none(self, cases: list[Case], agent: User, channel: Channel) -> None:
        ana = make_contact(channel, "Ana")
        hers = [case_of(say(channel, ana, f"m{n}", n)) for n in range(2)]
        chosen = picks(hers)
        actions.set_priority(actor=agent, case_id=hers[1].id, priority=4)
        attempts = [(chosen, Conflict), (picks([*hers, cases[0]]), Invalid), (picks(hers[:1]), Invalid)]
        for some, error in attempts:
            with pytest.raises(error):
                merge_picked(actor=agent, picks=some)
        foreign = make_case(make_channel(make_brand("bolt")), "Ben")
        with pytest.raises(NotFound):
            merge_picked(actor=agent, picks=picks([hers[0], foreign]))
        assert not Case.objects.filter(status="merged").exists()
        assert not BulkAct.objects.exists()


class TestUndo:
    def test_what_a_colleague_changed_since_is_left_and_a_customers_words_are_no_reason(
        self, cases: list[Case], agent: User, channel: Channel
    ) -> None:
        ivo = make_user("Ivo", brand=channel.brand)
        outcome = set_priorities(actor=agent, picks=picks(cases[:3]), priority=4)
        actions.set_priority(actor=ivo, case_id=cases[0].id, priority=1)
        asked = cases[1].case_threads.get().thread.messages.get()
        say(channel, asked.identity, "Hello?", 90, to=asked)
        assert outcome.act_id is not None
        undone = undo_bulk(actor=agent, act_id=outcome.act_id)
        assert [left.case_id for left in undone.left] == [cases[0].id]
        assert [Case.objects.get(id=case.id).priority for case in cases[:3]] == [1, 2, 2]

    def test_a_customer_who_wrote_reopened_the_case_so_there_is_nothing_to_undo(
        self, channel: Channel, agent: User
    ) -> None:
        asked = say(channel, make_contact(channel, "Ana"))
        outcome = close_cases(actor=agent, picks=picks([case_of(asked)]), reason="duplicate")
        say(channel, asked.identity, "It is not", 9, to=asked)
        assert outcome.act_id is not None
        assert [left.name for left in undo_bulk(actor=agent, act_id=outcome.act_id).left] == ["Ana"]
        assert case_of(asked).status == "open"

    def test_nobody_undoes_what_somebody_else_did_or_what_they_may_no_longer_work_on(
        self, cases: list[Case], agent: User
    ) -> None:
        ivo = make_user("Ivo", brand=cases[0].brand)
        outcome = set_priorities(actor=agent, picks=picks(cases), priority=4)
        assert outcome.act_id is not None
        with pytest.raises(NotFound):
            undo_bulk(actor=ivo, act_id=outcome.act_id)
        agent.memberships.update(role=Role.VIEWER)
        undone = undo_bulk(actor=agent, act_id=outcome.act_id)
        assert (undone.done, undone.missing) == ((), 5)
        assert set(Case.objects.values_list("priority", flat=True)) == {4}

    def test_acts_are_forgotten_after_a_day(self, cases: list[Case], agent: User) -> None:
        first = set_priorities(actor=agent, picks=picks(cases), priority=4).act_id
        BulkAct.objects.update(created_at=timezone.now() - timedelta(hours=25))
        set_priorities(actor=agent, picks=picks(cases), priority=1)
        assert first is not None
        with pytest.raises(NotFound):
            undo_bulk(actor=agent, act_id=first)
