"""A long thread: where it opens, and that both ways lead past every message once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox.actions import add_note, link_cases
from rapport.inbox.actions.seen import mark_read
from rapport.inbox.models import Case, CaseEvent, CaseSeen, Message, MessageChange, Note
from rapport.inbox.queries import CaseDetail, case_detail
from rapport.inbox.queries.thread import MESSAGE_PAGE, Window
from rapport.inbox.tests.making import at, case_of, make_brand, make_case, make_contact, make_user, say
from rapport.lib.errors import NotFound
from rapport.staff.models import User

pytestmark = pytest.mark.django_db
COUNT = 300


@pytest.fixture
def ana(channel: Channel) -> Identity:
    return make_contact(channel, "Ana")


@pytest.fixture
def case(channel: Channel, ana: Identity) -> Case:
    """A post of ours, a question of Ana's, and 300 comments of which every tenth is hers; one each minute."""
    post = say(channel, None, "New planes", 0)
    asked = say(channel, ana, "And my bag?", 1, to=post)
    ben = make_contact(channel, "Ben")
    Message.objects.bulk_create(
        Message(
            brand_id=channel.brand_id,
            channel=channel,
            thread=post.thread,
            external_id=f"c{n}",
            parent_external_id=post.external_id,
            identity=ana if n % 10 == 0 else ben,
            own=False,
            from_brand=False,
            visibility="public",
            text=f"comment {n}",
            sent_at=at(2 + n),
        )
        for n in range(COUNT)
    )
    return case_of(asked)


def ids(detail: CaseDetail) -> list[int]:
    return [row.message.id for row in detail.messages]


def comment(number: int) -> Message:
    return Message.objects.get(external_id=f"c{number}")


def test_who_never_looked_begins_where_the_wait_begins(case: Case, agent: User) -> None:
    page = case_detail(user=agent, case_id=case.id).thread
    assert page.unread_id == Message.objects.get(text="And my bag?").id
    assert [row.message.text for row in page.rows[:2]] == ["New planes", "And my bag?"]
    assert page.older_cursor is None
    assert page.newer_cursor is not None


def test_it_opens_at_the_customers_first_message_that_came_since(case: Case, agent: User) -> None:
    mark_read(user=agent, case_id=case.id, message_id=comment(105).id)
    page = case_detail(user=agent, case_id=case.id).thread
    assert page.unread_id == comment(110).id
    assert comment(110).id in [row.message.id for row in page.rows]
    assert page.older_cursor and page.newer_cursor  # noqa: PT018
    # Somebody else has seen nothing of it.
    other = make_user("Ivo Perić", brand=case.brand)
    assert case_detail(user=other, case_id=case.id).thread.unread_id != comment(110).id


def test_who_has_seen_everything_begins_at_the_newest(case: Case, agent: User) -> None:
    mark_read(user=agent, case_id=case.id, message_id=comment(COUNT - 1).id)
    mark_read(user=agent, case_id=case.id, message_id=comment(3).id)  # an older screen tells late
    page = case_detail(user=agent, case_id=case.id).thread
    assert page.unread_id is None
    assert page.rows[-1].message == comment(COUNT - 1)
    assert CaseSeen.objects.count() == 1


def test_what_is_read_of_a_case_one_may_not_see_is_nobodys(case: Case) -> None:
    stranger = make_user("Zoe", brand=make_brand("bistro"))
    with pytest.raises(NotFound):
        mark_read(user=stranger, case_id=case.id, message_id=1)


@pytest.mark.parametrize("start", [0, 57, 150, COUNT - 1])
def test_both_ways_lead_past_every_message_once(case: Case, agent: User, start: int) -> None:
    first = case_detail(user=agent, case_id=case.id, window=Window(around=comment(start).id))
    shown = ids(first)
    older, newer = first.thread.older_cursor, first.thread.newer_cursor
    while older:
        page = case_detail(user=agent, case_id=case.id, window=Window(older=older))
        shown, older = ids(page) + shown, page.thread.older_cursor
        assert len(page.messages) <= MESSAGE_PAGE
    while newer:
        page = case_detail(user=agent, case_id=case.id, window=Window(newer=newer))
        shown, newer = shown + ids(page), page.thread.newer_cursor
    assert shown == list(Message.objects.order_by("sent_at", "id").values_list("id", flat=True))


def test_notes_and_changes_come_with_the_messages_of_their_time(case: Case, agent: User) -> None:
    for n in (5, 50, 120, 250):
        add_note(actor=agent, case_id=case.id, text=f"note {n}")
        note = Note.objects.latest("id")
        Note.objects.filter(id=note.id).update(created_at=at(2 + n) + timedelta(seconds=30))
        CaseEvent.objects.filter(kind="noted", data__note=note.id).update(
            at=at(2 + n) + timedelta(seconds=31)
        )
    page = case_detail(user=agent, case_id=case.id, window=Window(around=comment(150).id))
    notes = [note.text for note in page.notes]
    events = [event.kind for event in page.events]
    older, newer = page.thread.older_cursor, page.thread.newer_cursor
    while older:
        page = case_detail(user=agent, case_id=case.id, window=Window(older=older))
        notes, events = [note.text for note in page.notes] + notes, [e.kind for e in page.events] + events
        older = page.thread.older_cursor
    while newer:
        page = case_detail(user=agent, case_id=case.id, window=Window(newer=newer))
        notes, events = notes + [note.text for note in page.notes], events + [e.kind for e in page.events]
        newer = page.thread.newer_cursor
    assert notes == ["note 5", "note 50", "note 120", "note 250"]
    assert events == ["opened", *["noted"] * 4]


def test_a_screen_gets_what_it_shows_anew_from_its_first_message_on(case: Case, agent: User) -> None:
    page = case_detail(user=agent, case_id=case.id, window=Window(since=comment(200).id))
    assert ids(page)[0] == comment(200).id
    assert ids(page)[-1] == comment(COUNT - 1).id
    assert page.thread.older_cursor and not page.thread.newer_cursor  # noqa: PT018


def test_the_post_and_what_is_answered_are_there_however_long_ago(
    case: Case, agent: User, channel: Channel, ana: Identity
) -> None:
    late = say(channel, ana, "Still no bag", 2 + COUNT, to=comment(1))
    page = case_detail(user=agent, case_id=case.id, window=Window(newest=True)).thread
    assert [row.message.text for row in page.roots] == ["New planes"]
    row = page.rows[-1]
    assert row.message == late
    assert row.parent_id is not None
    assert page.parents[row.parent_id].message == comment(1)
    # The newest of the customer's can be answered wherever the page is.
    detail = case_detail(user=agent, case_id=case.id, window=Window(around=comment(30).id))
    assert detail.answerable[-1].message == late


def test_a_window_costs_the_same_in_a_long_thread(case: Case, agent: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        case_detail(user=agent, case_id=case.id, window=Window(around=comment(150).id))
    assert len(captured) <= 26


def test_what_became_of_a_message_is_told_with_it(channel: Channel, agent: User, ana: Identity) -> None:
    asked = say(channel, ana, "AA 417", 0)
    Message.objects.filter(id=asked.id).update(edited_at=at(2), like_count=2)
    kinds = [("edited", "AA 471", ""), ("liked", "like", "a"), ("liked", "like", "b"), ("liked", "wow", "c")]
    for minute, (kind, text, external_id) in enumerate(kinds):
        MessageChange.objects.create(
            channel=channel, message_external_id=asked.external_id, kind=kind, at=at(minute), text=text,
            external_id=external_id,
        )  # fmt: skip
    MessageChange.objects.create(
        channel=channel, message_external_id=asked.external_id, kind="withdrawn", at=at(9), external_id="b"
    )
    found = case_detail(user=agent, case_id=case_of(asked).id).became[asked.id]
    assert [before.text for before in found.edits] == ["AA 471"]
    assert found.reactions == [("like", 1), ("wow", 1)]


class TestBeside:
    def test_linked_cases_and_the_same_words_of_others_of_this_week(
        self, channel: Channel, agent: User
    ) -> None:
        words = "Your app does not open any more since the update"
        mine = make_case(channel, "Ana", words)
        same, link = make_case(channel, "Ben", words), make_case(channel, "Cat", "Look: https://x.example/a")
        mine_too = make_case(channel, "Dan", "https://x.example/a says it all")
        old = make_case(channel, "Eva", words)
        now = timezone.now()
        Case.objects.update(last_message_at=now)
        Case.objects.filter(id=old.id).update(last_message_at=now - timedelta(days=8))
        assert case_detail(user=agent, case_id=mine.id).related.alike == (same,)
        assert case_detail(user=agent, case_id=link.id).related.alike == (mine_too,)
        link_cases(actor=agent, case_id=mine.id, other_id=same.id)
        found = case_detail(user=agent, case_id=mine.id).related
        assert (found.linked, found.alike) == ((same,), ())

    def test_counts_of_all_cases_with_the_person(self, channel: Channel, agent: User, ana: Identity) -> None:
        one = case_of(say(channel, ana, "One", 0))
        case_of(say(channel, ana, "Two", 5))
        Case.objects.filter(id=one.id).update(status="closed")
        found = case_detail(user=agent, case_id=one.id).related
        assert (found.total, found.open, found.first_at) == (2, 1, at(0))
