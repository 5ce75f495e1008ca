"""Who follows a case: by hand, by what they do, and no more once they left."""

from __future__ import annotations

import pytest

from rapport.brands.models import Channel
from rapport.inbox.actions import add_note, assign_case, handover, merge_cases, part_cases
from rapport.inbox.actions.bulk import Pick
from rapport.inbox.actions.bulk_undo import undo_bulk
from rapport.inbox.actions.bulk_work import assign_cases
from rapport.inbox.actions.follow import begin_following, follow_case
from rapport.inbox.models import Case, CaseFollow, CaseHandover
from rapport.inbox.tests.making import make_brand, make_case, make_contact, make_user, say
from rapport.lib.errors import NotFound
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


def following(case: Case) -> list[str]:
    rows = CaseFollow.objects.filter(case=case, muted=False).order_by("user__name")
    return list(rows.values_list("user__name", flat=True))


def test_whoever_is_given_a_case_writes_in_it_or_is_named_follows_it(channel: Channel, agent: User) -> None:
    joe, mia = (make_user(name, brand=channel.brand) for name in ("Joe Kim", "Mia Marin"))
    case = make_case(channel)
    assert following(case) == []
    assign_case(actor=agent, case_id=case.id, assignee_id=joe.id)
    assert following(case) == ["Joe Kim"]
    add_note(actor=agent, case_id=case.id, text="Look, @Mia")
    assert following(case) == ["Joe Kim", "Mara Kovač", "Mia Marin"]
    other = make_case(channel)
    assign_cases(actor=agent, picks=[Pick(other.id, None)], assignee_id=mia.id)
    assert following(other) == ["Mia Marin"]


def test_who_left_stays_away_until_they_come_back_themselves(channel: Channel, agent: User) -> None:
    case = make_case(channel)
    follow_case(user=agent, case_id=case.id)
    assert following(case) == ["Mara Kovač"]
    follow_case(user=agent, case_id=case.id, following=False)
    assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
    add_note(actor=agent, case_id=case.id, text="Still here")
    begin_following(user_ids=[agent.id], case_id=case.id)
    assert following(case) == []
    follow_case(user=agent, case_id=case.id)
    follow_case(user=agent, case_id=case.id)
    assert following(case) == ["Mara Kovač"]


def test_leaving_a_case_before_following_it_holds_too(channel: Channel, agent: User) -> None:
    case = make_case(channel)
    follow_case(user=agent, case_id=case.id, following=False)
    assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
    assert following(case) == []


def test_automations_follow_nothing(channel: Channel, agent: User) -> None:
    bot = make_user("Robot", brand=channel.brand)
    User.objects.filter(id=bot.id).update(is_bot=True)
    case = make_case(channel)
    begin_following(user_ids=[bot.id], case_id=case.id)
    add_note(actor=bot, case_id=case.id, text="Beep")
    assert following(case) == []


def test_a_merged_case_brings_its_followers_and_takes_them_when_it_goes(
    channel: Channel, agent: User
) -> None:
    joe = make_user("Joe Kim", brand=channel.brand)
    ana = make_contact(channel)
    one, two = (
        Case.objects.get(case_threads__thread_id=say(channel, ana, text).thread_id)
        for text in ("Where is my bag?", "And my coat?")
    )
    follow_case(user=joe, case_id=two.id)
    follow_case(user=agent, case_id=one.id, following=False)
    follow_case(user=agent, case_id=two.id)
    merge_cases(actor=make_user("Lea", brand=channel.brand), case_id=one.id, other_id=two.id)
    # Who left the case that stays is not brought back by the one that went into it.
    assert following(one) == ["Joe Kim"]
    assert follow_case(user=agent, case_id=two.id).id == one.id
    assert following(one) == ["Joe Kim", "Mara Kovač"]
    part_cases(actor=agent, case_id=two.id)
    assert "Joe Kim" in following(two)
    assert "Joe Kim" not in following(one)


def test_a_viewer_may_follow_and_a_stranger_may_not(channel: Channel) -> None:
    viewer = make_user("Vera", brand=channel.brand, role=Role.VIEWER)
    stranger = make_user("Sam", brand=make_brand("bistro"))
    case = make_case(channel)
    follow_case(user=viewer, case_id=case.id)
    with pytest.raises(NotFound):
        follow_case(user=stranger, case_id=case.id)
    assert following(case) == ["Vera"]


class TestTakingBack:
    """Following came with being given the case, so it goes when that is undone."""

    @pytest.fixture
    def joe(self, channel: Channel) -> User:
        return make_user("Joe Kim", brand=channel.brand)

    def undo(self, case: Case, actor: User, to: User | None = None) -> None:
        assign_case(actor=actor, case_id=case.id, assignee_id=to.id if to else None, undoing=True)

    def test_who_was_given_a_case_by_mistake_does_not_follow_it(
        self, channel: Channel, agent: User, joe: User
    ) -> None:
        case = make_case(channel)
        assign_case(actor=agent, case_id=case.id, assignee_id=joe.id)
        self.undo(case, agent)
        assert following(case) == []
        self.undo(case, agent, joe)  # done again
        assert following(case) == ["Joe Kim"]
        self.undo(case, agent)
        assert following(case) == []

    def test_who_followed_before_goes_on(self, channel: Channel, agent: User, joe: User) -> None:
        case = make_case(channel)
        follow_case(user=joe, case_id=case.id)
        assign_case(actor=agent, case_id=case.id, assignee_id=joe.id)
        self.undo(case, agent)
        assert following(case) == ["Joe Kim"]

    def test_who_wrote_or_was_named_there_meanwhile_goes_on(
        self, channel: Channel, agent: User, joe: User
    ) -> None:
        mia = make_user("Mia Marin", brand=channel.brand)
        case, other = make_case(channel), make_case(channel)
        assign_case(actor=agent, case_id=case.id, assignee_id=joe.id)
        add_note(actor=joe, case_id=case.id, text="I called")
        self.undo(case, agent)
        assert following(case) == ["Joe Kim"]
        assign_case(actor=agent, case_id=other.id, assignee_id=mia.id)
        add_note(actor=joe, case_id=other.id, text="@Mia, look")
        self.undo(other, agent)
        assert following(other) == ["Joe Kim", "Mia Marin"]

    def test_giving_a_case_away_later_is_no_undoing(self, channel: Channel, agent: User, joe: User) -> None:
        case = make_case(channel)
        assign_case(actor=agent, case_id=case.id, assignee_id=joe.id)
        assign_case(actor=agent, case_id=case.id, assignee_id=None)
        assert following(case) == ["Joe Kim"]
        lea = make_user("Lea", brand=channel.brand)
        assign_case(actor=agent, case_id=case.id, assignee_id=lea.id)
        self.undo(case, joe)  # somebody else's act
        assert following(case) == ["Joe Kim", "Lea"]

    def test_what_was_said_of_it_at_the_case_goes_too(self, channel: Channel, agent: User, joe: User) -> None:
        mia = make_user("Mia Marin", brand=channel.brand)
        case = make_case(channel)
        assign_case(actor=joe, case_id=case.id, assignee_id=joe.id)
        assign_case(actor=agent, case_id=case.id, assignee_id=mia.id)
        assert CaseHandover.objects.get(case=case).former_id == joe.id
        self.undo(case, agent, joe)
        assert not CaseHandover.objects.filter(case=case).exists()

    def test_many_at_once_are_taken_back_as_one(self, channel: Channel, agent: User, joe: User) -> None:
        mia = make_user("Mia Marin", brand=channel.brand)
        cases = [make_case(channel, f"c{n}") for n in range(3)]
        assign_case(actor=mia, case_id=cases[0].id, assignee_id=mia.id)
        follow_case(user=joe, case_id=cases[1].id)
        outcome = assign_cases(actor=agent, picks=[Pick(case.id) for case in cases], assignee_id=joe.id)
        told = CaseHandover.objects.get()
        assert (told.case_id, told.former_id, told.person_id) == (cases[0].id, mia.id, joe.id)
        assert outcome.act_id is not None
        undo_bulk(actor=agent, act_id=outcome.act_id)
        assert [following(case) for case in cases] == [["Mia Marin"], ["Joe Kim"], []]
        assert not CaseHandover.objects.exists()

    def test_who_inherited_the_cases_of_somebody_who_left_after_all(
        self, channel: Channel, agent: User, joe: User
    ) -> None:
        lead = make_user("Lea", brand=channel.brand, role=Role.LEAD)
        case = make_case(channel)
        assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
        done = handover.leave(
            actor=lead, person_id=agent.id, brand_id=channel.brand_id, heirs={channel.brand_id: joe.id}
        )
        assert following(case) == ["Joe Kim", "Mara Kovač"]
        handover.undo(actor=lead, reversal_id=done.reversal.pk)
        assert following(case) == ["Mara Kovač"]
