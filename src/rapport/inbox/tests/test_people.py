"""The person of a case: renamed, described, joined with another, and taken apart again."""

from __future__ import annotations

import pytest

from rapport.brands.models import Channel
from rapport.contacts.models import Contact, ContactAttribute, ContactNote, Identity
from rapport.inbox.actions import merge_cases
from rapport.inbox.actions.people import (
    add_contact_note,
    keep_contact_note,
    merge_contacts,
    part_contacts,
    rename_contact,
    set_attribute,
    split_identity,
)
from rapport.inbox.models import Case, CaseThread, Message
from rapport.inbox.queries import case_detail
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
def elsewhere(channel: Channel) -> Channel:
    return make_channel(channel.brand, "elsewhere")


@pytest.fixture
def two(channel: Channel, elsewhere: Channel) -> tuple[Case, Case]:
    """Ana on one network and "a.weber" on another, each with a case."""
    ana, weber = make_contact(channel, "Ana"), make_contact(elsewhere, "a.weber")
    return case_of(say(channel, ana, "My bag?", 0)), case_of(say(elsewhere, weber, "And now here", 5))


def whole() -> dict[str, list[tuple[object, ...]]]:
    """Who has what."""
    return {
        "identities": list(Identity.objects.order_by("id").values_list("id", "contact_id")),
        "cases": list(Case.objects.order_by("id").values_list("id", "contact_id")),
        "links": list(CaseThread.objects.order_by("id").values_list("id", "contact_id", "case_id")),
        "attributes": list(ContactAttribute.objects.order_by("id").values_list("id", "contact_id", "value")),
        "notes": list(ContactNote.objects.order_by("id").values_list("id", "contact_id")),
    }


class TestEditing:
    def test_a_name_attributes_and_notes(self, two: tuple[Case, Case], agent: User) -> None:
        case = two[0]
        rename_contact(actor=agent, case_id=case.id, name="  Ana   Weber ")
        set_attribute(actor=agent, case_id=case.id, name="Customer number", value="4711")
        set_attribute(actor=agent, case_id=case.id, name="customer NUMBER", value="4712")
        note = add_contact_note(actor=agent, case_id=case.id, text="Prefers the window")
        found = case_detail(user=agent, case_id=case.id)
        assert found.contact.name == "Ana Weber"
        assert [(one.name, one.value) for one in found.person.attributes] == [("Customer number", "4712")]
        assert [one.text for one in found.person.notes] == ["Prefers the window"]
        keep_contact_note(actor=agent, case_id=case.id, note_id=note.id, kept=False)
        set_attribute(actor=agent, case_id=case.id, name="Customer number", value="")
        found = case_detail(user=agent, case_id=case.id)
        assert (found.person.attributes, found.person.notes) == ((), ())
        keep_contact_note(actor=agent, case_id=case.id, note_id=note.id, kept=True)
        assert case_detail(user=agent, case_id=case.id).person.notes == (note,)

    def test_one_brand_does_not_read_what_another_knows(self, two: tuple[Case, Case], agent: User) -> None:
        identity = Identity.objects.get(contact_id=two[0].contact_id)
        bistro = make_channel(make_brand("bistro"), identity.network)
        theirs = case_of(say(bistro, identity, "A table?"))
        set_attribute(actor=agent, case_id=two[0].id, name="Seat", value="window")
        note = add_contact_note(actor=agent, case_id=two[0].id, text="difficult")
        waiter = make_user("Will", brand=bistro.brand)
        found = case_detail(user=waiter, case_id=theirs.id).person
        assert (found.attributes, found.notes) == ((), ())
        with pytest.raises(NotFound):
            keep_contact_note(actor=waiter, case_id=theirs.id, note_id=note.id, kept=False)

    @pytest.mark.parametrize("name", ["", " \n", "x" * 201])
    def test_what_cannot_be_a_name_changes_nothing(
        self, two: tuple[Case, Case], agent: User, name: str
    ) -> None:
        with pytest.raises(Invalid):
            rename_contact(actor=agent, case_id=two[0].id, name=name)
        assert Contact.objects.get(id=two[0].contact_id).name == "Ana"

    def test_who_only_looks_changes_nothing(self, two: tuple[Case, Case]) -> None:
        viewer = make_user("Vera", brand=two[0].brand, role="viewer")
        for call in (
            lambda: rename_contact(actor=viewer, case_id=two[0].id, name="X"),
            lambda: set_attribute(actor=viewer, case_id=two[0].id, name="a", value="b"),
            lambda: add_contact_note(actor=viewer, case_id=two[0].id, text="x"),
            lambda: merge_contacts(actor=viewer, case_id=two[0].id, other_case_id=two[1].id),
        ):
            with pytest.raises(NotAllowed):
                call()


class TestJoining:
    def test_everything_comes_along_and_goes_back(self, two: tuple[Case, Case], agent: User) -> None:
        one, other = two
        set_attribute(actor=agent, case_id=one.id, name="Seat", value="window")
        set_attribute(actor=agent, case_id=other.id, name="seat", value="aisle")
        set_attribute(actor=agent, case_id=other.id, name="Number", value="7")
        add_contact_note(actor=agent, case_id=other.id, text="polite")
        before = whole()
        gone = other.contact_id
        merge_contacts(actor=agent, case_id=one.id, other_case_id=other.id)
        found = case_detail(user=agent, case_id=one.id)
        assert len(found.identities) == 2
        assert [case.id for case in found.other_cases] == [other.id]
        assert [(a.name, a.value) for a in found.person.attributes] == [("Number", "7"), ("Seat", "window")]
        assert [person.id for person in found.person.parts] == [gone]
        part_contacts(actor=agent, case_id=one.id, contact_id=gone)
        assert whole() == before
        assert Contact.objects.get(id=gone).merged_into_id is None

    def test_their_cases_can_become_one_and_what_is_said_next_finds_it(
        self, two: tuple[Case, Case], agent: User, elsewhere: Channel
    ) -> None:
        one, other = two
        gone = other.contact_id
        merge_contacts(actor=agent, case_id=one.id, other_case_id=other.id)
        merge_cases(actor=agent, case_id=one.id, other_id=other.id)
        asked = Message.objects.get(text="And now here")
        say(elsewhere, asked.identity, "Hello?", 9, to=asked)
        now = Case.objects.get(id=one.id)
        assert (now.preview, Case.objects.count()) == ("Hello?", 2)
        # One case holds the words of both accounts: they are two again only after it was taken apart.
        with pytest.raises(Conflict, match="conversations of both"):
            part_contacts(actor=agent, case_id=one.id, contact_id=gone)

    def test_what_was_said_in_between_goes_with_its_account(
        self, two: tuple[Case, Case], agent: User, elsewhere: Channel
    ) -> None:
        one, other = two
        gone, weber = other.contact_id, Identity.objects.get(contact_id=other.contact_id)
        merge_contacts(actor=agent, case_id=one.id, other_case_id=other.id)
        weber.refresh_from_db()
        later = case_of(say(elsewhere, weber, "Something new", 30))
        part_contacts(actor=agent, case_id=one.id, contact_id=gone)
        later.refresh_from_db()
        assert later.contact_id == gone

    def test_two_voices_of_one_conversation_stay_two(self, channel: Channel, agent: User) -> None:
        first = say(channel, make_contact(channel, "Ana"), "My bag?", 0)
        second = say(channel, make_contact(channel, "Ana2"), "Mine too", 1, to=first)
        with pytest.raises(Conflict, match="one conversation"):
            merge_contacts(actor=agent, case_id=case_of(first).id, other_case_id=case_of(second).id)

    def test_whom_another_brand_knows_too_is_not_joined_behind_its_back(
        self, two: tuple[Case, Case], agent: User
    ) -> None:
        identity = Identity.objects.get(contact_id=two[1].contact_id)
        bistro = make_channel(make_brand("bistro"), identity.network)
        say(bistro, identity, "A table?")
        with pytest.raises(NotAllowed, match="Another brand"):
            merge_contacts(actor=agent, case_id=two[0].id, other_case_id=two[1].id)

    def test_an_account_is_split_off_with_its_cases(self, two: tuple[Case, Case], agent: User) -> None:
        one, other = two
        merge_contacts(actor=agent, case_id=one.id, other_case_id=other.id)
        weber = Identity.objects.get(name="a.weber")
        made = split_identity(actor=agent, case_id=one.id, identity_id=weber.id)
        other.refresh_from_db()
        assert (other.contact_id, made.name) == (made.id, "a.weber")
        with pytest.raises(Invalid, match="only account"):
            split_identity(actor=agent, case_id=other.id, identity_id=weber.id)
        with pytest.raises(NotFound):
            split_identity(actor=agent, case_id=one.id, identity_id=weber.id)

    def test_that_is_the_same_person_already(self, channel: Channel, agent: User) -> None:
        case = make_case(channel)
        with pytest.raises(Invalid, match="same person"):
            merge_contacts(actor=agent, case_id=case.id, other_case_id=case.id)
