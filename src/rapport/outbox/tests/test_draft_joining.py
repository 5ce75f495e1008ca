"""Whoever wrote in two cases that become one finds all their words in the one, and again apart when it is undone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rapport.inbox.actions import merge_cases, part_cases
from rapport.inbox.joining import lock_threads
from rapport.inbox.merging import _merge_cases
from rapport.inbox.models import Case, CaseMerge
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.outbox.drafts import DraftState, draft_sent, drafts_of, drop_aside, save_draft, use_aside
from rapport.outbox.models import Draft, DraftAside
from rapport.staff.models import User


@dataclass
class Two:
    """Two cases of one customer; ``gone`` becomes part of ``kept``."""

    kept: Case
    gone: Case
    agent: User

    def write(self, case: Case, text: str, *, user: User | None = None, field: str = "reply") -> None:
        user = user or self.agent
        base = drafts_of(user=user, case_id=case.id)[field].revision
        save_draft(user=user, case_id=case.id, field=field, text=text, base=base, age_s=0)

    def merge(self) -> None:
        merge_cases(actor=self.agent, case_id=self.kept.id, other_id=self.gone.id)

    def part(self) -> None:
        part_cases(actor=self.agent, case_id=self.gone.id)

    def at(self, case: Case, field: str = "reply") -> DraftState:
        return drafts_of(user=self.agent, case_id=case.id)[field]

    def words(self, case: Case) -> tuple[str, list[str]]:
        state = self.at(case)
        return state.text, [text for _id, text in state.asides]


@pytest.fixture
def two(db: None) -> Two:
    brand = make_brand("aero")
    channel = make_channel(brand, "practice")
    ana = make_contact(channel, "Ana")
    kept, gone = (case_of(say(channel, ana, text)) for text in ("Where is my bag?", "And my coat?"))
    return Two(kept, gone, make_user("Ivo", brand=brand))


def test_words_in_both_are_both_there_and_go_back_apart(two: Two) -> None:
    two.write(two.kept, "About the bag")
    two.write(two.gone, "About the coat")
    two.merge()
    assert two.words(two.kept) == ("About the bag", ["About the coat"])
    two.part()
    assert two.words(two.kept) == ("About the bag", [])
    assert two.words(two.gone) == ("About the coat", [])


def test_a_field_that_was_sent_and_is_empty_takes_the_words(two: Two) -> None:
    draft_sent(user=two.agent, case_id=two.kept.id, field="reply", text="On its way")
    before = two.at(two.kept).revision
    two.write(two.gone, "About the coat")
    two.merge()
    assert two.words(two.kept) == ("About the coat", [])
    # A device that has the empty field open hears that it is older.
    assert two.at(two.kept).revision > before
    two.part()
    assert two.words(two.kept) == ("", [])
    assert two.words(two.gone) == ("About the coat", [])


def test_each_writer_and_field_by_itself(two: Two) -> None:
    mia = make_user("Mia", brand=two.kept.brand)
    two.write(two.kept, "Bag, by Ivo")
    two.write(two.gone, "Coat, by Ivo")
    two.write(two.gone, "Coat, by Mia", user=mia)
    two.write(two.gone, "Note, by Ivo", field="note")
    two.merge()
    assert two.words(two.kept) == ("Bag, by Ivo", ["Coat, by Ivo"])
    assert two.at(two.kept, "note").text == "Note, by Ivo"
    assert drafts_of(user=mia, case_id=two.kept.id)["reply"].text == "Coat, by Mia"
    two.part()
    assert two.at(two.gone, "note").text == "Note, by Ivo"
    assert drafts_of(user=mia, case_id=two.gone.id)["reply"].text == "Coat, by Mia"


def test_what_stands_in_the_other_words_already_is_not_said_twice(two: Two) -> None:
    two.write(two.kept, "Sorry! About the coat.")
    two.write(two.gone, "About the coat")
    two.merge()
    assert two.words(two.kept) == ("Sorry! About the coat.", [])
    two.part()
    assert two.words(two.gone) == ("About the coat", [])


@pytest.mark.parametrize("what", ["changed", "sent", "used", "dropped"])
def test_what_was_changed_meanwhile_stays_where_it_is_and_is_not_doubled(two: Two, what: str) -> None:
    empty = what in ("changed", "sent")
    if empty:
        draft_sent(user=two.agent, case_id=two.kept.id, field="reply", text="On its way")
    else:
        two.write(two.kept, "About the bag")
    two.write(two.gone, "About the coat")
    two.merge()
    asides = two.at(two.kept).asides
    match what:
        case "changed":
            two.write(two.kept, "About the coat, in blue")
        case "sent":
            revision = two.at(two.kept).revision
            draft_sent(
                user=two.agent, case_id=two.kept.id, field="reply", text="About the coat", revision=revision
            )
        case "used":
            use_aside(user=two.agent, case_id=two.kept.id, aside_id=asides[0][0])
        case "dropped":
            drop_aside(user=two.agent, case_id=two.kept.id, aside_id=asides[0][0])
    before = two.words(two.kept)
    two.part()
    assert two.words(two.kept) == before
    assert two.words(two.gone) == ("", [])


def test_cases_that_turn_out_to_be_one_keep_all_words_too(two: Two) -> None:
    third = case_of(say(two.kept.channel, make_contact(two.kept.channel, "Ana again"), "And my hat?"))
    two.write(two.kept, "Bag")
    two.write(two.gone, "Coat")
    two.write(third, "Hat")
    lock_threads([two.kept.id, two.gone.id, third.id])
    _merge_cases({two.gone.id: two.kept.id, third.id: two.kept.id})
    assert two.words(two.kept) == ("Bag", ["Hat", "Coat"])


def test_what_is_written_down_of_it_holds_no_words(two: Two) -> None:
    people = [make_user(f"Agent {n}", brand=two.kept.brand) for n in range(4)]
    for user in people:
        two.write(two.kept, "Bag", user=user)
        two.write(two.gone, "Coat", user=user)
    two.merge()
    assert "Coat" not in str(CaseMerge.objects.get().moved)
    assert DraftAside.objects.filter(case=two.kept, text="Coat").count() == 4
    two.part()
    assert not DraftAside.objects.exists()
    assert Draft.objects.filter(case=two.gone, text="Coat").count() == 4
