from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox import actions
from rapport.inbox.models import Case, CloseReason, Message
from rapport.inbox.queries import CaseDetail, assignable_users, brand_tags, case_detail
from rapport.inbox.queries.thread import MESSAGE_PAGE, Window
from rapport.inbox.tests.making import (
    at,
    case_of,
    make_brand,
    make_case,
    make_channel,
    make_contact,
    make_user,
    say,
)
from rapport.lib.errors import Invalid, NotFound
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


def texts(detail: CaseDetail) -> list[str]:
    return [row.message.text for row in detail.messages]


def chatter(channel: Channel, question: Message, identity: Identity, count: int) -> None:
    """Many messages of somebody else in a thread, in one go."""
    Message.objects.bulk_create(
        Message(
            brand_id=channel.brand_id,
            channel=channel,
            thread=question.thread,
            external_id=f"chat{n}",
            parent_external_id=question.external_id,
            identity=identity,
            own=False,
            from_brand=False,
            visibility="public",
            text=f"chat {n}",
            sent_at=at(10 + n // 3),
        )
        for n in range(count)
    )


def test_it_shows_the_thread_as_it_was_said(channel: Channel, agent: User) -> None:
    ana, ben = make_contact(channel, "Ana"), make_contact(channel, "Ben")
    post = say(channel, None, "New planes!", 0)
    asked = say(channel, ana, "And my bag?", 1, to=post)
    say(channel, ben, "Mine too", 2, to=asked)
    answer = say(channel, None, "We look into it ^MK", 3, to=asked)
    Message.objects.filter(id=answer.id).update(user=agent)
    detail = case_detail(user=agent, case_id=case_of(asked).id)
    assert texts(detail) == ["New planes!", "And my bag?", "Mine too", "We look into it ^MK"]
    assert [row.parent_id for row in detail.messages] == [None, post.id, asked.id, asked.id]
    assert [row.of_contact for row in detail.messages] == [False, True, False, False]
    assert [row.author_name for row in detail.messages] == ["@aero", "Ana", "Ben", "Mara Kovač"]
    assert (detail.contact.name, detail.identities) == ("Ana", (ana,))
    assert detail.older_cursor is None
    assert detail.earlier_of_contact == ()


def test_it_shows_what_colleagues_did(channel: Channel, agent: User) -> None:
    case = make_case(channel)
    actions.add_note(actor=agent, case_id=case.id, text="a regular")
    actions.add_tag(actor=agent, case_id=case.id, name="refund")
    actions.assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
    detail = case_detail(user=agent, case_id=case.id)
    assert [note.text for note in detail.notes] == ["a regular"]
    assert [tag.name for tag in detail.tags] == ["refund"]
    assert detail.case.assignee == agent
    assert [(event.kind, event.actor) for event in detail.events] == [
        ("opened", None),
        ("noted", agent),
        ("tagged", agent),
        ("assigned", agent),
    ]


def test_it_shows_the_contacts_other_cases_of_brands_the_person_may_see(
    channel: Channel, agent: User
) -> None:
    identity = make_contact(channel)
    case, other = case_of(say(channel, identity)), case_of(say(channel, identity, minutes=5))
    hidden = case_of(say(make_channel(make_brand("bolt")), identity))
    merged = case_of(say(channel, identity))
    Case.objects.filter(id=merged.id).update(status="merged", merged_into=other)
    assert case_detail(user=agent, case_id=case.id).other_cases == (other,)
    owner = User.objects.create_superuser("o@example.com", "long enough pw", name="Olga", initials="O")
    assert set(case_detail(user=owner, case_id=case.id).other_cases) == {other, hidden}


def test_it_is_for_those_who_may_see_the_case(channel: Channel) -> None:
    case = make_case(channel)
    assert case_detail(user=make_user(brand=channel.brand, role=Role.VIEWER), case_id=case.id).case == case
    with pytest.raises(NotFound):
        case_detail(user=make_user(brand=make_brand("bolt")), case_id=case.id)


def test_a_long_thread_comes_in_pages_each_message_once(channel: Channel, agent: User) -> None:
    asked = say(channel, make_contact(channel, "Ana"), "And my bag?", 1)
    chatter(channel, asked, make_contact(channel, "Ben"), 450)
    pages = [case_detail(user=agent, case_id=case_of(asked).id, window=Window(newest=True))]
    while pages[-1].older_cursor:
        pages.append(case_detail(user=agent, case_id=case_of(asked).id, older=pages[-1].older_cursor))
    assert [len(page.messages) for page in pages] == [MESSAGE_PAGE] * 7 + [451 - 7 * MESSAGE_PAGE]
    shown = [row.message.id for page in reversed(pages) for row in page.messages]
    assert shown == list(asked.thread.messages.order_by("sent_at", "id").values_list("id", flat=True))
    # What the case is about is in sight from the first page on.
    assert [row.message for row in pages[0].earlier_of_contact] == [asked]
    assert pages[-1].earlier_of_contact == ()


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "\ud800"])
def test_a_made_up_place_in_a_thread_is_refused(cursor: str, channel: Channel, agent: User) -> None:
    with pytest.raises(Invalid):
        case_detail(user=agent, case_id=make_case(channel).id, older=cursor)


def test_another_cases_place_is_refused(channel: Channel, agent: User) -> None:
    asked = say(channel, make_contact(channel, "Ana"), "And my bag?", 1)
    chatter(channel, asked, make_contact(channel, "Ben"), 201)
    cursor = case_detail(user=agent, case_id=case_of(asked).id, window=Window(newest=True)).older_cursor
    with pytest.raises(Invalid):
        case_detail(user=agent, case_id=make_case(channel).id, older=cursor)


def test_it_costs_the_same_for_a_short_case_and_a_long_one(channel: Channel, agent: User) -> None:
    def queries(case: Case) -> int:
        with CaptureQueriesContext(connection) as captured:
            detail = case_detail(user=agent, case_id=case.id)
            # Reading what a page shows asks for nothing more.
            for row in detail.messages:
                assert row.identity.handle
                assert row.author_name is not None
            for event in detail.events:
                assert event.actor is None or event.actor.name
            for note in detail.notes:
                assert note.author.name
            for one in detail.other_cases:
                assert one.brand.name
                assert one.channel.handle
            assert detail.case.brand.name
            assert detail.contact.name
        return len(captured)

    asked = say(channel, make_contact(channel, "Ana"))
    case = case_of(asked)
    # One of each: what a case has nothing of is not asked for.
    actions.add_note(actor=agent, case_id=case.id, text="n")
    say(channel, Identity.objects.filter(contact_id=case.contact_id).get(), "another matter")
    few = queries(case)
    for n in range(8):
        asked = say(channel, asked.identity if n % 2 else None, f"m{n}", n, to=asked)
        Message.objects.filter(id=asked.id, own=True).update(user=agent)
        actions.add_note(actor=agent, case_id=case.id, text="n")
        actions.add_tag(actor=agent, case_id=case.id, name=f"t{n}")
        say(channel, Identity.objects.filter(contact_id=case.contact_id).get(), "another matter", n)
    assert queries(case) <= few <= 21
    chatter(channel, asked, make_contact(channel, "Ben"), 250)
    assert queries(case) <= few + 3  # the contact's own words from before and after the page


def test_assignable_are_those_who_may_answer_by_name(channel: Channel) -> None:
    zoe = make_user("Zoe", brand=channel.brand)
    ada = make_user("Ada", brand=channel.brand, role=Role.ADMIN)
    make_user("Vera", brand=channel.brand, role=Role.VIEWER)
    make_user("Stranger", brand=make_brand("bolt"))
    owner = User.objects.create_superuser("o@example.com", "long enough pw", name="Olga", initials="O")
    assert list(assignable_users(brand_id=channel.brand_id)) == [ada, owner, zoe]


def test_a_brands_tags_come_by_name(channel: Channel, agent: User) -> None:
    case = make_case(channel)
    for name in ("refund", "bag"):
        actions.add_tag(actor=agent, case_id=case.id, name=name)
    actions.close_case(actor=agent, case_id=case.id, reason=CloseReason.SPAM)
    assert [tag.name for tag in brand_tags(brand_id=channel.brand_id)] == ["bag", "refund"]
