from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand, Channel
from rapport.channels.beginning import progress
from rapport.inbox.tests.making import make_brand, make_channel, make_user
from rapport.networks.practice.models import Account
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db
BRAND = {"name": "Čista Kava", "slug": "", "time_zone": "Europe/Zagreb", "hours_mon": "9-12, 13–17"}
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def owner() -> User:
    user = make_user("Olga Owner")
    user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner, backend=BACKEND)
    return client


def _step(client: Client) -> str:
    page = client.get("/start/").content.decode()
    return page.split('aria-current="step"', 1)[-1].split("</h2>", 1)[0]


def test_the_steps_follow_what_exists_and_can_be_gone_on_with(client: Client, owner: User) -> None:
    assert "A brand" in _step(client)
    assert client.post("/start/brand/", BRAND)["Location"] == "/start/"
    brand = Brand.objects.get()
    assert (brand.slug, brand.time_zone) == ("cista-kava", "Europe/Zagreb")
    assert brand.hours == {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}
    assert AuditEntry.objects.get(action="brand.created").brand_id == brand.pk
    page = client.get("/start/").content.decode()
    assert "Its first channel" in _step(client)
    assert f"/channels/connect/?brand={brand.slug}" in page
    assert client.post("/start/practice/", {"brand": brand.pk})["Location"] == "/start/"
    channel = Channel.objects.get()
    assert (channel.network, channel.handle, channel.hours) == ("practice", "@cista_kava", brand.hours)
    assert Account.objects.filter(is_company=False).count() == 2
    assert "Your colleagues" in _step(client)
    # Twice is not two channels.
    assert client.post("/start/practice/", {"brand": brand.pk}).status_code == 409
    assert Channel.objects.count() == 1
    make_user("Colin", brand=brand)
    assert "Everything is there." in client.get("/start/").content.decode()
    assert 'id="start-card"' not in client.get("/desk/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "n" * 121}, "120 characters"),
        ({"name": "กาแฟ"}, "letters a to z"),
        ({"slug": "a/b"}, "letters a to z"),
        ({"slug": "taken"}, "taken already"),
        ({"time_zone": "../../etc/passwd"}, "no such time zone"),
        ({"hours_mon": "nine"}, "is not understood"),
    ],
)
def test_what_is_typed_stays_when_the_brand_cannot_be_made(
    client: Client, wrong: dict[str, str], said: str
) -> None:
    Brand.objects.filter(slug="taken").delete()
    if wrong.get("slug") == "taken":
        make_brand("taken")
    count = Brand.objects.count()
    answer = client.post("/start/brand/", {**BRAND, **wrong})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    if not count:
        assert 'value="9-12, 13–17"' in page or "hours_mon" in wrong
        assert "<option selected>Europe/Zagreb</option>" in page or "time_zone" in wrong
    assert Brand.objects.count() == count


def test_only_an_owner_makes_a_brand_and_only_who_connects_channels_sees_the_steps() -> None:
    brand = make_brand("aero")
    for role, status in ((Role.ADMIN, 200), (Role.LEAD, 403), (Role.AGENT, 403), (Role.VIEWER, 403)):
        client = Client()
        client.force_login(make_user(f"R {role}", brand=brand, role=role), backend=BACKEND)
        assert client.get("/start/").status_code == status
        assert client.post("/start/brand/", BRAND).status_code == 403
        assert ('id="start-card"' in client.get("/desk/").content.decode()) == (status == 200)
    assert Brand.objects.count() == 1


def test_the_card_can_be_put_away_and_had_back(client: Client, owner: User) -> None:
    assert 'id="start-card"' in client.get("/desk/").content.decode()
    answer = client.post("/start/away/")
    page = client.get(answer["Location"]).content.decode()
    assert "shows the first steps no more" in page
    assert 'id="start-card"' not in client.get("/desk/").content.decode()
    client.post("/start/away/", {"back": "1"})
    assert 'id="start-card"' in client.get("/desk/").content.decode()


def test_an_owner_without_a_brand_is_led_there_by_the_first_login(owner: User) -> None:
    owner.set_password("a long enough password")
    owner.save()
    login = {"username": owner.email, "password": "a long enough password"}
    assert Client().post("/login/?next=/desk/", login)["Location"] == "/start/"
    assert Client().post("/login/?next=/people/", login)["Location"] == "/people/"
    make_brand("aero")
    assert Client().post("/login/?next=/desk/", login)["Location"] == "/desk/"


def test_empty_pages_lead_to_the_step_that_is_next(client: Client, owner: User) -> None:
    for path in ("/desk/", "/figures/", "/channels/", "/people/invitations/"):
        assert "Begin with a brand" in client.get(path).content.decode(), path
    brand = make_brand("aero")
    assert "Connect the first channel" in client.get("/desk/").content.decode()
    make_channel(brand)
    assert "Invite your colleagues" in client.get("/desk/").content.decode()
    make_user("Colin", brand=brand)
    assert "/start/" not in client.get("/desk/").content.decode()


def test_how_far_it_is_takes_two_queries(owner: User, django_assert_num_queries: Any) -> None:
    for number in range(5):
        make_channel(make_brand(f"brand-{number}"))
    with django_assert_num_queries(2):
        found = progress(user=owner)
    assert found is not None
    assert (found.next, found.done) == ("people", 2)
