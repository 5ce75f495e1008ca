"""The laws of recording: any order, any repetition, the same result."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from rapport.brands.models import Brand, Channel
from rapport.contacts.models import Contact, Identity
from rapport.inbox.models import Case, CaseEvent, CaseThread, Message, MessageChange, Thread, Turn
from rapport.ingest.record import lock_channel, record_events
from rapport.networks.base import Author, Event, MessageDeleted, MessageSeen, Reposted

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def make_channel(slug: str = "aero", external_id: str = "brand") -> Channel:
    brand, _ = Brand.objects.get_or_create(slug=slug, defaults={"name": slug.title()})
    return Channel.objects.create(
        brand=brand, network="somewhere", external_id=external_id, handle=f"@{slug}"
    )


def said(
    external_id: str, author: str, minutes: float, *, to: str | None = None, text: str = "", **more: Any
) -> MessageSeen:
    return MessageSeen(
        external_id=external_id,
        author=Author(external_id=author, handle=f"@{author}", name=author.title()),
        text=text or f"{author} says {external_id}",
        sent_at=at(minutes),
        parent_id=to,
        **more,
    )


def record(channel: Channel, *events: Event, arrived: float = 10_000) -> None:
    with transaction.atomic():
        lock_channel(channel.id)
        record_events(channel=channel, events=[(event, at(arrived)) for event in events])


def check_deferred() -> None:
    """Foreign keys are checked at commit, which a test's transaction never reaches."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.mark.django_db
class TestCases:
    def test_a_contacts_message_opens_a_case_and_starts_the_clock(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0, text="Where is\n my  bag?"))
        case = Case.objects.get()
        assert (case.status, case.waiting_since, case.preview) == ("open", at(0), "Where is my bag?")
        assert case.contact.name == "Ana"
        assert [event.kind for event in case.events.all()] == ["opened"]
        check_deferred()

    def test_our_own_posts_reposts_and_bots_open_none(self) -> None:
        channel = make_channel()
        record(
            channel,
            said("1", "brand", 0),
            said("2", "bot", 1, to="1", automatic=True),
            Reposted(external_id="r1", original_id="1", author=Author(external_id="fan"), reposted_at=at(2)),
        )
        assert Case.objects.count() == 0
        assert Message.objects.get(external_id="1").repost_count == 1

    def test_another_brands_post_opens_none_and_does_not_answer(self) -> None:
        channel, other = make_channel(), make_channel("rival", "rival")
        record(channel, said("1", "ana", 0), said("2", "rival", 5, to="1"))
        assert Case.objects.get().waiting_since == at(0)
        assert Turn.objects.get().answered_at is None
        assert other.external_id == Identity.objects.get(is_brand=True).external_id

    def test_an_answer_stops_the_clock_of_the_one_it_answers(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0), said("2", "ben", 1, to="1"))
        record(channel, said("3", "brand", 5, to="2"))
        waiting = {case.contact.name: case.waiting_since for case in Case.objects.all()}
        assert waiting == {"Ana": at(0), "Ben": None}

    def test_writing_again_reopens_a_closed_case_even_if_it_was_sent_before_the_closing(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0))
        Case.objects.update(status="closed", closed_at=at(9), close_reason="answered")
        record(channel, said("2", "ana", 8, to="1"))
        case = Case.objects.get()
        assert (case.status, case.close_reason, case.closed_at) == ("open", "", None)
        assert case.events.filter(kind="reopened").count() == 1

    def test_what_was_closed_without_an_answer_does_not_wait_again_when_something_new_comes(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0), arrived=1)
        Case.objects.update(
            status="closed", closed_at=at(9), settled_at=at(9), close_reason="no_reply_needed"
        )
        record(channel, said("2", "ana", 20, to="1"), arrived=21)
        assert Case.objects.get().waiting_since == at(20)

    def test_an_answer_that_was_deleted_answers_nobody(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0), said("2", "brand", 5, to="1"))
        assert Case.objects.get().waiting_since is None
        record(channel, MessageDeleted(external_id="2", deleted_at=at(6)))
        assert Case.objects.get().waiting_since == at(0)

    def test_writing_again_wakes_a_snoozed_case_but_not_one_closed_as_spam(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0), said("9", "spammer", 0))
        Case.objects.filter(contact__name="Ana").update(status="snoozed", snoozed_until=at(99))
        Case.objects.filter(contact__name="Spammer").update(status="closed", close_reason="spam")
        record(channel, said("2", "ana", 8, to="1"), said("10", "spammer", 8, to="9"))
        assert dict(Case.objects.values_list("contact__name", "status")) == {
            "Ana": "open",
            "Spammer": "closed",
        }

    def test_hearing_a_message_again_changes_nothing(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0))
        Case.objects.update(status="closed", closed_at=at(9), close_reason="answered")
        record(channel, said("1", "ana", 0))
        assert Case.objects.get().status == "closed"
        assert CaseEvent.objects.count() == 1

    def test_a_late_parent_joins_threads_and_the_cases_of_one_contact(self) -> None:
        channel = make_channel()
        record(channel, said("2", "ana", 2, to="1"))
        record(channel, said("3", "ana", 3, to="1"), said("4", "ben", 4, to="3"))
        assert (Thread.objects.count(), Case.objects.count()) == (2, 3)
        loser = Case.objects.filter(contact__name="Ana").order_by("id")[1]
        loser.notes.create(author_id=_agent(), text="half a story")
        record(channel, said("1", "ana", 1))
        survivor = Case.objects.get(contact__name="Ana", status="open")
        loser.refresh_from_db()
        assert (loser.status, loser.merged_into_id) == ("merged", survivor.id)
        assert survivor.notes.get().text == "half a story"
        assert survivor.waiting_since == survivor.opened_at == at(1)
        assert Message.objects.values("thread").distinct().count() == 1
        assert CaseThread.objects.count() == 2
        check_deferred()

    def test_a_private_conversation_is_one_thread_without_reply_links(self) -> None:
        channel = make_channel()
        record(channel, said("1", "ana", 0, thread_key="dm-7", visibility="private"))
        record(channel, said("2", "ana", 5, thread_key="dm-7", visibility="private"))
        assert Thread.objects.get().visibility == Case.objects.get().visibility == "private"


@pytest.mark.django_db
class TestChanges:
    @pytest.mark.parametrize("backwards", [False, True])
    @pytest.mark.parametrize("together", [False, True])
    def test_an_edit_keeps_the_old_wording(self, backwards: bool, together: bool) -> None:
        channel = make_channel()
        events = [said("1", "ana", 0, text="old"), said("1", "ana", 0, text="new", edited_at=at(3))]
        if backwards:
            events.reverse()
        if together:
            record(channel, *events)
        else:
            for event in events:
                record(channel, event)
        message = Message.objects.get()
        change = MessageChange.objects.get()
        assert (message.text, message.edited_at) == ("new", at(3))
        assert (change.kind, change.text, change.at) == ("edited", "old", at(3))

    @pytest.mark.parametrize("backwards", [False, True])
    def test_a_deleted_message_stops_waiting_whichever_comes_first(self, backwards: bool) -> None:
        channel = make_channel()
        events: list[Event] = [said("1", "ana", 0), MessageDeleted(external_id="1", deleted_at=at(4))]
        for event in reversed(events) if backwards else events:
            record(channel, event)
        assert Message.objects.get().deleted_at == at(4)
        assert Case.objects.get().waiting_since is None

    def test_reposts_are_counted_once_each_even_before_their_original(self) -> None:
        channel = make_channel()
        reposts = [
            Reposted(
                external_id=f"r{n}", original_id="1", author=Author(external_id=f"f{n}"), reposted_at=at(2)
            )
            for n in (1, 2, 2)
        ]
        record(channel, *reposts)
        record(channel, said("1", "ana", 0))
        record(channel, reposts[0])
        assert Message.objects.get().repost_count == 2

    def test_a_newer_name_wins_whatever_the_order(self) -> None:
        channel = make_channel()
        record(
            channel,
            MessageSeen(external_id="2", author=Author(external_id="a", name="New"), text="x", sent_at=at(9)),
        )
        record(
            channel,
            MessageSeen(external_id="1", author=Author(external_id="a", name="Old"), text="x", sent_at=at(1)),
        )
        assert Identity.objects.get().name == "New"
        assert Contact.objects.count() == 1

    @pytest.mark.parametrize("together", [False, True])
    def test_a_blank_name_never_hides_one_we_know(self, together: bool) -> None:
        channel = make_channel()
        named = MessageSeen(
            external_id="1", author=Author(external_id="a", name="Ana"), text="x", sent_at=at(1)
        )
        blank = MessageSeen(external_id="2", author=Author(external_id="a"), text="x", sent_at=at(2))
        for events in [[blank, named]] if together else [[named], [blank]]:
            record(channel, *events)
        assert Identity.objects.get().name == "Ana"


@pytest.mark.django_db
@pytest.mark.parametrize("counted", ["never", "while empty", "with a few rows"])
def test_a_thread_of_thousands_costs_what_its_news_costs(counted: str) -> None:
    """Everybody's case reading everybody's words would take minutes here, and hours at ten times as many.

    What the planner knows of the tables may be old: they may have been counted before anything was in them.
    """
    if counted == "while empty":
        _count_tables()
    channel, people = make_channel(), 3000
    if counted == "with a few rows":
        record(
            channel, said("hi", "ana", 0), said("yes", "brand", 1, to="hi"), said("ok", "ana", 2, to="yes")
        )
        _count_tables()
    others = list(Case.objects.values_list("id", flat=True))
    replies = [said(f"r{n}", f"u{n}", 1, to="viral") for n in range(1, people)]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '40s'")
        record(channel, said("viral", "u0", 0), *replies)
        # An edit concerns every case of the thread, and so does what the brand says to nobody in particular.
        record(channel, said("r7", "u7", 1, to="viral", text="in other words", edited_at=at(2)))
        record(channel, said("to one", "brand", 3, to="r8"))
        record(channel, said("to all", "brand", 4, to="to one"))
    opened = Case.objects.exclude(id__in=others)
    assert opened.count() == people
    assert not opened.filter(waiting_since__isnull=False).exists()
    assert set(opened.values_list("last_message_at", "preview")) == {(at(4), "brand says to all")}
    check_deferred()


def _count_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE inbox_message, inbox_casethread, inbox_case, contacts_identity, brands_channel"
        )


def _agent() -> int:
    from rapport.staff.models import User

    return User.objects.create_user("a@example.com", "a long password", name="A", initials="A").id


# The property: a set of messages gives one result --------------------------------------------------
Story = list[MessageSeen]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Up to 14 messages of three people, the brand and a rival; each may answer any other, even a missing one."""
    count = draw(st.integers(1, 14))
    story = []
    for number in range(count):
        parent = draw(st.none() | st.integers(-2, number - 1))
        story.append(
            said(
                f"m{number}",
                draw(st.sampled_from(["ana", "ben", "cat", "brand", "rival"])),
                draw(st.integers(0, 20)),
                to=None if parent is None else f"m{parent}",
                automatic=draw(st.sampled_from([False, False, False, True])),
                thread_key=draw(st.sampled_from([None, None, None, "k1", "k2"])),
            )
        )
    return story


def picture() -> tuple[object, ...]:
    """What the database says, without ids that depend on the order of arrival."""
    members: dict[int, list[str]] = {}
    for thread_id, external_id in Message.objects.order_by("external_id").values_list(
        "thread_id", "external_id"
    ):
        members.setdefault(thread_id, []).append(external_id)
    turns = sorted(
        (tuple(members[t.thread_id]), t.number, t.asked_at, t.answered_at, t.response_s)
        for t in Turn.objects.all()
    )
    cases = sorted(
        (
            case.contact.name,
            tuple(sorted(tuple(members[link.thread_id]) for link in case.case_threads.all())),
            case.opened_at,
            case.last_message_at,
            case.waiting_since or START,
            case.preview,
        )
        for case in Case.objects.exclude(status="merged")
        .prefetch_related("case_threads")
        .select_related("contact")
    )
    return sorted(map(tuple, members.values())), turns, cases


def slow_threads(story: Story) -> list[tuple[str, ...]]:
    """The obvious reference: grow each message's group until nothing is added."""
    by_id = {message.external_id: message for message in story}
    groups = {key: {key} for key in by_id}
    changed = True
    while changed:
        changed = False
        for one in story:
            for two in story:
                linked = one.parent_id == two.external_id or (
                    one.thread_key and one.thread_key == two.thread_key
                )
                if linked and groups[one.external_id] is not groups[two.external_id]:
                    union = groups[one.external_id] | groups[two.external_id]
                    for key in union:
                        groups[key] = union
                    changed = True
    return sorted({tuple(sorted(group)) for group in groups.values()})


def slow_turns(story: Story) -> list[tuple[object, ...]]:
    """The definition of turns, read aloud."""
    found: list[tuple[object, ...]] = []
    for group in slow_threads(story):
        voices = [
            m for m in story if m.external_id in group and not m.automatic and m.author.external_id != "rival"
        ]
        voices.sort(key=lambda m: (m.sent_at, m.author.external_id == "brand", m.external_id))
        asked: datetime | None = None
        number = 0
        for message in voices:
            if message.author.external_id == "brand":
                if asked is not None:
                    found.append(
                        (group, number, asked, message.sent_at, (message.sent_at - asked).total_seconds())
                    )
                    asked = None
            elif asked is None:
                asked, number = message.sent_at, number + 1
        if asked is not None:
            found.append((group, number, asked, None, None))
    return sorted(found, key=lambda row: (row[0], row[1]))


class TestAnyOrder(HypothesisTestCase):
    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(story=stories(), seed=st.integers(0, 2**16))
    def test_any_order_any_batches_and_repeats_give_one_result(self, story: Story, seed: int) -> None:
        channel = make_channel()
        make_channel("rival", "rival")
        record(channel, *story)
        first = picture()
        assert first[0] == slow_threads(story)
        assert first[1] == slow_turns(story)
        check_deferred()
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE inbox_message, inbox_thread, inbox_turn, inbox_case, inbox_casethread, inbox_caseevent, "
                "contacts_identity, contacts_contact, inbox_messagechange CASCADE"
            )
        chance = random.Random(seed)
        shuffled = [*story, *chance.choices(story, k=3)]
        chance.shuffle(shuffled)
        while shuffled:
            size = chance.randint(1, len(shuffled))
            record(channel, *shuffled[:size])
            shuffled = shuffled[size:]
        assert picture() == first
        check_deferred()
