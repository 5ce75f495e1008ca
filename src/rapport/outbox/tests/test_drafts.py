"""Words that are not sent yet: kept on the server, and no device overwrites another."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from rapport.inbox.actions import merge_cases
from rapport.inbox.models import Case
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.lib.errors import Invalid, NotAllowed, NotFound
from rapport.outbox.actions import reply
from rapport.outbox.drafts import (
    DRAFT_LENGTH,
    MOST_ASIDE,
    DraftState,
    cases_with_drafts,
    draft_back,
    draft_sent,
    drafts_of,
    drop_aside,
    save_draft,
    use_aside,
)
from rapport.outbox.models import Draft, DraftAside
from rapport.staff.models import Role, User


class Writer:
    """An agent with one case; ``save`` is what one device does."""

    def __init__(self) -> None:
        self.brand = make_brand("aero")
        self.channel = make_channel(self.brand, "practice")
        self.contact = make_contact(self.channel, "Ana")
        self.case: Case = case_of(say(self.channel, self.contact, "Where is my bag?"))
        self.agent: User = make_user("Ivo", brand=self.brand, role=Role.AGENT)

    def save(self, text: str, base: int = 0, age_s: int = 0, field: str = "reply") -> DraftState:
        return save_draft(
            user=self.agent, case_id=self.case.id, field=field, text=text, base=base, age_s=age_s
        )

    def now(self, field: str = "reply") -> DraftState:
        return drafts_of(user=self.agent, case_id=self.case.id)[field]

    def offered(self) -> list[str]:
        return [text for _id, text in self.now().asides]


@pytest.fixture
def writer(db: None) -> Writer:
    return Writer()


def test_a_device_that_goes_on_writes_over_its_own_words_only(writer: Writer) -> None:
    first = writer.save("Hel")
    second = writer.save("Hello\r\nthere", base=first.revision)
    assert second.revision > first.revision
    assert writer.now() == DraftState(text="Hello\nthere", revision=second.revision)
    writer.save("For colleagues", field="note")
    assert writer.now().text == "Hello\nthere"
    assert writer.now("note").text == "For colleagues"


def test_of_two_devices_the_one_that_typed_last_stands_and_the_other_is_offered(writer: Writer) -> None:
    start = writer.save("On the train").revision
    writer.save("At the desk", base=start)
    late = writer.save("On the train, long ago", base=start, age_s=600)
    assert late.text == "At the desk"
    assert writer.offered() == ["On the train, long ago"]
    now = writer.save("On the phone, just now", base=start)
    assert now.text == "On the phone, just now"
    assert writer.offered() == ["At the desk", "On the train, long ago"]


def test_what_went_on_from_the_same_words_is_not_offered_twice(writer: Writer) -> None:
    writer.save("We look")
    writer.save("We look for it", base=1)
    assert writer.offered() == []
    writer.save("Other words", base=1)
    writer.save("We look for it today", base=1)
    assert writer.offered() == ["Other words"]


def test_the_same_words_from_two_tabs_change_nothing(writer: Writer) -> None:
    first = writer.save("Same")
    assert writer.save("Same", base=7, age_s=3).revision == first.revision


def test_an_emptied_field_keeps_what_another_device_wrote(writer: Writer) -> None:
    start = writer.save("One").revision
    writer.save("One and two", base=start)
    assert writer.save("", base=start).text == ""
    assert writer.offered() == ["One and two"]


def test_what_is_sent_is_a_draft_no_more_and_a_late_save_does_not_bring_it_back(writer: Writer) -> None:
    start = writer.save("We look for").revision
    known = writer.save("We look for it.", base=start).revision
    reply(
        actor=writer.agent, case_id=writer.case.id, text="We look for it.", visibility="public",
        in_reply_to_id=None, form_key=uuid.uuid4(), draft_revision=known,
    )  # fmt: skip
    assert (writer.now().text, writer.offered()) == ("", [])
    assert writer.save("We look for it", base=start).text == ""
    assert (writer.now().text, writer.offered()) == ("", [])
    assert writer.save("And one more thing", base=known).text == "And one more thing"


def test_what_another_device_wrote_stays_when_this_one_sends(writer: Writer) -> None:
    start = writer.save("Hello").revision
    writer.save("Quite other words", base=start)
    draft_sent(user=writer.agent, case_id=writer.case.id, field="reply", text="Hello", revision=start)
    assert writer.now().text == ""
    assert writer.offered() == ["Quite other words"]


def test_a_reply_that_is_refused_leaves_its_draft(writer: Writer) -> None:
    writer.save("x" * 600)
    with pytest.raises(Invalid):
        reply(
            actor=writer.agent, case_id=writer.case.id, text="x" * 600, visibility="public",
            in_reply_to_id=None, form_key=uuid.uuid4(),
        )  # fmt: skip
    assert writer.now().text == "x" * 600


def test_words_that_come_back_go_before_what_was_begun_since_and_only_once(writer: Writer) -> None:
    writer.save("Begun since")
    given = {"user": writer.agent, "case_id": writer.case.id, "field": "reply", "text": "Taken back"}
    assert draft_back(**given) == "Taken back\n\nBegun since"
    assert draft_back(**given) == "Taken back\n\nBegun since"
    assert writer.now().text == "Taken back\n\nBegun since"


def test_what_was_set_aside_can_be_used_or_thrown_away_and_had_back(writer: Writer) -> None:
    writer.save("Newest")
    writer.save("Older", age_s=60, base=1)
    [(aside, _text)] = writer.now().asides
    known = {"user": writer.agent, "case_id": writer.case.id, "aside_id": aside}
    drop_aside(**known)
    assert writer.offered() == []
    drop_aside(**known, dropped=False)
    assert writer.offered() == ["Older"]
    use_aside(**known)
    assert writer.now().text == "Older\n\nNewest"
    assert writer.offered() == []
    with pytest.raises(NotFound):
        use_aside(**known)


def test_nobody_reaches_what_another_person_writes(writer: Writer) -> None:
    writer.save("Newest")
    writer.save("Older", age_s=60, base=1)
    [(aside, _text)] = writer.now().asides
    lead = make_user("Mara", brand=writer.brand, role=Role.LEAD)
    for act in (use_aside, drop_aside):
        with pytest.raises(NotFound):
            act(user=lead, case_id=writer.case.id, aside_id=aside)
    assert drafts_of(user=lead, case_id=writer.case.id)["reply"] == DraftState()
    assert cases_with_drafts(user=lead, case_ids=[writer.case.id]) == set()
    assert cases_with_drafts(user=writer.agent, case_ids=[writer.case.id]) == {writer.case.id}
    given = {"case_id": writer.case.id, "field": "reply", "text": "x", "base": 0, "age_s": 0}
    with pytest.raises(NotAllowed):
        save_draft(user=make_user("Vera", brand=writer.brand, role=Role.VIEWER), **given)
    with pytest.raises(NotFound):
        save_draft(user=make_user("Stranger"), **given)
    assert Draft.objects.count() == 1


def test_what_is_kept_has_limits_and_nothing_is_lost_at_them(writer: Writer) -> None:
    with pytest.raises(Invalid):
        writer.save("x" * (DRAFT_LENGTH + 1))
    with pytest.raises(Invalid):
        writer.save("x", field="subject")
    assert "\0" not in writer.save("a\0b", age_s=10**17).text
    writer.save("Newest")
    for number in range(MOST_ASIDE + 5):
        writer.save(f"({number})", base=1, age_s=500)
    assert writer.offered()[0] == f"({MOST_ASIDE + 4})"
    assert len(writer.offered()) == MOST_ASIDE


def test_a_draft_goes_along_when_its_case_becomes_part_of_another(writer: Writer) -> None:
    other = case_of(say(writer.channel, writer.contact, "And my coat?"))
    if other.id == writer.case.id:
        pytest.fail("the two messages belong to one case")
    writer.save("About the bag")
    merge_cases(actor=writer.agent, case_id=other.id, other_id=writer.case.id)
    writer.case.refresh_from_db()
    kept = writer.case.merged_into_id or other.id
    assert Draft.objects.get(text="About the bag").case_id == (
        kept if writer.case.merged_into_id else writer.case.id
    )
    known = Draft.objects.get().revision
    assert writer.save("About the bag and coat", base=known).text == "About the bag and coat"
    assert Draft.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_devices_that_save_at_the_same_moment_lose_nothing() -> None:
    writer = Writer()

    def device(number: int) -> None:
        try:
            writer.save(f"Words of device {number}", base=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as devices:
        list(devices.map(device, range(6)))
    assert sorted([writer.now().text, *writer.offered()]) == [f"Words of device {n}" for n in range(6)]
    assert DraftAside.objects.count() == 5
