from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.inbox import actions
from rapport.inbox.models import Case, CaseEvent, CloseReason, Message, Note, Priority, Tag
from rapport.inbox.tests.making import (
    case_of,
    make_brand,
    make_case,
    make_channel,
    make_contact,
    make_user,
    say,
)
from rapport.lib.errors import ActionError, Conflict, Invalid, NotAllowed, NotFound
from rapport.lib.live import DESK
from rapport.staff.models import Role, Team, User

pytestmark = pytest.mark.django_db
SOON = timedelta(hours=4)


@pytest.fixture
def case() -> Case:
    return make_case(make_channel(make_brand()))


@pytest.fixture
def agent(case: Case) -> User:
    return make_user("Mara Kovač", brand=case.brand)


def told(case: Case) -> list[tuple[str, dict[str, Any]]]:
    """What people did to the case, oldest first."""
    return [(e.kind, e.data) for e in case.events.exclude(actor=None).order_by("id")]


EVERY_ACTION: dict[str, Callable[[User, Case], Case]] = {
    "assign": lambda user, case: actions.assign_case(actor=user, case_id=case.id, assignee_id=None),
    "prioritise": lambda user, case: actions.set_priority(actor=user, case_id=case.id, priority=4),
    "tag": lambda user, case: actions.add_tag(actor=user, case_id=case.id, name="refund"),
    "untag": lambda user, case: actions.remove_tag(actor=user, case_id=case.id, tag_id=1),
    "note": lambda user, case: actions.add_note(actor=user, case_id=case.id, text="called them"),
    "snooze": lambda user, case: actions.snooze_case(
        actor=user, case_id=case.id, until=timezone.now() + SOON
    ),
    "close": lambda user, case: actions.close_case(actor=user, case_id=case.id, reason=CloseReason.SPAM),
    "reopen": lambda user, case: actions.reopen_case(actor=user, case_id=case.id),
}


@pytest.mark.parametrize("name", EVERY_ACTION)
def test_it_is_refused_to_those_who_may_only_look_or_not_even_that(name: str, case: Case) -> None:
    before = Case.objects.values().get()
    with pytest.raises(NotAllowed):
        EVERY_ACTION[name](make_user(brand=case.brand, role=Role.VIEWER), case)
    with pytest.raises(NotFound):
        EVERY_ACTION[name](make_user(brand=make_brand("bolt")), case)
    assert Case.objects.values().get() == before
    assert not told(case)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", ["assign", "prioritise", "tag", "snooze", "close", "reopen", "untag"])
def test_it_is_refused_on_a_merged_case_naming_the_one_it_went_into(
    name: str, case: Case, agent: User
) -> None:
    target = make_case(case.channel)
    Case.objects.filter(id=case.id).update(status="merged", merged_into=target)
    with pytest.raises(Conflict, match=str(target.id)):
        EVERY_ACTION[name](agent, case)
    assert not told(case)


def test_it_writes_the_change_the_event_the_audit_entry_and_the_hint_together(
    case: Case, agent: User
) -> None:
    changed = actions.set_priority(actor=agent, case_id=case.id, priority=Priority.URGENT)
    assert (changed.priority, changed.version) == (4, case.version + 1)
    case.refresh_from_db()
    assert (case.priority, case.version) == (changed.priority, changed.version)
    assert told(case) == [("prioritised", {"from": 2, "to": 4})]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.brand_id) == ("case.prioritised", agent, case.brand_id)
    assert (entry.object_type, entry.object_id) == ("case", str(case.id))


def test_it_changes_nothing_when_the_case_is_as_wanted_already(case: Case, agent: User) -> None:
    tag = Tag.objects.create(brand=case.brand, name="refund")
    for _ in range(2):
        actions.assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
        actions.set_priority(actor=agent, case_id=case.id, priority=Priority.HIGH)
        actions.add_tag(actor=agent, case_id=case.id, name="Refund")
    actions.remove_tag(actor=agent, case_id=case.id, tag_id=tag.id)
    actions.remove_tag(actor=agent, case_id=case.id, tag_id=tag.id)
    actions.reopen_case(actor=agent, case_id=case.id)
    for _ in range(2):
        actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.NO_REPLY_NEEDED)
    kinds = [kind for kind, _data in told(case)]
    assert kinds == ["assigned", "prioritised", "tagged", "untagged", "closed"]
    assert AuditEntry.objects.count() == len(kinds)


def test_it_refuses_what_was_decided_on_an_older_version(case: Case, agent: User) -> None:
    actions.set_priority(actor=agent, case_id=case.id, priority=1, expected_version=case.version)
    with pytest.raises(Conflict):
        actions.close_case(
            actor=agent, case_id=case.id, reason=CloseReason.SPAM, expected_version=case.version
        )
    with pytest.raises(Conflict):
        actions.add_note(actor=agent, case_id=case.id, text="never kept", expected_version=case.version)
    assert not Note.objects.exists()
    # Asking for what is already so does no harm, however old the screen: a double click is no conflict.
    actions.set_priority(actor=agent, case_id=case.id, priority=1, expected_version=case.version)
    assert [kind for kind, _data in told(case)] == ["prioritised"]


class TestAssigning:
    def test_it_gives_to_people_who_can_answer_for_the_brand_only(self, case: Case, agent: User) -> None:
        lead = make_user("Lee", brand=case.brand, role=Role.LEAD)
        owner = User.objects.create_superuser("o@example.com", "long enough pw", name="Olga", initials="O")
        for person in (lead, owner):
            assert (
                actions.assign_case(actor=agent, case_id=case.id, assignee_id=person.id).assignee_id
                == person.id
            )
        gone = make_user("Gone", brand=case.brand)
        User.objects.filter(id=gone.id).update(is_active=False)
        robot = make_user("Robot", brand=case.brand)
        User.objects.filter(id=robot.id).update(is_bot=True)
        viewer = make_user("Vera", brand=case.brand, role=Role.VIEWER)
        for person in (gone, robot, viewer, make_user("Stranger", brand=make_brand("bolt"))):
            with pytest.raises(Invalid):
                actions.assign_case(actor=agent, case_id=case.id, assignee_id=person.id)
        with pytest.raises(Invalid):
            actions.assign_case(actor=agent, case_id=case.id, assignee_id=10**9)

    def test_it_keeps_the_team_when_a_person_takes_the_case_and_can_give_both_back(
        self, case: Case, agent: User
    ) -> None:
        team = Team.objects.create(brand=case.brand, name="Baggage")
        actions.assign_case(actor=agent, case_id=case.id, assignee_id=None, team_id=team.id)
        taken = actions.assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
        assert (taken.assignee_id, taken.team_id) == (agent.id, team.id)
        back = actions.assign_case(actor=agent, case_id=case.id, assignee_id=None)
        assert (back.assignee_id, back.team_id) == (None, None)
        assert told(case)[1] == (
            "assigned",
            {"from": None, "to": agent.id, "from_team": team.id, "to_team": team.id, "begins": True},
        )

    def test_it_refuses_another_brands_team(self, case: Case, agent: User) -> None:
        team = Team.objects.create(brand=make_brand("bolt"), name="Baggage")
        with pytest.raises(Invalid):
            actions.assign_case(actor=agent, case_id=case.id, assignee_id=None, team_id=team.id)


class TestTags:
    def test_it_makes_one_tag_of_all_spellings_and_keeps_the_first(self, case: Case, agent: User) -> None:
        other = make_case(case.channel)
        actions.add_tag(actor=agent, case_id=case.id, name="  Lost   Čamac ")
        actions.add_tag(actor=agent, case_id=other.id, name="LOST ČAMAC")
        tag = Tag.objects.get()
        assert tag.name == "Lost Čamac"
        assert set(tag.cases.all()) == {case, other}

    def test_it_keeps_brands_apart(self, case: Case, agent: User) -> None:
        other = make_case(make_channel(make_brand("bolt")))
        actions.add_tag(actor=agent, case_id=case.id, name="refund")
        actions.add_tag(actor=make_user(brand=other.brand), case_id=other.id, name="Refund")
        theirs = Tag.objects.get(brand=other.brand)
        assert theirs.name == "Refund"
        with pytest.raises(NotFound):
            actions.remove_tag(actor=agent, case_id=case.id, tag_id=theirs.id)

    @pytest.mark.parametrize("name", ["", "  \n ", "x" * 61])
    def test_it_refuses_a_name_that_is_none(self, name: str, case: Case, agent: User) -> None:
        with pytest.raises(Invalid):
            actions.add_tag(actor=agent, case_id=case.id, name=name)
        assert not Tag.objects.exists()

    def test_the_database_keeps_spellings_one(self, case: Case) -> None:
        Tag.objects.bulk_create(
            [Tag(brand=case.brand, name="refund"), Tag(brand=case.brand, name="REFUND")],
            ignore_conflicts=True,
        )
        assert Tag.objects.count() == 1


class TestNotes:
    def test_it_keeps_the_words_for_colleagues_and_out_of_the_audit_log(
        self, case: Case, agent: User
    ) -> None:
        actions.add_note(actor=agent, case_id=case.id, text=" Is a\r\nregular\x00 ")
        note = case.notes.get()
        assert (note.text, note.author) == ("Is a\nregular\N{REPLACEMENT CHARACTER}", agent)
        assert told(case) == [("noted", {"note": note.id})]
        assert "regular" not in str(AuditEntry.objects.values().get())

    @pytest.mark.parametrize("text", ["", " \n\t", "x" * 10_001])
    def test_it_refuses_nothing_and_too_much(self, text: str, case: Case, agent: User) -> None:
        with pytest.raises(Invalid):
            actions.add_note(actor=agent, case_id=case.id, text=text)

    def test_a_note_on_a_merged_case_lands_where_the_case_went(self, case: Case, agent: User) -> None:
        target = make_case(case.channel)
        Case.objects.filter(id=case.id).update(status="merged", merged_into=target)
        actions.add_note(actor=agent, case_id=case.id, text="kept", expected_version=case.version)
        assert target.notes.get().text == "kept"


class TestSnoozing:
    def test_it_wakes_when_due_and_not_before(self, case: Case, agent: User) -> None:
        other = make_case(case.channel)
        for one in (case, other):
            actions.snooze_case(actor=agent, case_id=one.id, until=timezone.now() + SOON)
        assert actions.wake_due_cases() == 0
        Case.objects.filter(id=case.id).update(snoozed_until=timezone.now())
        assert actions.wake_due_cases() == 1
        case.refresh_from_db()
        other.refresh_from_db()
        assert (case.status, case.snoozed_until, other.status) == ("open", None, "snoozed")
        assert case.events.values_list("kind", "actor").order_by("-id").first() == ("woke", None)
        assert actions.wake_due_cases() == 0

    def test_it_wakes_many_in_as_many_queries_as_one(
        self, case: Case, agent: User, django_assert_num_queries: Any
    ) -> None:
        for one in [case, *(make_case(case.channel, name=f"c{n}") for n in range(5))]:
            actions.snooze_case(actor=agent, case_id=one.id, until=timezone.now() + SOON)
        Case.objects.update(snoozed_until=timezone.now())
        with django_assert_num_queries(4):  # the savepoint, the statement, the hint
            assert actions.wake_due_cases() == 6

    def test_it_takes_a_time_ahead_and_within_a_year(self, case: Case, agent: User) -> None:
        now = timezone.now()
        for until in (now, now - SOON, now + timedelta(days=365, minutes=1), now.replace(tzinfo=None)):
            with pytest.raises(Invalid):
                actions.snooze_case(actor=agent, case_id=case.id, until=until)
        later = actions.snooze_case(actor=agent, case_id=case.id, until=now + SOON)
        assert (later.status, later.snoozed_until) == ("snoozed", now + SOON)
        again = actions.snooze_case(actor=agent, case_id=case.id, until=now + 2 * SOON)
        assert again.snoozed_until == now + 2 * SOON

    def test_a_closed_case_is_not_snoozed(self, case: Case, agent: User) -> None:
        actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.SPAM)
        with pytest.raises(Conflict):
            actions.snooze_case(actor=agent, case_id=case.id, until=timezone.now() + SOON)


class TestClosing:
    def test_it_is_not_answered_while_nobody_answered(self, case: Case, agent: User) -> None:
        with pytest.raises(Invalid, match="never answered"):
            actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.ANSWERED)
        question = Message.objects.get()
        say(case.channel, None, "We look into it.", 5, to=question)
        closed = actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.ANSWERED)
        assert (closed.status, closed.close_reason) == ("closed", "answered")
        assert closed.closed_at is not None

    def test_a_robots_answer_and_one_to_somebody_else_do_not_count(self, agent: User, case: Case) -> None:
        question = Message.objects.get()
        other = say(case.channel, make_contact(case.channel, "Ben"), "Mine too!", 1, to=question)
        say(case.channel, None, "We got your message.", 2, to=question, automatic=True)
        say(case.channel, None, "Ben, we look into it.", 3, to=other)
        with pytest.raises(Invalid):
            actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.ANSWERED)
        actions.close_case(actor=agent, case_id=case_of(other).id, reason=CloseReason.ANSWERED)

    def test_what_the_brand_posted_before_does_not_count(self, case: Case, agent: User) -> None:
        post = say(case.channel, None, "Our new planes!", 10)
        comment = say(case.channel, make_contact(case.channel, "Ben"), "And my bag?", 11, to=post)
        with pytest.raises(Invalid):
            actions.close_case(actor=agent, case_id=case_of(comment).id, reason=CloseReason.ANSWERED)

    def test_an_answer_that_was_deleted_does_not_count(self, case: Case, agent: User) -> None:
        answer = say(case.channel, None, "Oops", 5, to=Message.objects.get())
        Message.objects.filter(id=answer.id).update(deleted_at=timezone.now())
        Case.objects.filter(id=case.id).update(waiting_since=case.opened_at)
        with pytest.raises(Invalid):
            actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.ANSWERED)

    @pytest.mark.parametrize("reason", ["", "because", CloseReason.IMPORTED])
    def test_it_needs_a_reason_a_person_can_give(self, reason: str, case: Case, agent: User) -> None:
        with pytest.raises(Invalid):
            actions.close_case(actor=agent, case_id=case.id, reason=reason)

    def test_another_reason_needs_a_reopening_first(self, case: Case, agent: User) -> None:
        actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.SPAM)
        with pytest.raises(Conflict):
            actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.DUPLICATE)

    def test_reopening_undoes_closing(self, case: Case, agent: User) -> None:
        before = Case.objects.values().get()
        actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.SPAM)
        actions.reopen_case(actor=agent, case_id=case.id)
        assert Case.objects.values().get() == before | {"version": case.version + 2}
        assert told(case)[-1] == ("reopened", {"reason": "spam"})


@pytest.mark.django_db(transaction=True)
class TestTogether:
    """What needs real commits."""

    def test_of_two_who_act_on_the_same_version_one_wins(self) -> None:
        case = make_case(make_channel(make_brand()))
        people = [make_user(f"Agent {n}", brand=case.brand) for n in range(4)]

        def close(person: User) -> str:
            try:
                actions.assign_case(
                    actor=person, case_id=case.id, assignee_id=person.id, expected_version=case.version
                )
            except ActionError as error:
                return type(error).__name__
            finally:
                connection.close()
            return "won"

        with ThreadPoolExecutor(4) as pool:
            results = sorted(pool.map(close, people))
        assert results == ["Conflict"] * 3 + ["won"]
        assert CaseEvent.objects.filter(kind="assigned").count() == 1

    def test_two_may_name_a_new_tag_at_the_same_time(self) -> None:
        channel = make_channel(make_brand())
        cases = [make_case(channel, name=f"c{n}") for n in range(4)]
        agent = make_user(brand=channel.brand)

        def tag(case: Case) -> None:
            try:
                actions.add_tag(actor=agent, case_id=case.id, name="Refund" if case.id % 2 else "refund")
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(tag, cases))
        assert Tag.objects.get().cases.count() == 4

    def test_waking_leaves_a_case_that_somebody_works_on_to_the_next_run(self) -> None:
        channel = make_channel(make_brand())
        free, busy = make_case(channel, "Ana"), make_case(channel, "Ben")
        Case.objects.update(status="snoozed", snoozed_until=timezone.now())
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        params.pop("context", None)
        with psycopg.connect(**params) as colleague:
            colleague.execute("SELECT FROM inbox_case WHERE id = %s FOR UPDATE", [busy.id])
            assert actions.wake_due_cases() == 1
        free.refresh_from_db()
        assert free.status == "open"
        assert actions.wake_due_cases() == 1

    def test_open_desks_hear_of_it_when_it_is_committed(self) -> None:
        case = make_case(make_channel(make_brand()))
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        params.pop("context", None)
        with psycopg.connect(**params, autocommit=True) as desk:
            desk.execute(f"LISTEN {DESK}")
            actions.set_priority(actor=make_user(brand=case.brand), case_id=case.id, priority=3)
            hints = [one.payload for one in desk.notifies(timeout=5, stop_after=1)]
        assert hints == [f'{{"brand": {case.brand_id}, "cases": [{case.id}]}}']
