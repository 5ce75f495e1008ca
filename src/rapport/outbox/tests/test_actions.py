from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.audit.models import AuditEntry
from rapport.brands.models import Channel, SignatureStyle
from rapport.inbox import actions as inbox
from rapport.inbox.models import Case, CloseReason, Message
from rapport.inbox.queries import CaseFilters, case_detail, list_cases
from rapport.inbox.tests.making import (
    case_of,
    make_brand,
    make_case,
    make_channel,
    make_contact,
    make_user,
    say,
)
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.networks import base, registry
from rapport.networks.base import Capabilities, Connector, Event, Profile
from rapport.outbox import checks
from rapport.outbox.actions import reply, retry_reply, undo_reply
from rapport.outbox.models import Outgoing
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


class Square(Connector):
    """A network with public squares and private rooms, which counts bytes."""

    network = "square"
    label = "Square"
    capabilities = Capabilities(
        max_length=40, public_reply=True, private_reply=True, private_reply_to_public=True
    )

    def check(self) -> Profile:
        return Profile(external_id=self.account.external_id, handle=self.account.handle)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return []

    def length(self, text: str, visibility: base.Visibility = "public") -> int:
        return len(text.encode())


class Letters(Square):
    network = "letters"
    capabilities = Capabilities(
        max_length=1000, public_reply=False, private_reply=True, private_reply_to_public=True
    )


class Wall(Square):
    network = "wall"
    capabilities = Capabilities(max_length=1000, public_reply=True, private_reply=False)


class Archive(Square):
    network = "archive"
    capabilities = Capabilities(max_length=1000, private_reply=True, private_reply_to_public=True, send=False)


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {one.network: one for one in (Square, Letters, Wall, Archive)}
    monkeypatch.setattr(registry, "connectors", lambda: known)


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_brand(), "square")


@pytest.fixture
def agent(channel: Channel) -> User:
    return make_user("Mara Kovač", brand=channel.brand)


@pytest.fixture
def case(channel: Channel) -> Case:
    return make_case(channel)


def answer(agent: User, case: Case, text: str = "It is here.", **given: Any) -> Outgoing:
    return reply(
        **{
            "actor": agent,
            "case_id": case.id,
            "text": text,
            "visibility": "public",
            "in_reply_to_id": None,
            "form_key": uuid4(),
            **given,
        }
    )


class TestReplying:
    def test_a_reply_is_a_row_with_its_job_and_its_audit_entry(
        self, case: Case, agent: User, settings: Any
    ) -> None:
        settings.RAPPORT_UNDO_SECONDS = 30
        before = timezone.now()
        outgoing = answer(agent, case, close_after=True)
        stored = Outgoing.objects.get()
        asked = Message.objects.get()
        assert stored == outgoing
        assert (stored.state, stored.text, stored.visibility) == ("queued", "It is here. ^MK", "public")
        assert (stored.case, stored.thread, stored.in_reply_to) == (case, asked.thread, asked)
        assert (stored.author, stored.channel, stored.close_after) == (agent, case.channel, True)
        assert timedelta(seconds=30) <= stored.not_before - before < timedelta(seconds=60)
        job = ProcrastinateJob.objects.get()
        assert (job.args, job.scheduled_at) == ({"outgoing_id": stored.id}, stored.not_before)
        entry = AuditEntry.objects.get(action="outgoing.queued")
        assert (entry.actor, entry.object_id) == (agent, str(stored.id))
        assert "here" not in str(entry.data)

    def test_nothing_is_left_of_a_reply_that_is_refused(self, case: Case, agent: User) -> None:
        for given in ({"text": " "}, {"text": "x" * 41}, {"expected_version": case.version - 1}):
            with pytest.raises((Invalid, Conflict)):
                answer(agent, case, **given)
        assert not Outgoing.objects.exists()
        assert not ProcrastinateJob.objects.exists()
        assert not AuditEntry.objects.exists()
        assert Case.objects.get().version == case.version

    def test_a_form_submitted_twice_is_one_reply(self, case: Case, agent: User) -> None:
        key = uuid4()
        first = answer(agent, case, form_key=key, expected_version=case.version)
        second = answer(agent, case, form_key=key, expected_version=case.version)
        assert second == first
        assert ProcrastinateJob.objects.count() == 1
        assert AuditEntry.objects.filter(action="outgoing.queued").count() == 1
        colleague = make_user("Lee", brand=case.brand)
        assert answer(colleague, case, form_key=key) != first

    def test_of_two_colleagues_who_read_the_same_one_answers(self, case: Case, agent: User) -> None:
        answer(agent, case, expected_version=case.version)
        with pytest.raises(Conflict):
            answer(make_user("Lee", brand=case.brand), case, expected_version=case.version)
        assert Outgoing.objects.get().author == agent

    def test_the_case_becomes_the_authors_unless_it_is_somebodys(self, case: Case, agent: User) -> None:
        lead = make_user("Lee", brand=case.brand, role=Role.LEAD)
        answer(agent, case)
        answer(lead, case)
        case.refresh_from_db()
        assert case.assignee == agent
        assert [e.kind for e in case.events.exclude(actor=None)] == ["assigned"]

    def test_those_who_may_not_answer_are_refused(self, case: Case) -> None:
        with pytest.raises(NotAllowed):
            answer(make_user(brand=case.brand, role=Role.VIEWER), case)
        with pytest.raises(NotFound):
            answer(make_user(brand=make_brand("bolt")), case)
        assert not Outgoing.objects.exists()

    def test_a_closed_case_stays_closed(self, case: Case, agent: User) -> None:
        inbox.close_case(actor=agent, case_id=case.id, reason=CloseReason.ELSEWHERE)
        answer(agent, case)
        case.refresh_from_db()
        assert case.status == "closed"

    def test_a_reply_in_a_merged_case_goes_to_the_case_that_took_it_in(self, case: Case, agent: User) -> None:
        target = make_case(case.channel, "Ana")
        Case.objects.filter(id=case.id).update(status="merged", merged_into=target)
        assert answer(agent, case, expected_version=case.version).case == target

    def test_the_desk_shows_what_waits_and_what_failed(self, case: Case, agent: User) -> None:
        outgoing = answer(agent, case)
        assert [one.state for one in case_detail(user=agent, case_id=case.id).outgoing] == ["queued"]
        Outgoing.objects.filter(id=outgoing.id).update(state="failed", error="Blocked.")
        row = case_detail(user=agent, case_id=case.id).outgoing[0]
        assert (row.state, row.error, row.author_name) == ("failed", "Blocked.", "Mara Kovač")
        assert list_cases(user=agent, filters=CaseFilters()).rows[0].failed
        Outgoing.objects.filter(id=outgoing.id).update(state="cancelled")
        assert case_detail(user=agent, case_id=case.id).outgoing == ()
        assert not list_cases(user=agent, filters=CaseFilters()).rows[0].failed


class TestParent:
    def test_it_answers_the_contacts_newest_message_or_the_one_named(
        self, channel: Channel, agent: User
    ) -> None:
        ana = make_contact(channel, "Ana")
        first = say(channel, ana, "one")
        second = say(channel, ana, "two", 1, to=first)
        say(channel, make_contact(channel, "Ben"), "three", 2, to=second)
        case = case_of(first)
        assert answer(agent, case).in_reply_to == second
        assert answer(agent, case, in_reply_to_id=first.id).in_reply_to == first

    def test_it_answers_nobody_elses_message(self, channel: Channel, agent: User) -> None:
        asked = say(channel, make_contact(channel, "Ana"))
        bystander = say(channel, make_contact(channel, "Ben"), "me too", 1, to=asked)
        own = say(channel, None, "We look.", 2, to=asked)
        elsewhere = say(channel, make_contact(channel, "Cid"))
        case = case_of(asked)
        for message in (bystander, elsewhere):
            with pytest.raises(Invalid):
                answer(agent, case, in_reply_to_id=message.id)
        assert answer(agent, case, in_reply_to_id=own.id).in_reply_to == own
        with pytest.raises(Invalid):
            answer(agent, case, in_reply_to_id=own.id, visibility="private")

    def test_what_was_written_privately_is_not_answered_publicly(self, channel: Channel, agent: User) -> None:
        ana = make_contact(channel, "Ana")
        private = say(channel, ana, "my card number", visibility="private")
        case = case_of(private)
        for given in ({}, {"in_reply_to_id": private.id}):
            with pytest.raises(Invalid):
                answer(agent, case, **given)
        assert answer(agent, case, visibility="private").in_reply_to == private

    def test_a_public_message_may_be_answered_privately(self, case: Case, agent: User) -> None:
        outgoing = answer(agent, case, visibility="private")
        assert (outgoing.visibility, outgoing.in_reply_to) == ("private", Message.objects.get())

    def test_a_deleted_message_is_passed_over_in_public(self, channel: Channel, agent: User) -> None:
        ana = make_contact(channel, "Ana")
        first = say(channel, ana, "one")
        second = say(channel, ana, "two", 1, to=first)
        Message.objects.filter(id=second.id).update(deleted_at=timezone.now())
        case = case_of(first)
        assert answer(agent, case).in_reply_to == first
        with pytest.raises(Invalid):
            answer(agent, case, in_reply_to_id=second.id)
        assert answer(agent, case, visibility="private").in_reply_to == second
        Message.objects.update(deleted_at=timezone.now())
        with pytest.raises(Invalid):
            answer(agent, case)


class TestChecks:
    @pytest.mark.parametrize(
        ("network", "public", "private"),
        [
            ("square", True, True),
            ("letters", False, True),
            ("wall", True, False),
            ("archive", False, False),
            ("uninstalled", False, False),
        ],
    )
    def test_it_goes_out_only_as_the_network_can(self, network: str, public: bool, private: bool) -> None:
        channel = make_channel(make_brand(), network)
        agent, case = make_user(brand=channel.brand), make_case(channel)
        for visibility, possible in (("public", public), ("private", private), ("loud", False)):
            if possible:
                assert answer(agent, case, visibility=visibility).visibility == visibility
            else:
                with pytest.raises(Invalid):
                    answer(agent, case, visibility=visibility)

    def test_it_counts_as_the_network_counts_and_says_how_much_is_too_much(
        self, case: Case, agent: User
    ) -> None:
        fits = "č" * 18  # 36 bytes, and four for " ^MK"
        assert answer(agent, case, fits).text == f"{fits} ^MK"
        with pytest.raises(Invalid, match=r"^Too long by 2,"):
            answer(agent, case, fits + "č")
        with pytest.raises(Invalid, match=r"^Too long by 1,"):
            answer(agent, case, fits + "x")

    @pytest.mark.parametrize("text", ["", "  \n\t ", "\u200b\u2060", "\ufeff \u00a0"])
    def test_nothing_to_see_is_nothing_to_send(self, text: str, case: Case, agent: User) -> None:
        with pytest.raises(Invalid):
            answer(agent, case, text)

    def test_it_keeps_what_can_be_stored(self, case: Case, agent: User) -> None:
        assert answer(agent, case, " a\r\nb\x00\ud800 ").text == "a\nb\ufffd\ufffd\n^MK"

    @pytest.mark.parametrize(
        ("style", "text", "expected"),
        [
            (SignatureStyle.NONE, "Hi", "Hi"),
            (SignatureStyle.INITIALS, "Hi", "Hi ^MK"),
            (SignatureStyle.INITIALS, "Hi\nthere", "Hi\nthere\n^MK"),
            (SignatureStyle.INITIALS, "Hi ^MK", "Hi ^MK"),
            (SignatureStyle.INITIALS, "Hi ^mk", "Hi ^mk"),
            (SignatureStyle.NAME, "Hi", "Hi Mara"),
            (SignatureStyle.NAME, "Hi! mara", "Hi! mara"),
            (SignatureStyle.NAME, "See you in Tamara", "See you in Tamara Mara"),
        ],
    )
    def test_it_is_signed_once_as_the_channel_wants(
        self, style: str, text: str, expected: str, case: Case, agent: User
    ) -> None:
        Channel.objects.update(signature=style)
        assert answer(agent, case, text).text == expected

    def test_the_composer_knows_the_limits(self, channel: Channel, agent: User) -> None:
        found = checks.limits(channel=channel, author=agent)
        assert (found.max_length, found.signature) == (40, "^MK")
        assert found.visibilities == ("public", "private")
        archive = make_channel(channel.brand, "archive")
        assert checks.limits(channel=archive, author=agent).visibilities == ()


class TestUndoAndRetry:
    def test_undo_takes_a_reply_back_with_its_words(self, case: Case, agent: User) -> None:
        outgoing = answer(agent, case)
        undone = undo_reply(actor=agent, outgoing_id=outgoing.id)
        assert (undone.state, undone.text) == ("cancelled", "It is here. ^MK")
        assert undo_reply(actor=agent, outgoing_id=outgoing.id).state == "cancelled"
        assert AuditEntry.objects.filter(action="outgoing.undone").count() == 1

    @pytest.mark.parametrize("state", ["sending", "sent", "failed"])
    def test_undo_comes_too_late_for_what_left(self, state: str, case: Case, agent: User) -> None:
        outgoing = answer(agent, case)
        Outgoing.objects.update(state=state)
        with pytest.raises(Conflict):
            undo_reply(actor=agent, outgoing_id=outgoing.id)
        assert Outgoing.objects.get().state == state

    def test_undo_comes_too_late_for_what_may_have_been_posted(self, case: Case, agent: User) -> None:
        outgoing = answer(agent, case)
        Outgoing.objects.update(doubtful=True, attempts=1)
        with pytest.raises(Conflict):
            undo_reply(actor=agent, outgoing_id=outgoing.id)
        assert Outgoing.objects.get().state == "queued"

    def test_retry_sends_what_failed_once_more(self, case: Case, agent: User) -> None:
        outgoing = answer(agent, case)
        Outgoing.objects.update(state="failed", attempts=8, error="Blocked.", doubtful=True)
        for _ in range(2):
            again = retry_reply(actor=agent, outgoing_id=outgoing.id)
            assert (again.state, again.attempts, again.error) == ("queued", 0, "")
        assert again.doubtful
        assert again.idempotency_key == outgoing.idempotency_key
        assert again.not_before <= timezone.now()
        assert ProcrastinateJob.objects.filter(args={"outgoing_id": outgoing.id}).count() == 2
        assert AuditEntry.objects.filter(action="outgoing.retried").count() == 1

    @pytest.mark.parametrize("state", ["sent", "cancelled"])
    def test_retry_is_for_what_failed(self, state: str, case: Case, agent: User) -> None:
        outgoing = answer(agent, case)
        Outgoing.objects.update(state=state)
        with pytest.raises(Conflict):
            retry_reply(actor=agent, outgoing_id=outgoing.id)
        assert Outgoing.objects.get().state == state

    def test_both_are_for_those_who_may_answer(self, case: Case, agent: User) -> None:
        outgoing = answer(agent, case)
        viewer = make_user(brand=case.brand, role=Role.VIEWER)
        stranger = make_user(brand=make_brand("bolt"))
        for act in (undo_reply, retry_reply):
            with pytest.raises(NotAllowed):
                act(actor=viewer, outgoing_id=outgoing.id)
            with pytest.raises(NotFound):
                act(actor=stranger, outgoing_id=outgoing.id)
            with pytest.raises(NotFound):
                act(actor=agent, outgoing_id=outgoing.id + 1000)


@pytest.mark.django_db(transaction=True)
class TestTogether:
    """What needs real commits."""

    def test_a_form_submitted_many_times_at_once_is_one_reply(self) -> None:
        channel = make_channel(make_brand(), "square")
        agent, case, key = make_user(brand=channel.brand), make_case(channel), uuid4()

        def submit(_number: int) -> int:
            try:
                return answer(agent, case, form_key=key, expected_version=case.version).id
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            replies = set(pool.map(submit, range(6)))
        assert replies == {Outgoing.objects.get().id}
        assert ProcrastinateJob.objects.count() == 1

    def test_a_form_submitted_for_two_cases_at_once_is_one_reply(self) -> None:
        channel = make_channel(make_brand(), "square")
        agent, key = make_user(brand=channel.brand), uuid4()
        cases = [make_case(channel, f"c{n}") for n in range(4)]

        def submit(case: Case) -> int:
            try:
                return answer(agent, case, form_key=key).id
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            replies = set(pool.map(submit, cases))
        assert replies == {Outgoing.objects.get().id}
