"""Who has a case open and who writes there: one row for each screen, told only to the screens it concerns."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection

from rapport.brands.models import Channel
from rapport.inbox.models import Case, CaseLook
from rapport.inbox.tests.making import make_brand, make_case, make_user
from rapport.inbox.together import leave, look, open_elsewhere, sweep_looks
from rapport.lib.errors import Invalid, NotAllowed, NotFound
from rapport.lib.live import DESK
from rapport.staff.models import Role, User


class Ear:
    """Everything that is told to screens; reading it commits nothing and waits for nothing."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {DESK}")

    def heard(self) -> list[dict[str, object]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found = connection.connection.notifies(timeout=0.05)
        return [json.loads(one.payload) for one in found]


@pytest.fixture
def case(transactional_db: None, channel: Channel) -> Case:
    return make_case(channel)


def pass_time(seconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_caselook SET seen_at = seen_at - %(by)s, typed_at = typed_at - %(by)s, "
            "reply_began_at = reply_began_at - %(by)s, reply_typed_at = reply_typed_at - %(by)s",
            {"by": timedelta(seconds=seconds)},
        )


@pytest.mark.django_db(transaction=True)
def test_what_others_would_see_change_is_told_to_their_screens_alone_and_once(
    case: Case, agent: User
) -> None:
    joe = make_user("Joe Kim", brand=case.brand)
    look(user=joe, case_id=case.id, screen="joejoejoe")
    ear = Ear()
    look(user=agent, case_id=case.id, screen="maramara")
    told = {"brand": case.brand_id, "look": case.id, "screens": ["joejoejoe"]}
    assert ear.heard() == [told]
    look(user=agent, case_id=case.id, screen="maramara")
    assert ear.heard() == []  # nothing new
    look(user=agent, case_id=case.id, screen="maramara", writing="reply")
    assert ear.heard() == [told]
    look(user=agent, case_id=case.id, screen="maramara", writing="reply")
    assert ear.heard() == []
    look(user=agent, case_id=case.id, screen="maramara")
    assert ear.heard() == [told]  # stopped
    leave(user=agent, case_id=case.id, screen="maramara")
    assert ear.heard() == [told]
    leave(user=agent, case_id=case.id, screen="maramara")
    assert ear.heard() == []


@pytest.mark.django_db(transaction=True)
def test_who_says_nothing_for_forty_seconds_is_gone_and_swept(case: Case, agent: User) -> None:
    joe = make_user("Joe Kim", brand=case.brand)
    look(user=joe, case_id=case.id, screen="joejoejoe")
    assert open_elsewhere(user=agent, case_ids=[case.id]) == {case.id: ("Joe Kim",)}
    assert open_elsewhere(user=joe, case_ids=[case.id]) == {}
    assert sweep_looks() == 0
    pass_time(41)
    assert open_elsewhere(user=agent, case_ids=[case.id]) == {}
    assert sweep_looks() == 1
    look(user=joe, case_id=case.id, screen="joejoejoe", writing="reply")
    pass_time(60)
    assert sweep_looks() == 0  # whoever wrote keeps their place in the line for a while
    pass_time(15 * 60)
    assert sweep_looks() == 1


@pytest.mark.django_db(transaction=True)
def test_somebody_with_two_screens_is_there_until_both_are_gone(case: Case, agent: User) -> None:
    joe = make_user("Joe Kim", brand=case.brand)
    for screen in ("joescreen1", "joescreen2"):
        look(user=joe, case_id=case.id, screen=screen)
    leave(user=joe, case_id=case.id, screen="joescreen1")
    assert open_elsewhere(user=agent, case_ids=[case.id]) == {case.id: ("Joe Kim",)}
    leave(user=joe, case_id=case.id, screen="joescreen2")
    assert open_elsewhere(user=agent, case_ids=[case.id]) == {}


@pytest.mark.django_db(transaction=True)
def test_the_list_names_three_at_most_and_whoever_writes_first(case: Case, agent: User) -> None:
    for name in ("Zoe", "Ada", "Bob", "Cyd"):
        one = make_user(name, brand=case.brand)
        look(
            user=one,
            case_id=case.id,
            screen=f"screen{name.lower()}",
            writing="reply" if name == "Zoe" else "",
        )
    assert open_elsewhere(user=agent, case_ids=[case.id, case.id + 1]) == {case.id: ("Zoe", "Ada", "Bob")}


@pytest.mark.django_db(transaction=True)
def test_of_another_brands_cases_nobody_is_told_who_looks(case: Case, agent: User) -> None:
    look(user=agent, case_id=case.id, screen="maramara")
    stranger, nobody = make_user("Sam", brand=make_brand("other")), make_user("Nora", brand=None)
    for one in (stranger, nobody):
        assert open_elsewhere(user=one, case_ids=[case.id]) == {}


@pytest.mark.django_db(transaction=True)
def test_viewers_look_but_do_not_write_and_strangers_do_neither(case: Case) -> None:
    viewer = make_user("Vera", brand=case.brand, role=Role.VIEWER)
    stranger = make_user("Sam", brand=make_brand("bistro"))
    look(user=viewer, case_id=case.id, screen="verascreen")
    with pytest.raises(NotAllowed):
        look(user=viewer, case_id=case.id, screen="verascreen", writing="reply")
    for act in (look, leave):
        with pytest.raises(NotFound):
            act(user=stranger, case_id=case.id, screen="samscreen")
        with pytest.raises(Invalid):
            act(user=viewer, case_id=case.id, screen="<script>")
    assert list(CaseLook.objects.values_list("user_id", "writing")) == [(viewer.id, "")]


@pytest.mark.django_db(transaction=True)
def test_the_table_costs_no_log(case: Case) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'inbox_caselook'")
        assert cursor.fetchone() == ("u",)
