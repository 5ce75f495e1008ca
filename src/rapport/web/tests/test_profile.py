"""One's own profile, whether one is here, and where one is logged in."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.test import Client
from django.utils import timezone

from rapport.brands.models import SignatureStyle
from rapport.media.tests.test_pictures import SECRET, png
from rapport.outbox.checks import signature
from rapport.staff.models import Picture, Session, Signature, User
from rapport.web.devices import called
from rapport.web.tests.conftest import Desk

FORM = {
    "name": "Mara Kovač",
    "initials": "MK",
    "time_zone": "Asia/Bangkok",
    "speaks": ["hr"],
    "add_language": "th",
}


def me(desk: Desk) -> User:
    return User.objects.get(id=desk.people["agent"].id)


def test_a_profile_is_saved_and_says_what_is_wrong(desk: Desk) -> None:
    client = desk.client()
    form = {**FORM, "skill": ["Refunds"], "add_skill": "bags, refunds"}
    assert client.post("/account/profile/", form).status_code == 302
    user = me(desk)
    assert (user.name, user.initials, user.time_zone) == ("Mara Kovač", "MK", "Asia/Bangkok")
    assert (user.speaks, user.skills) == (["hr", "th"], ["bags", "Refunds"])
    for wrong in (
        {"name": ""}, {"name": "x" * 121}, {"initials": ""}, {"initials": "TOOLONG"}, {"time_zone": "Mars/Base"},
        {"speaks": "klingon"}, {"add_skill": "x" * 41}, {"add_skill": ",".join(map(str, range(30)))},
    ):  # fmt: skip
        answer = client.post("/account/profile/", {**FORM, **wrong})
        assert answer.status_code == 422, wrong
        assert b'role="alert"' in answer.content
    assert me(desk).name == "Mara Kovač"


def test_times_are_shown_in_ones_own_time_zone(desk: Desk) -> None:
    client = desk.client()
    there = client.get(desk.url()).content.decode()
    User.objects.filter(id=me(desk).id).update(time_zone="Asia/Kathmandu")
    here = client.get(desk.url()).content.decode()
    assert "+05:45" in here
    assert "+05:45" not in there
    User.objects.filter(id=me(desk).id).update(time_zone="Nowhere/Gone")
    assert client.get(desk.url()).status_code == 200


def test_a_signature_differs_per_brand_and_empty_is_as_usual(desk: Desk) -> None:
    client, user = desk.client(), me(desk)
    form = {
        f"initials-{desk.brand.id}": "M",
        f"name-{desk.brand.id}": "Mimi",
        f"initials-{desk.other_brand.id}": "Z",
    }
    assert client.post("/account/signatures/", form).status_code == 302
    assert signature(channel=desk.channel, author=user) == "^M"
    desk.channel.signature = SignatureStyle.NAME
    assert signature(channel=desk.channel, author=user) == "Mimi"
    assert not Signature.objects.filter(brand=desk.other_brand).exists()
    assert client.post("/account/signatures/", {f"initials-{desk.brand.id}": "TOOLONG"}).status_code == 422
    client.post("/account/signatures/", {f"initials-{desk.brand.id}": "", f"name-{desk.brand.id}": ""})
    assert signature(channel=desk.channel, author=user) == user.first_name


def _file(content: bytes) -> BytesIO:
    file = BytesIO(content)
    file.name = "me.png"
    return file


def test_a_picture_is_shown_to_colleagues_without_its_remarks(desk: Desk) -> None:
    client = desk.client()
    assert (
        client.post("/account/picture/", {"picture": _file(png(40, 40, remark=b"a\0" + SECRET))}).status_code
        == 302
    )
    address = f"/people/{me(desk).id}/picture/"
    answer = desk.client("viewer").get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert SECRET not in answer.content
    assert "sandbox" in answer["Content-Security-Policy"]
    stranger = Client()
    assert stranger.get(address).status_code == 302
    outsider = User.objects.create_user("out@example.com", name="Out Sider", initials="OS")
    stranger.force_login(outsider, backend="django.contrib.auth.backends.ModelBackend")
    assert stranger.get(address).status_code == 404
    assert f"{address}?v=".encode() in client.get("/account/").content
    client.post("/account/picture/", {"remove": "1"})
    assert not Picture.objects.exists()
    assert me(desk).picture == ""


@pytest.mark.parametrize(
    "content", [b"<svg/>", b"not a picture", png(8, 8), png(5000, 40), png() + b"\0" * 2_100_000]
)
def test_what_is_no_fitting_picture_is_refused_in_words(desk: Desk, content: bytes) -> None:
    answer = desk.client().post("/account/picture/", {"picture": _file(content)})
    assert answer.status_code == 422
    assert b'role="alert"' in answer.content
    assert desk.client().post("/account/picture/", {}).status_code == 422
    assert not Picture.objects.exists()


def test_being_away_shows_where_cases_are_given_and_ends_by_itself(desk: Desk) -> None:
    client, lead = desk.client(), desk.client("lead")
    client.post("/account/availability/", {"away": "yes", "until": "hour", "reason": "Dentist"})
    assert me(desk).is_away
    assert '<span class="end">Away</span>' in lead.get(desk.url()).content.decode()
    assert "Dentist" in lead.get("/people/").content.decode()
    User.objects.filter(id=me(desk).id).update(away_until=timezone.now())
    assert not me(desk).is_away
    assert '<span class="end">Away</span>' not in lead.get(desk.url()).content.decode()
    client.post("/account/availability/", {"away": "yes"})
    client.post("/account/availability/", {"away": "no"})
    assert not me(desk).is_away


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": "time", "until_time": ""},
        {"until": "time", "until_time": "0001-01-01T00:00"},
        {"until": "time", "until_time": "9999-12-31T23:59"},
        {"until": "time", "until_time": "x" * 5000},
        {"reason": "x" * 81},
    ],
)
def test_an_impossible_absence_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    assert desk.client().post("/account/availability/", {"away": "yes", **wrong}).status_code == 422
    assert not me(desk).is_away


def test_being_seen_costs_one_write_a_minute(desk: Desk) -> None:
    client = desk.client()
    client.get("/people/")
    first = me(desk).seen_at
    assert first is not None
    client.get("/people/")
    assert me(desk).seen_at == first
    earlier = timezone.now() - timedelta(seconds=61)
    User.objects.filter(id=me(desk).id).update(seen_at=earlier)
    Session.objects.filter(user=me(desk)).update(seen_at=earlier)
    client.get("/people/")
    assert me(desk).seen_at > first
    assert Session.objects.get(user=me(desk)).seen_at > earlier


def test_logins_are_listed_and_ended_one_by_one_or_all_but_this(desk: Desk) -> None:
    here, there, elsewhere = desk.client(), desk.client(), desk.client()
    page = here.get("/account/").content.decode()
    assert page.count("<span>this one</span>") == 1
    for client in (here, there, elsewhere):  # a session's key is as good as a password
        assert client.session.session_key not in page
    assert here.post("/account/logins/", {"device": str(there.session.session_key)[:10]}).status_code == 302
    assert there.get("/people/").status_code == 302
    assert here.post("/account/logins/", {"device": str(here.session.session_key)[:10]}).status_code == 422
    lead = desk.client("lead")
    assert here.post("/account/logins/", {"device": str(lead.session.session_key)[:10]}).status_code == 404
    assert here.post("/account/logins/", {"device": "others"}).status_code == 302
    assert elsewhere.get("/people/").status_code == 302
    assert (here.get("/people/").status_code, lead.get("/people/").status_code) == (200, 200)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("curl/8.0", "Unknown device"),
    ],
)  # fmt: skip
def test_a_device_has_a_name(agent: str, name: str) -> None:
    assert called(agent) == name


@pytest.mark.parametrize("part", ["profile", "picture", "signatures", "availability", "logins"])
def test_none_of_it_without_a_login_and_nothing_by_reading(desk: Desk, part: str) -> None:
    assert Client().post(f"/account/{part}/", FORM).status_code == 302
    assert desk.client().get(f"/account/{part}/").status_code == 405
    assert desk.client().post(f"/account/{part}/", dict.fromkeys(FORM, "\0" * 50)).status_code in {
        302,
        404,
        422,
    }
