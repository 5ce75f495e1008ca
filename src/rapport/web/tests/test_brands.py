"""Brands and their settings, by those who may change them."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand
from rapport.staff.models import Role, User
from rapport.web.tests.conftest import Desk

URL = "/brands/aero/settings/"
GIVEN = {
    "name": "  Aero   Adria ",
    "time_zone": "Europe/Zagreb",
    "colour": "#0B7A75",
    "hours_mon": "9-12, 13–17",
    "hours_sat": "",
}


@pytest.fixture
def owner(desk: Desk) -> Client:
    user = User.objects.create(email="olga@example.com", name="Olga", is_superuser=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _mark(client: Client) -> str:
    page = client.get(URL).content.decode()
    found = re.search(r'name="mark" value="(\w+)"', page)
    assert found is not None
    return found[1]


def _save(client: Client, **changed: str) -> Any:
    return client.post(URL, {**GIVEN, "mark": _mark(client), **changed})


def test_an_admin_changes_the_brand_and_the_log_says_what(desk: Desk) -> None:
    admin = desk.client(Role.ADMIN)
    assert _save(admin)["Location"] == URL
    brand = Brand.objects.get(pk=desk.brand.pk)
    assert (brand.name, brand.slug, brand.colour, brand.time_zone) == (
        "Aero Adria", "aero", "#0b7a75", "Europe/Zagreb",
    )  # fmt: skip
    assert brand.hours == {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}
    entry = AuditEntry.objects.get(action="brand.changed")
    assert (entry.brand_id, entry.actor_id) == (brand.pk, desk.people["admin"].pk)
    assert entry.data == {"fields": ["name", "colour", "time_zone", "hours"]}
    page = admin.get(URL).content.decode()
    assert "Saved." in page
    assert 'value="09:00–12:00, 13:00–17:00"' in page
    assert "<option selected>Europe/Zagreb</option>" in page
    # The same again changes nothing, and is not said to.
    assert _save(admin).status_code == 302
    assert AuditEntry.objects.filter(action="brand.changed").count() == 1
    # What is taken away is gone.
    assert _save(admin, hours_mon="", colour="").status_code == 302
    brand.refresh_from_db()
    assert (brand.hours, brand.colour) == ({}, "")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "n" * 121}, "120 characters"),
        ({"time_zone": "Mars/Olympus"}, "no such time zone"),
        ({"time_zone": ""}, "no such time zone"),
        ({"colour": "red; background: url(//evil.example)"}, "six digits"),
        ({"hours_tue": "17-9"}, "ends before it begins"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost_or_changed(
    desk: Desk, wrong: dict[str, str], said: str
) -> None:
    admin = desk.client(Role.ADMIN)
    before = Brand.objects.filter(pk=desk.brand.pk).values().get()
    answer = _save(admin, **wrong)
    assert answer.status_code == 422
    page = html.unescape(answer.content.decode())
    assert said in page
    assert "9-12, 13–17" in page
    assert Brand.objects.filter(pk=desk.brand.pk).values().get() == before
    assert not AuditEntry.objects.filter(action="brand.changed").exists()


def test_what_somebody_saved_meanwhile_is_not_overwritten_unseen(desk: Desk) -> None:
    admin = desk.client(Role.ADMIN)
    mark = _mark(admin)
    Brand.objects.filter(pk=desk.brand.pk).update(name="Another name")
    answer = admin.post(URL, {**GIVEN, "mark": mark})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Somebody changed this brand in the meantime" in page
    assert "Aero   Adria" in page
    assert Brand.objects.get(pk=desk.brand.pk).name == "Another name"
    again = re.search(r'name="mark" value="(\w+)"', page)
    assert again is not None
    assert admin.post(URL, {**GIVEN, "mark": again[1]}).status_code == 302
    assert Brand.objects.get(pk=desk.brand.pk).name == "Aero Adria"


def test_a_mistake_is_no_way_around_that(desk: Desk) -> None:
    admin = desk.client(Role.ADMIN)
    mark = _mark(admin)
    Brand.objects.filter(pk=desk.brand.pk).update(name="Another name")
    page = admin.post(URL, {**GIVEN, "mark": mark, "hours_tue": "?"}).content.decode()
    again = re.search(r'name="mark" value="(\w+)"', page)
    assert again is not None
    assert admin.post(URL, {**GIVEN, "mark": again[1]}).status_code == 409


def test_a_colour_and_a_zone_that_were_set_elsewhere_stay(desk: Desk) -> None:
    Brand.objects.filter(pk=desk.brand.pk).update(colour="oklch(0.5 0.1 195)", time_zone="CET")
    admin = desk.client(Role.ADMIN)
    assert _save(admin, colour="oklch(0.5 0.1 195)", time_zone="CET").status_code == 302
    brand = Brand.objects.get(pk=desk.brand.pk)
    assert (brand.name, brand.colour, brand.time_zone) == ("Aero Adria", "oklch(0.5 0.1 195)", "CET")


def test_the_list_has_the_brands_that_one_manages(desk: Desk, owner: Client) -> None:
    admins = desk.client(Role.ADMIN).get("/brands/").content.decode()
    assert "/brands/aero/settings/" in admins
    assert "/brands/bistro/settings/" not in admins
    assert "Make another brand" not in admins
    for role in (Role.LEAD, Role.AGENT, Role.VIEWER):
        assert desk.client(role).get("/brands/").status_code == 403
        assert 'href="/brands/"' not in desk.client(role).get("/channels/").content.decode()
    assert 'href="/brands/"' in desk.client(Role.ADMIN).get("/channels/").content.decode()
    owners = owner.get("/brands/").content.decode()
    assert "/brands/bistro/settings/" in owners
    assert "Make another brand" in owners


def test_an_owner_makes_a_second_brand_and_goes_on_to_its_channel(desk: Desk, owner: Client) -> None:
    assert "Make this brand" in owner.get("/brands/new/").content.decode()
    taken = owner.post("/brands/new/", {**GIVEN, "slug": "aero"})
    assert taken.status_code == 422
    assert "Aero   Adria" in taken.content.decode()
    made = owner.post("/brands/new/", {**GIVEN, "name": "Čista Kava"})
    assert made["Location"] == "/channels/connect/?brand=cista-kava"
    brand = Brand.objects.get(slug="cista-kava")
    assert (brand.colour, brand.time_zone) == ("#0b7a75", "Europe/Zagreb")
    assert owner.get(made["Location"]).status_code == 200
    assert desk.client(Role.ADMIN).post("/brands/new/", GIVEN).status_code == 403


def test_the_palette_leads_there(desk: Desk) -> None:
    assert "/brands/aero/settings/" in desk.client(Role.ADMIN).get("/palette/").content.decode()
    assert "/brands/aero/settings/" not in desk.client(Role.LEAD).get("/palette/").content.decode()
