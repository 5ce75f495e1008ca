"""What the command palette leads to, and for whom."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from rapport.inbox.saved import create_view
from rapport.inbox.tests.making import case_of, make_channel, make_contact, make_user, say
from rapport.staff.models import Membership, Role, Team, User
from rapport.web.palette import colleagues_for, fits
from rapport.web.tests.conftest import Desk


def urls(desk: Desk, role: str, query: str = "") -> set[str]:
    answer = desk.client(role).get(f"/palette/{query}")
    assert answer.status_code == 200
    return set(re.findall(r'data-url="([^"]+)"', answer.content.decode()))


def test_pages_are_offered_to_those_who_may_enter_them(desk: Desk) -> None:
    team = Team.objects.create(brand=desk.brand, name="Evenings")
    of_admin, of_viewer = urls(desk, "admin"), urls(desk, "viewer")
    assert {"/figures/", "/people/", "/account/#look", "/keys/", f"/channels/{desk.channel.id}/"} <= of_viewer
    only_admin = {"/parked/", "/channels/connect/", "/brands/aero/reasons/", f"/people/teams/{team.pk}/"}
    assert only_admin <= of_admin
    assert not only_admin & of_viewer
    assert not [url for url in of_admin if "bistro" in url]
    for role in ("admin", "viewer"):
        client = desk.client(role)
        for url in urls(desk, role):
            assert client.get(url.partition("#")[0]).status_code == 200, url


def test_saved_views_are_there_and_others_are_not(desk: Desk) -> None:
    def save(user: User, name: str, brand_id: int | None = None) -> None:
        create_view(actor=user, name=name, view="all", filters={"lang": ["th"]}, brand_id=brand_id)

    agent, lead = desk.people["agent"], desk.people["lead"]
    save(agent, "Mine alone")
    save(lead, "Of the lead")
    save(lead, "Everybody's", desk.brand.id)
    page = desk.client().get("/palette/").content.decode()
    assert "Mine alone" in page
    assert "Everybody&#x27;s" in page
    assert "Of the lead" not in page


def test_cases_are_found_by_number_and_by_words_and_only_ones_own(desk: Desk) -> None:
    here, elsewhere = desk.case.id, desk.other_case.id
    for query in (f"?q={here}", f"?q=%23{here}", "?q=bag", "?q=ana"):
        assert f"/desk/all/case/{here}/" in urls(desk, "viewer", query), query
    for query in (
        f"?q={elsewhere}",
        "?q=table",
        "?q=bruno",
        "?q=is:nonsense",
        "?q=%22",
        "?q=%00",
        "?q=9" + "9" * 40,
    ):
        assert not [url for url in urls(desk, "admin", query) if "/case/" in url], query


def test_colleagues_are_found_by_the_beginning_of_words_whatever_the_accents(desk: Desk) -> None:
    mara, other = make_user("Mara Kovačević"), make_user("Mara Elsewhere")
    thai = make_user("สมชาย ใจดี")
    for user in (mara, thai):
        Membership.objects.create(user=user, brand=desk.brand, role=Role.AGENT)
    Membership.objects.create(user=other, brand=desk.other_brand, role=Role.AGENT)
    agent = desk.people["agent"]
    for text in ("kovac", "KOVAČ ma", "mara k", mara.email):
        assert [pk for pk, _name, _email in colleagues_for(user=agent, text=text)] == [mara.pk], text
    assert [pk for pk, _name, _email in colleagues_for(user=agent, text="ชาย")] == [thai.pk]
    for text in ("", "m", "ovac", "elsewhere", "%"):
        assert colleagues_for(user=agent, text=text) == []
    assert reverse("person", args=[mara.pk]) in urls(desk, "viewer", "?q=kovac")


def test_words_fit_where_they_begin() -> None:
    assert fits(["cha", "con"], "Connect a channel")
    assert not fits(["annel"], "Connect a channel")


@pytest.mark.parametrize("query", ["", "?q=person"])
def test_it_costs_the_same_for_many(
    desk: Desk, django_assert_max_num_queries: DjangoAssertNumQueries, query: str
) -> None:
    for number in range(12):
        channel = make_channel(desk.brand, "practice")
        case_of(say(channel, make_contact(channel, f"Person {number}"), f"A person's words {number}"))
        Team.objects.create(brand=desk.brand, name=f"Team {number}")
        Membership.objects.create(user=make_user(f"Person {number}"), brand=desk.brand, role=Role.AGENT)
    client = desk.client("admin")
    client.get("/palette/")
    with django_assert_max_num_queries(26):
        client.get(f"/palette/{query}")
