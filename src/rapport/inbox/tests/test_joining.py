"""Merging, taking out again, splitting and linking."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.audit.models import AuditEntry
from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox import cases, threads
from rapport.inbox.actions import (
    add_note,
    add_tag,
    assign_case,
    close_case,
    link_cases,
    merge_cases,
    part_cases,
    reopen_case,
    set_priority,
    snooze_case,
    split_case,
    unlink_cases,
    unsplit_case,
)
from rapport.inbox.models import (
    Case,
    CaseEvent,
    CaseLink,
    CaseMerge,
    CaseStatus,
    CaseThread,
    Mention,
    Message,
    Note,
    Turn,
)
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
from rapport.staff.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(channel: Channel) -> Identity:
    return make_contact(channel)


@pytest.fixture
def pair(channel: Channel, ana: Identity) -> tuple[Case, Case]:
    """Two cases of one person in two threads; the older waits since minute 0, the younger since 10."""
    return case_of(say(channel, ana, "Where is my bag?", 0)), case_of(say(channel, ana, "And my seat?", 10))


def fresh(case: Case) -> Case:
    return Case.objects.get(id=case.id)


class TestMerge:
    def test_threads_notes_tags_and_the_longer_wait_come_along(
        self, pair: tuple[Case, Case], agent: User
    ) -> None:
        older, younger = pair
        make_user("Ivo Perić", brand=older.brand)
        add_note(actor=agent, case_id=older.id, text="She called, too. @Ivo")
        add_tag(actor=agent, case_id=older.id, name="luggage")
        set_priority(actor=agent, case_id=older.id, priority=4)
        kept = merge_cases(actor=agent, case_id=younger.id, other_id=older.id)
        assert kept.id == younger.id
        younger, older = fresh(younger), fresh(older)
        assert younger.waiting_since == older.opened_at
        assert younger.opened_at == older.opened_at
        assert younger.priority == 4
        assert [note.text for note in younger.notes.all()] == ["She called, too. @Ivo"]
        assert [tag.name for tag in younger.tags.all()] == ["luggage"]
        assert younger.case_threads.count() == 2
        assert (older.status, older.merged_into_id, older.waiting_since) == ("merged", younger.id, None)
        assert not older.case_threads.exists()
        assert Mention.objects.get().case_id == younger.id
        assert AuditEntry.objects.filter(action="case.merged").count() == 2

    def test_what_is_said_next_in_either_thread_belongs_to_the_whole(
        self, pair: tuple[Case, Case], agent: User, channel: Channel, ana: Identity
    ) -> None:
        older, younger = pair
        merge_cases(actor=agent, case_id=older.id, other_id=younger.id)
        close_case(actor=agent, case_id=older.id, reason="no_reply_needed")
        asked = Message.objects.get(text="And my seat?")
        say(channel, ana, "Hello?", 30, to=asked)
        whole = fresh(older)
        assert (whole.status, whole.preview) == (CaseStatus.OPEN, "Hello?")
        assert fresh(younger).status == CaseStatus.MERGED

    def test_whoever_waits_in_an_open_case_waits_on_when_it_goes_into_a_closed_one(
        self, pair: tuple[Case, Case], agent: User
    ) -> None:
        older, younger = pair
        close_case(actor=agent, case_id=younger.id, reason="no_reply_needed")
        merge_cases(actor=agent, case_id=younger.id, other_id=older.id)
        whole = fresh(younger)
        assert (whole.status, whole.waiting_since) == (CaseStatus.OPEN, older.opened_at)
        assert (whole.closed_at, whole.close_reason) == (None, "")

    def test_what_was_dealt_with_does_not_wait_again(self, pair: tuple[Case, Case], agent: User) -> None:
        older, younger = pair
        close_case(actor=agent, case_id=older.id, reason="no_reply_needed")
        merge_cases(actor=agent, case_id=younger.id, other_id=older.id)
        assert fresh(younger).waiting_since == younger.waiting_since

    def test_of_rows_that_exist_once_for_each_case_both_stay_where_they_are(
        self, pair: tuple[Case, Case], agent: User
    ) -> None:
        older, younger = pair
        note = Note.objects.create(case=older, author=agent, text="one")
        merge_cases(actor=agent, case_id=younger.id, other_id=older.id)
        note.refresh_from_db()
        assert note.case_id == younger.id
        # Merged twice over: the first stays where it went.
        again = merge_cases(actor=agent, case_id=younger.id, other_id=older.id)
        assert again.version == fresh(younger).version
        assert CaseMerge.objects.count() == 1

    def test_it_is_refused_with_a_reason(
        self, channel: Channel, agent: User, pair: tuple[Case, Case]
    ) -> None:
        older, younger = pair
        stranger = make_case(channel, "Bruno")
        with pytest.raises(Invalid, match="two people"):
            merge_cases(actor=agent, case_id=older.id, other_id=stranger.id)
        with pytest.raises(Invalid, match="this case"):
            merge_cases(actor=agent, case_id=older.id, other_id=older.id)
        with pytest.raises(Conflict, match="in the meantime"):
            merge_cases(actor=agent, case_id=older.id, other_id=younger.id, expected_version=99)
        foreign = make_case(make_channel(make_brand("bistro")))
        with pytest.raises(NotFound):
            merge_cases(actor=agent, case_id=older.id, other_id=foreign.id)
        viewer = make_user("Vera", brand=channel.brand, role="viewer")
        with pytest.raises(NotAllowed):
            merge_cases(actor=viewer, case_id=older.id, other_id=younger.id)
        assert not CaseMerge.objects.exists()

    def test_of_two_brands_even_where_both_may_be_seen(self, agent: User, pair: tuple[Case, Case]) -> None:
        other = make_channel(make_brand("bistro"))
        agent.memberships.create(brand=other.brand, role="agent")
        foreign = case_of(say(other, make_contact(other)))
        with pytest.raises(Invalid, match="two brands"):
            merge_cases(actor=agent, case_id=pair[0].id, other_id=foreign.id)


class TestPart:
    def test_what_came_after_stays_where_it_was_put(self, pair: tuple[Case, Case], agent: User) -> None:
        older, younger = pair
        add_note(actor=agent, case_id=younger.id, text="before")
        merge_cases(actor=agent, case_id=older.id, other_id=younger.id)
        add_note(actor=agent, case_id=older.id, text="after")
        set_priority(actor=agent, case_id=older.id, priority=3)
        part_cases(actor=agent, case_id=younger.id)
        assert [note.text for note in older.notes.all()] == ["after"]
        assert [note.text for note in younger.notes.all()] == ["before"]
        assert fresh(older).priority == 3
        assert fresh(younger).status == CaseStatus.OPEN

    def test_words_that_came_in_between_go_back_with_their_conversation(
        self, pair: tuple[Case, Case], agent: User, channel: Channel, ana: Identity
    ) -> None:
        older, younger = pair
        merge_cases(actor=agent, case_id=older.id, other_id=younger.id)
        say(channel, ana, "Hello?", 30, to=Message.objects.get(text="And my seat?"))
        part_cases(actor=agent, case_id=younger.id)
        assert (fresh(older).preview, fresh(younger).preview) == ("Where is my bag?", "Hello?")

    def test_a_case_that_went_on_must_come_out_first(
        self, pair: tuple[Case, Case], agent: User, channel: Channel, ana: Identity
    ) -> None:
        older, younger = pair
        third = case_of(say(channel, ana, "Third", 20))
        merge_cases(actor=agent, case_id=younger.id, other_id=third.id)
        merge_cases(actor=agent, case_id=older.id, other_id=younger.id)
        with pytest.raises(Conflict, match="merged itself"):
            part_cases(actor=agent, case_id=third.id)
        part_cases(actor=agent, case_id=younger.id)
        part_cases(actor=agent, case_id=third.id)
        assert [fresh(one).preview for one in (older, younger, third)] == [
            "Where is my bag?",
            "And my seat?",
            "Third",
        ]

    def test_conversations_that_became_one_stay_one(
        self, pair: tuple[Case, Case], agent: User, channel: Channel
    ) -> None:
        older, younger = pair
        merge_cases(actor=agent, case_id=older.id, other_id=younger.id)
        one, two = sorted(CaseThread.objects.values_list("thread_id", flat=True))
        with transaction.atomic():
            threads.empty_into({two: one})
            cases.follow(channel=channel, thread_ids=[one], merged={two: one}, new_message_ids=[])
        with pytest.raises(Conflict, match="become one"):
            part_cases(actor=agent, case_id=younger.id)
        assert fresh(younger).merged_into_id == older.id


def _world() -> dict[str, Any]:
    """All that must be the same after a merge was undone. Versions count on, and history grows."""
    with connection.cursor() as cursor:
        world: dict[str, Any] = {}
        for name, statement in {
            "cases": "SELECT to_jsonb(c) - 'version' FROM inbox_case c ORDER BY id",
            "links": "SELECT to_jsonb(l) FROM inbox_casethread l ORDER BY id",
            "tags": "SELECT case_id, tag_id FROM inbox_case_tags ORDER BY 1, 2",
            "notes": "SELECT to_jsonb(n) FROM inbox_note n ORDER BY id",
            "mentions": "SELECT to_jsonb(n) FROM inbox_mention n ORDER BY id",
            "outgoing": "SELECT to_jsonb(o) FROM outbox_outgoing o ORDER BY id",
            "turns": "SELECT to_jsonb(t) FROM inbox_turn t ORDER BY id",
        }.items():
            cursor.execute(statement)
            world[name] = cursor.fetchall()
    return world


_ACTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(
            [
                "note",
                "tag",
                "other tag",
                "assign",
                "urgent",
                "close",
                "spam",
                "snooze",
                "answer",
                "write",
                "reply",
            ]
        ),
    ),
    max_size=10,
)


@given(acts=_ACTS, into=st.permutations([0, 1, 2]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_merge_that_is_undone_leaves_everything_as_it_was(
    acts: list[tuple[int, str]], into: list[int], channel: Channel, agent: User
) -> None:
    with transaction.atomic():
        ana = make_contact(channel)
        make_user("Ivo Perić", brand=channel.brand)
        asked = [say(channel, ana, f"Question {n}", n) for n in range(3)]
        all_cases = [case_of(one) for one in asked]
        for number, (which, act) in enumerate(acts):
            _do(act, all_cases[which], asked[which], agent, channel, ana, 10 + number)
        before = _world()
        kept, first, second = (all_cases[n] for n in into)
        merge_cases(actor=agent, case_id=kept.id, other_id=first.id)
        merge_cases(actor=agent, case_id=kept.id, other_id=second.id)
        assert Case.objects.filter(status="merged").count() == 2
        part_cases(actor=agent, case_id=second.id)
        part_cases(actor=agent, case_id=first.id)
        assert _world() == before
        transaction.set_rollback(True)


def _do(
    act: str, case: Case, asked: Message, agent: User, channel: Channel, ana: Identity, minutes: int
) -> None:
    closed = fresh(case).status == CaseStatus.CLOSED
    match act:
        case "note":
            add_note(actor=agent, case_id=case.id, text=f"note {minutes} @Ivo")
        case "tag" | "other tag":
            add_tag(actor=agent, case_id=case.id, name=act)
        case "assign":
            assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
        case "urgent":
            set_priority(actor=agent, case_id=case.id, priority=4)
        case "close" | "spam" if not closed:
            close_case(actor=agent, case_id=case.id, reason="spam" if act == "spam" else "no_reply_needed")
        case "snooze" if not closed:
            snooze_case(actor=agent, case_id=case.id, until=timezone.now() + timedelta(hours=1))
        case "answer":
            say(channel, None, "Here", minutes, to=asked)
        case "write":
            say(channel, ana, "More", minutes, to=asked)
        case "reply":
            case.outgoing.create(
                brand_id=case.brand_id,
                channel=channel,
                thread=asked.thread,
                in_reply_to=asked,
                author=agent,
                visibility="public",
                text="On its way",
                form_key=uuid.uuid4(),
                not_before=timezone.now(),
            )


class TestSplit:
    def test_a_message_and_what_answers_it_get_a_case_of_their_own(
        self, channel: Channel, agent: User, ana: Identity
    ) -> None:
        first = say(channel, ana, "Where is my bag?", 0)
        answer = say(channel, None, "Which flight?", 1, to=first)
        second = say(channel, ana, "And can I change my seat?", 2, to=answer)
        third = say(channel, ana, "To the window", 3, to=second)
        old = case_of(first)
        add_tag(actor=agent, case_id=old.id, name="luggage")
        new = split_case(actor=agent, case_id=old.id, message_id=second.id)
        moved = set(Message.objects.filter(thread__case_threads__case=new).values_list("id", flat=True))
        assert moved == {second.id, third.id}
        assert (new.status, new.waiting_since) == (CaseStatus.OPEN, second.sent_at)
        assert (fresh(old).waiting_since, fresh(old).preview) == (None, "Which flight?")
        assert [tag.name for tag in new.tags.all()] == ["luggage"]
        assert Turn.objects.count() == 2

    def test_hearing_the_messages_again_does_not_join_them_again(
        self, channel: Channel, agent: User, ana: Identity
    ) -> None:
        first = say(channel, ana, "Where is my bag?", 0)
        second = say(channel, ana, "And my seat?", 1, to=first)
        new = split_case(actor=agent, case_id=case_of(first).id, message_id=second.id)
        arrivals = [
            threads.Arrival(one.external_id, one.parent_external_id, one.thread_key, "public")
            for one in Message.objects.all()
        ]
        for batch in (arrivals, arrivals[:1], arrivals[1:]):
            with transaction.atomic():
                found = threads.assign(channel_id=channel.id, brand_id=channel.brand_id, messages=batch)
            assert found.merged == {}
        say(channel, ana, "Please", 5, to=Message.objects.get(id=second.id))
        assert fresh(new).preview == "Please"

    def test_a_private_conversation_goes_on_where_it_was_split(
        self, channel: Channel, agent: User, ana: Identity
    ) -> None:
        first = say(channel, ana, "Where is my bag?", 0, visibility="private")
        second = say(channel, ana, "Another thing", 5, thread=first.thread, visibility="private")
        third = say(channel, ana, "My seat", 6, thread=first.thread, visibility="private")
        Message.objects.update(thread_key="dm-1")
        new = split_case(actor=agent, case_id=case_of(first).id, message_id=second.id)
        part = new.case_threads.get().thread_id
        assert set(Message.objects.filter(thread_id=part)) == {second, third}
        known = [threads.Arrival(first.external_id, None, "dm-1", "private")]
        later = [threads.Arrival("new", None, "dm-1", "private")]
        for batch, where in ((known, first.thread_id), (later, part), (known + later, None)):
            with transaction.atomic():
                found = threads.assign(channel_id=channel.id, brand_id=channel.brand_id, messages=batch)
            assert found.merged == {}
            if where is not None:
                assert set(found.thread_of.values()) == {where}

    def test_other_people_in_the_thread_keep_their_case(
        self, channel: Channel, agent: User, ana: Identity
    ) -> None:
        first = say(channel, ana, "Where is my bag?", 0)
        second = say(channel, ana, "And my seat?", 1, to=first)
        joe = say(channel, make_contact(channel, "Joe"), "Mine too", 2, to=second)
        joes = case_of(joe)
        split_case(actor=agent, case_id=case_of(first).id, message_id=second.id)
        joe.refresh_from_db()
        assert (
            CaseThread.objects.get(thread_id=joe.thread_id, contact_id=joe.identity.contact_id).case == joes
        )
        assert fresh(joes).waiting_since == joe.sent_at

    def test_a_whole_thread_of_a_merged_case_is_split_as_it_is(
        self, pair: tuple[Case, Case], agent: User
    ) -> None:
        older, younger = pair
        merge_cases(actor=agent, case_id=older.id, other_id=younger.id)
        message = Message.objects.get(text="And my seat?")
        new = split_case(actor=agent, case_id=older.id, message_id=message.id)
        assert new.case_threads.get().thread_id == message.thread_id
        assert new.id not in (older.id, younger.id)

    def test_what_is_all_there_is_cannot_be_split(
        self, pair: tuple[Case, Case], agent: User, channel: Channel
    ) -> None:
        older, younger = pair
        only = Message.objects.get(text="And my seat?")
        with pytest.raises(Invalid, match="nothing to split"):
            split_case(actor=agent, case_id=younger.id, message_id=only.id)
        with pytest.raises(Invalid, match="message of this customer"):
            split_case(actor=agent, case_id=older.id, message_id=only.id)
        ours = say(channel, None, "Here", 20, to=only)
        with pytest.raises(Invalid, match="message of this customer"):
            split_case(actor=agent, case_id=younger.id, message_id=ours.id)

    @pytest.mark.parametrize("keyed", [False, True])
    def test_undone_everything_is_where_it_was(
        self, channel: Channel, agent: User, ana: Identity, keyed: bool
    ) -> None:
        first = say(channel, ana, "Where is my bag?", 0)
        joe = say(channel, make_contact(channel, "Joe"), "Mine too", 1, to=first)
        second = say(channel, ana, "And my seat?", 2, to=None if keyed else first, thread=first.thread)
        if keyed:
            Message.objects.update(thread_key="k")
        old = case_of(first)
        before = {one.id: one.thread_id for one in Message.objects.all()}
        new = split_case(actor=agent, case_id=old.id, message_id=second.id)
        add_note(actor=agent, case_id=new.id, text="since")
        whole = unsplit_case(actor=agent, case_id=new.id)
        assert whole.id == old.id
        assert {one.id: one.thread_id for one in Message.objects.all()} == before
        assert not Message.objects.filter(parted=True).exists()
        assert (fresh(new).status, fresh(new).merged_into_id) == ("merged", old.id)
        assert old.notes.get().text == "since"
        assert fresh(old).waiting_since == first.sent_at
        assert CaseThread.objects.count() == 2
        assert case_of(joe).status == "open"


class TestLink:
    def test_it_comes_and_goes_and_is_told_on_both(self, channel: Channel, agent: User) -> None:
        one, other = make_case(channel, "Ana"), make_case(channel, "Bruno")
        link_cases(actor=agent, case_id=other.id, other_id=one.id)
        link_cases(actor=agent, case_id=one.id, other_id=other.id)
        link = CaseLink.objects.get()
        assert (link.one_id, link.other_id) == (one.id, other.id)
        assert CaseEvent.objects.filter(kind="linked").count() == 2
        unlink_cases(actor=agent, case_id=one.id, other_id=other.id)
        assert not CaseLink.objects.exists()
        assert CaseEvent.objects.filter(kind="unlinked").count() == 2


def test_reopening_a_whole_asks_again_only_for_what_waited(pair: tuple[Case, Case], agent: User) -> None:
    older, younger = pair
    close_case(actor=agent, case_id=older.id, reason="no_reply_needed")
    merge_cases(actor=agent, case_id=younger.id, other_id=older.id)
    close_case(actor=agent, case_id=younger.id, reason="no_reply_needed")
    reopen_case(actor=agent, case_id=younger.id)
    assert fresh(younger).waiting_since == younger.waiting_since
