import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axes.utils import reset
from django.conf import settings
from django.test import Client

import rapport.web
from rapport.brands.models import ChannelState
from rapport.inbox.tests.making import make_user
from rapport.ingest.models import RawEvent, RawState
from rapport.insights.metrics import METRICS
from rapport.staff.models import User
from rapport.web.tests.conftest import Desk

PASSWORD = "a long enough password"


@pytest.fixture
def person(db: None) -> Iterator[User]:
    user = make_user("Mara Kovač")
    user.set_password(PASSWORD)
    user.save()
    yield user
    reset()


def _login(client: Client, email: str, password: str):  # type: ignore[no-untyped-def]
    return client.post("/login/", {"username": email, "password": password, "next": "/desk/"})


def test_logging_in_and_out(person: User) -> None:
    client = Client()
    assert _login(client, person.email.upper(), PASSWORD)["Location"] == "/desk/"
    assert client.get("/")["Location"] == "/desk/"
    assert client.post("/logout/").status_code == 302
    assert client.get("/desk/").status_code == 302


def test_too_many_wrong_passwords_lock_the_account_in_words(person: User) -> None:
    client = Client()
    for _try in range(settings.AXES_FAILURE_LIMIT - 1):
        answer = _login(client, person.email if _try % 2 else person.email.upper(), "wrong")
        assert b"do not belong together" in answer.content
    answer = _login(client, person.email, "wrong")
    assert answer.status_code == 429
    assert b"it opens again by itself" in answer.content
    assert re.search(rb"after \d+ minute", answer.content)
    assert _login(client, person.email, PASSWORD).status_code == 429


def test_a_login_leads_nowhere_else(person: User) -> None:
    answer = Client().post(
        "/login/", {"username": person.email, "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/desk/"


def test_a_language_is_kept_with_the_account(person: User) -> None:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/account/language/", {"language": "th", "next": "/account/"})
    assert b'<html lang="th"' in client.get("/account/").content
    elsewhere = Client()
    _login(elsewhere, person.email, PASSWORD)
    assert b'<html lang="th"' in elsewhere.get("/account/").content
    assert client.post("/account/language/", {"language": "xx", "next": "//evil.example"})["Location"] == "/"


def test_a_look_is_right_from_the_first_byte(person: User) -> None:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/account/look/", {"theme": "dark", "density": "compact"})
    assert b'data-theme="dark" data-density="compact"' in client.get("/desk/").content
    client.post("/account/look/", {"theme": "", "density": "<x>"})
    assert b"data-theme" not in client.get("/desk/").content


def test_changing_the_password_keeps_this_login(person: User) -> None:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    wrong = {"old_password": "no", "new_password1": "another long one", "new_password2": "another long one"}
    assert client.post("/account/", wrong).status_code == 422
    assert client.post("/account/", {**wrong, "old_password": PASSWORD}).status_code == 302
    assert client.get("/account/").status_code == 200
    person.refresh_from_db()
    assert person.check_password("another long one")


def test_health_needs_no_login(db: None) -> None:
    assert Client().get("/healthz").content == b"ok\n"


def test_a_page_that_is_not_there_says_so_in_our_words(db: None) -> None:
    answer = Client().get("/nothing")
    assert answer.status_code == 404
    assert b"There is no such page" in answer.content


def test_figures_by_everything(desk: Desk) -> None:
    client = desk.client()
    for by in ("brand", "channel", "agent", "day", "hour", "nonsense"):
        answer = client.get("/figures/", {"by": by, "period": "all"})
        assert answer.status_code == 200
        assert b"Aero" in answer.content
        assert b"Bistro" not in answer.content
    page = client.get("/figures/").content.decode()
    assert all(f'id="def-{metric.key}"' in page for metric in METRICS)
    assert client.get("/figures/", {"since": "2026-03-02", "until": "2026-03-01"}).status_code == 422
    assert client.get("/figures/", {"since": "2026-13-45"}).status_code == 422


def test_figures_of_another_brand_cannot_be_asked_for(desk: Desk) -> None:
    page = desk.client().get("/figures/", {"brand": desk.other_brand.id, "period": "all"}).content
    assert b"Bistro" not in page


def test_channels_say_in_words_how_they_do(desk: Desk) -> None:
    desk.channel.state = ChannelState.DISCONNECTED
    desk.channel.last_error = "<revoked>"
    desk.channel.save()
    page = desk.client().get("/channels/").content.decode()
    assert "An admin must connect the channel again" in page
    assert "&lt;revoked&gt;" in page
    assert "@bistro" not in page


def _park(channel_id: int, key: str) -> RawEvent:
    return RawEvent.objects.create(
        channel_id=channel_id,
        kind="strange",
        dedupe_key=key,
        payload={"text": "<script>alert(1)</script>"},
        state=RawState.PARKED,
        error="KeyError: <id>",
    )


def test_leads_see_what_could_not_be_read_and_try_it_again(desk: Desk) -> None:
    mine = _park(desk.channel.id, "1")
    foreign = _park(desk.other_case.channel_id, "2")
    lead = desk.client("lead")
    page = lead.get("/parked/").content.decode()
    assert "&lt;script&gt;" in page
    assert "KeyError: &lt;id&gt;" in page
    assert "<script>alert" not in page
    assert lead.post("/parked/replay/", {"event": foreign.id}).status_code == 422
    assert lead.post("/parked/replay/", {"all": "1"}).status_code == 302
    assert RawEvent.objects.get(id=mine.id).state == RawState.PENDING
    assert RawEvent.objects.get(id=foreign.id).state == RawState.PARKED


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_others_do_not(desk: Desk, role: str) -> None:
    _park(desk.channel.id, "1")
    assert desk.client(role).get("/parked/").status_code == 403
    assert desk.client(role).post("/parked/replay/", {"all": "1"}).status_code == 403
    assert b"/parked/" not in desk.client(role).get("/desk/").content


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    folder = Path(rapport.web.__file__).parent
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (folder / "static/vendor/lucide.svg").read_text()))
    used: set[str] = set()
    for template in (folder / "templates").rglob("*.html"):
        used |= set(re.findall(r'{% icon "([\w-]+)"', template.read_text(encoding="utf-8")))
    from rapport.web.timeline import _ICONS

    assert used | set(_ICONS.values()) <= sprite
