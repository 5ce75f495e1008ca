"""What concerns many cases, or none, is told once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from rapport.inbox.actions import assign_case
from rapport.inbox.actions.bulk import Pick
from rapport.inbox.actions.bulk_undo import undo_bulk
from rapport.inbox.actions.bulk_work import assign_cases
from rapport.inbox.models import Case
from rapport.inbox.tests.making import case_of, make_contact, make_user, say
from rapport.lib.errors import NotFound
from rapport.notices import making, wording
from rapport.notices.kinds import NoticeKind
from rapport.notices.making import make_notices, tell_of_brand
from rapport.notices.models import Happening, Notice
from rapport.notices.queries import news, news_of, unread_count
from rapport.notices.reading import mark_one_read
from rapport.notices.telling import tell_due
from rapport.notices.tests.conftest import Desk
from rapport.staff.models import Membership, Team, User


@pytest.fixture
def cases(desk: Desk) -> list[Case]:
    """Four cases of Mara's that she took herself, and one that nobody has."""
    found = [
        case_of(say(desk.channel, make_contact(desk.channel, f"Person {n}"), "Hello?", n)) for n in range(5)
    ]
    for case in found[:4]:
        assign_case(actor=desk.mara, case_id=case.id, assignee_id=desk.mara.pk)
    make_notices()
    assert not Notice.objects.exists()
    return found


def picks(cases: list[Case]) -> list[Pick]:
    return [Pick(case.id) for case in cases]


def sentences(user: User) -> list[tuple[str, str]]:
    return [(one.contact, line.sentence) for one in news(user=user, unread=True).cases for line in one.lines]


def test_taking_over_many_cases_is_told_once_to_whoever_had_them(desk: Desk, cases: list[Case]) -> None:
    assign_cases(actor=desk.ivo, picks=picks(cases), assignee_id=desk.ivo.pk)
    assert desk.told(desk.mara) == ["taken"]
    assert desk.told(desk.ivo) == []
    assert sentences(desk.mara) == [("4 cases", "Ivo Perić took over 4 cases from you")]
    assert unread_count(desk.mara) == 1


def test_one_case_among_others_is_told_as_one_case(desk: Desk, cases: list[Case]) -> None:
    assign_cases(actor=desk.ivo, picks=picks(cases[3:]), assignee_id=desk.ivo.pk)
    assert desk.told(desk.mara) == ["taken"]
    assert Notice.objects.get().case_id == cases[3].id
    assert sentences(desk.mara) == [("Person 3", "Ivo Perić took over your case")]


def test_whoever_gets_many_is_told_once_and_so_is_each_who_had_some(desk: Desk, cases: list[Case]) -> None:
    zoe, ada = make_user("Zoe", brand=desk.brand), make_user("Ada", brand=desk.brand)
    assign_case(actor=ada, case_id=cases[4].id, assignee_id=ada.pk)
    assign_cases(actor=desk.ivo, picks=picks(cases), assignee_id=zoe.pk)
    assert (desk.told(zoe), desk.told(desk.mara), desk.told(ada)) == (["assigned"], ["taken"], ["taken"])
    assert sentences(zoe) == [("5 cases", "Ivo Perić gave you 5 cases")]
    assert sentences(desk.mara) == [("4 cases", "Ivo Perić gave 4 cases of yours to somebody else")]
    assert sentences(ada)[0][1] == "Ivo Perić gave your case to somebody else"


def test_a_team_is_told_once_and_giving_all_back_too(desk: Desk, cases: list[Case]) -> None:
    ada = make_user("Ada", brand=desk.brand)
    team = Team.objects.create(brand=desk.brand, name="Owls")
    team.members.add(ada, desk.mara)
    outcome = assign_cases(actor=desk.ivo, picks=picks(cases), team_id=team.pk)
    assert (desk.told(ada), desk.told(desk.mara)) == (["team"], ["taken"])  # the same deed once
    assert sentences(ada) == [("5 cases", "Ivo Perić gave your team 5 cases")]
    assert outcome.act_id is not None
    undo_bulk(actor=desk.ivo, act_id=outcome.act_id)
    assert desk.told(desk.mara) == ["taken", "assigned"]
    assert ("4 cases", "Ivo Perić gave you 4 cases") in sentences(desk.mara)


def test_marks_that_are_read_in_parts_tell_the_whole_once(
    desk: Desk, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    assign_cases(actor=desk.ivo, picks=picks(cases), assignee_id=desk.ivo.pk)
    assert Happening.objects.count() == 5
    assert [making.make_notices(limit=3), making.make_notices(limit=3)] == [3, 2]
    assert sentences(desk.mara) == [("4 cases", "Ivo Perić took over 4 cases from you")]


def test_it_is_pushed_and_mailed_as_one_and_leads_to_what_it_is_about(
    desk: Desk, cases: list[Case], mails: None
) -> None:
    assign_cases(actor=desk.ivo, picks=picks(cases[:4]), assignee_id=make_user("Zoe", brand=desk.brand).pk)
    make_notices()
    notice = Notice.objects.get(kind="assigned")
    reader = User.objects.get(name="Zoe")
    found = news_of(user=reader, notice_ids=[notice.pk])
    push = wording.push(found, count=1, words=True)
    assert push.payload["url"] == f"/notices/{notice.pk}/"
    assert push.payload["body"] == "Ivo Perić gave you 4 cases"
    mail = wording.mail(reader, found, newest_id=notice.pk, words=True)
    assert f"https://care.example.com/notices/{notice.pk}/" in mail.body
    assert tell_due(now=timezone.now() + timedelta(hours=1)) == 1


def test_only_its_reader_reads_it_while_they_may_see_the_brand(desk: Desk) -> None:
    told = {"kind": NoticeKind.ALERT, "key": "alert:1", "brand_id": desk.brand.pk}
    assert tell_of_brand(**told, user_ids=[desk.mara.pk], data={"alert": 1, "name": "bags"}) == 1
    assert tell_of_brand(**told, user_ids=[desk.mara.pk, desk.ivo.pk], data={"alert": 1, "name": "bags"}) == 1
    assert sentences(desk.mara) == [("bags", "A listening query finds far more than usual")]
    notice = Notice.objects.get(user=desk.mara)
    with pytest.raises(NotFound):
        mark_one_read(user=desk.ivo, notice_id=notice.pk)
    assert mark_one_read(user=desk.mara, notice_id=notice.pk).data["alert"] == 1
    assert (unread_count(desk.mara), unread_count(desk.ivo)) == (0, 1)
    Membership.objects.filter(user=desk.ivo).delete()
    assert unread_count(desk.ivo) == 0
    with pytest.raises(NotFound):
        mark_one_read(user=desk.ivo, notice_id=Notice.objects.get(user=desk.ivo).pk)
