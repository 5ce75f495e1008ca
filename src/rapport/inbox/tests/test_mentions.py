from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.brands.models import Channel
from rapport.inbox.actions import add_note
from rapport.inbox.mentions import mark_seen, named_in
from rapport.inbox.models import Mention
from rapport.inbox.tests.making import make_brand, make_case, make_user
from rapport.staff.models import Role, User

MARA = User(id=1, name="Mara Kovač", initials="MK")
MARA_W = User(id=2, name="Mara  Weiß", initials="MW")
IVO = User(id=3, name="Ivo Perić", initials="IP")
PEOPLE = [MARA, MARA_W, IVO]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Mara Kovač look", [("@Mara Kovač", {1})]),
        ("@mara kovač's case", [("@mara kovač", {1})]),
        ("(@Mara) and @ivo.", [("@Mara", {1, 2}), ("@ivo", {3})]),
        ("@MW please", [("@MW", {2})]),
        ("@Mara\nWEISS?", [("@Mara\nWEISS", {2})]),
        ("@Mara Weiß", [("@Mara Weiß", {2})]),
        ("@@ivo", [("@ivo", {3})]),
        ("@maraschino @ivory mail@ivo.hr @nobody @", []),
        ("", []),
    ],
)
def test_who_is_named(text: str, expected: list[tuple[str, set[int]]]) -> None:
    assert [(text[one.start : one.end], set(one.user_ids)) for one in named_in(text, PEOPLE)] == expected


@given(st.text(alphabet=st.sampled_from("@ maMAR\nkKoOvVčß\u0307İ.x"), max_size=60))
def test_places_are_in_the_text_and_in_order(text: str) -> None:
    end = 0
    for one in named_in(text, [*PEOPLE, User(id=4, name="", initials="")]):
        assert end <= one.start < one.end <= len(text)
        assert text[one.start] == "@"
        assert one.user_ids <= {1, 2, 3}
        end = one.end


@pytest.mark.django_db
def test_a_note_tells_colleagues_of_the_brand_once_and_until_they_look(channel: Channel, agent: User) -> None:
    ivo = make_user("Ivo Perić", brand=channel.brand)
    make_user("Ivo Viewer", brand=channel.brand, role=Role.VIEWER)
    make_user("Ivo Elsewhere", brand=make_brand("bolt"))
    case = make_case(channel)
    add_note(actor=agent, case_id=case.id, text="@Ivo @IP can you, or I (@Mara)?")
    assert list(Mention.objects.values_list("user_id", "case_id", "seen_at")) == [(ivo.id, case.id, None)]
    assert mark_seen(user=agent, case_id=case.id) == 0
    assert mark_seen(user=ivo, case_id=case.id) == 1
    assert mark_seen(user=ivo, case_id=case.id) == 0
    add_note(actor=agent, case_id=case.id, text="@ivo again")
    assert mark_seen(user=ivo, case_id=case.id) == 1
