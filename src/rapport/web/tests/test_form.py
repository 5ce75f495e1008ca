"""The contact form: sent without script or cookie, kept once, answered on the customer's own page."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from rapport.brands.models import Channel, ChannelState
from rapport.inbox.models import Case, Message
from rapport.ingest.models import RawEvent
from rapport.ingest.process import process_channel
from rapport.networks.webform import limits, tokens
from rapport.networks.webform.models import Tries
from rapport.outbox.actions import reply
from rapport.outbox.delivery import deliver
from rapport.staff.models import Role
from rapport.web.tests.conftest import Desk

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000000200"
    "01e221bc330000000049454e44ae426082"
)


@pytest.fixture
def form(desk: Desk) -> Channel:
    return Channel.objects.create(
        brand=desk.brand,
        network="webform",
        external_id="form:test",
        handle="Alvara Air customer care",
        name="Alvara Air customer care",
        settings={"email": "required", "attachments": True, "sites": []},
    )


class Inputs(HTMLParser):
    """What a browser would send if nothing was typed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._area = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") not in {"file", "checkbox"}:
            self.values[given["name"] or ""] = given.get("value") or ""
        self._area = (given["name"] or "") if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] = data.removeprefix("\n")
            self._area = ""


class Browser:
    """A customer's browser on one page. ``client`` keeps cookies if there are any."""

    def __init__(self, url: str, **headers: str) -> None:
        self.client, self.url, self.headers = Client(headers=headers), url, headers
        self.response = self.client.get(url)

    @property
    def page(self) -> str:
        return self.response.content.decode()

    def send(self, waited_s: float = 30, **typed: Any) -> None:
        values = Inputs(self.page).values
        # Time passes between opening the page and sending it.
        name = re.search(r'action="/webform/(\d+)/', self.page)
        if "token" in values and waited_s:
            values["token"] = aged(values["token"], waited_s)
        action = re.search(r'<form method="post"[^>]*action="([^"]+)"', self.page)
        assert action or name
        self.response = self.client.post(
            action.group(1) if action else self.url, {**values, **typed}, follow=True
        )


def aged(token: str, seconds: float) -> str:
    """The token as if the page had been opened so long ago."""
    from django.core import signing

    made = signing.loads(token, salt="webform.form")
    return signing.dumps(made | {"t": made["t"] - seconds}, salt="webform.form")


def filled(**more: Any) -> dict[str, Any]:
    return {
        "name": "Ana Kovač",
        "email": "Ana@Example.com",
        "subject": "Lost bag",
        "message": "My bag <b>is</b> gone.\nWhat now?",
        **more,
    }


def path(form: Channel) -> str:
    return f"/webform/{form.id}/"


@pytest.mark.django_db(transaction=True)
def test_an_address_is_shown_as_not_confirmed_and_joins_nobody(form: Channel, desk: Desk) -> None:
    for name in ("Ana Kovač", "Somebody else"):
        Browser(path(form)).send(**filled(name=name, message=f"It is {name}."))
        process_channel(form.id)
    cases = list(Case.objects.filter(channel=form).select_related("contact"))
    assert {case.contact.name for case in cases} == {"Ana Kovač", "Somebody else"}
    for case in cases:
        pane = desk.client(Role.AGENT).get(f"/desk/unassigned/case/{case.id}/").content.decode()
        assert "not confirmed" in pane
        assert "Nobody has proved that it is theirs" in pane


@pytest.mark.django_db(transaction=True)
def test_a_message_that_is_read_while_its_page_is_made_is_there_once(form: Channel) -> None:
    browser = Browser(path(form))
    browser.send(**filled(message="Only once."))
    done: list[int] = []

    def read_it(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """The worker comes between the page's two questions, whichever is the first."""
        found = execute(sql, params, many, context)
        if not done and re.search(r'FROM "(inbox_message|ingest_rawevent)"', sql):
            done.append(1)
            worker = threading.Thread(target=process_alone, args=[form.id])
            worker.start()
            worker.join()
        return found

    with connection.execute_wrapper(read_it):
        again = Browser(browser.response.request["PATH_INFO"])
    assert (done, again.response.status_code) == ([1], 200)
    assert Message.objects.filter(channel=form).count() == 1
    assert again.page.count("Only once.") == 1


def process_alone(channel_id: int) -> None:
    """As a worker does it, with a connection of its own."""
    try:
        process_channel(channel_id)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_a_message_becomes_a_case_and_its_answer_is_on_the_page(form: Channel, desk: Desk) -> None:
    browser = Browser(path(form), accept_language="hr-HR,hr;q=0.9")
    browser.send(**filled(files=SimpleUploadedFile("bag.png", PNG)))
    assert browser.response.status_code == 200
    reference = re.search(r"<strong class=.reference.>([^<]+)", browser.page)
    assert reference
    assert re.fullmatch(r"([2-9A-HJKMNP-Z]{4}-){2}[2-9A-HJKMNP-Z]{4}", reference.group(1))
    # Kept, though nothing has read it yet, and shown to its author.
    assert "My bag &lt;b&gt;is&lt;/b&gt; gone." in browser.page
    process_channel(form.id)
    message = Message.objects.get(channel=form)
    assert (message.text, message.visibility, message.lang) == (
        "My bag <b>is</b> gone.\nWhat now?",
        "private",
        "hr-HR",
    )
    identity = message.identity
    assert (identity.handle, identity.name, identity.unproven) == ("Ana@Example.com", "Ana Kovač", True)
    assert identity.external_id == message.thread_key
    assert message.facts["subject"] == "Lost bag"
    assert reference.group(1) in str(message.thread_key)
    (file,) = message.media
    assert (file["name"], file["type"]) == ("bag.png", "image/png")
    case = Case.objects.get(channel=form)
    assert case.waiting_since is not None

    outgoing = reply(
        actor=desk.people["agent"],
        case_id=case.id,
        text="We found it.",
        visibility="private",
        in_reply_to_id=message.id,
        form_key=uuid4(),
    )
    deliver(outgoing_id=outgoing.id)
    outgoing.refresh_from_db()
    assert outgoing.state == "sent"
    page = Browser(browser.response.request["PATH_INFO"])
    assert re.search(r"data-answer>.*We found it\.", page.page, re.S)
    assert f"/file/{file['file']}/" in page.page
    got = page.client.get(re.search(r'<img src="([^"]+)"', page.page).group(1))  # type: ignore[union-attr]
    assert (got.status_code, got.content, got["Content-Type"]) == (200, PNG, "image/png")

    page.send(message="Thank you!")
    process_channel(form.id)
    again = Message.objects.filter(channel=form, own=False).order_by("id").last()
    assert again is not None
    assert (again.text, again.thread_id, again.identity_id) == (
        "Thank you!",
        message.thread_id,
        message.identity_id,
    )
    assert Case.objects.filter(channel=form).count() == 1


def test_nothing_is_stored_in_the_browser_and_no_script_is_needed(form: Channel) -> None:
    browser = Browser(path(form))
    browser.send(**filled())
    assert not browser.client.cookies
    assert "<script" not in browser.page
    assert browser.response["Cache-Control"].find("no-store") >= 0


def test_sent_twice_it_is_one_message(form: Channel) -> None:
    browser = Browser(path(form))
    first = Inputs(browser.page).values
    first["token"] = aged(first["token"], 20)
    for _click in range(2):
        response = browser.client.post(path(form), {**first, **filled()})
        assert response.status_code == 303
    assert RawEvent.objects.filter(channel=form).count() == 1
    # Gone back, written more, sent again: that is another one.
    other = browser.client.post(path(form), {**first, **filled(message="And a hat.")})
    assert other.url != response.url
    assert RawEvent.objects.filter(channel=form).count() == 2


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"message": "  "}, "Write your message."),
        ({"email": ""}, "Write your e-mail address"),
        ({"email": "ana"}, "such as name@example.com"),
        ({"message": "x" * 20_001}, "20000 characters; it has 20001"),
        (
            {"files": SimpleUploadedFile("run.exe", b"MZ\x90\x00" + b"\0" * 200)},
            "not a picture, a PDF or a text",
        ),
        ({"files": SimpleUploadedFile("big.png", PNG + b"\0" * 4_000_000)}, "larger than 4 MB"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(form: Channel, typed: Any, words: str) -> None:
    browser = Browser(path(form))
    browser.send(**filled(**typed))
    assert browser.response.status_code == 422
    assert words in browser.page
    kept = Inputs(browser.page).values
    assert kept["subject"] == "Lost bag"
    assert not RawEvent.objects.filter(channel=form).exists()
    assert ("Choose your files again" in browser.page) == ("files" in typed)


def test_whoever_is_taken_for_a_program_presses_the_button_once_more(form: Channel) -> None:
    browser = Browser(path(form))
    browser.send(waited_s=0, **filled())
    assert browser.response.status_code == 422
    assert "not a program" in browser.page
    browser.send(website="https://spam.example", **filled())
    assert browser.response.status_code == 422
    browser.send()  # only the button: every word is still there
    assert browser.response.status_code == 200
    assert RawEvent.objects.get(channel=form).payload["message"].replace("\r\n", "\n") == filled()["message"]


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 10_000])
def test_a_form_that_is_not_ours_is_sent_again(form: Channel, token: str) -> None:
    browser = Browser(path(form))
    browser.send(waited_s=0, **filled(token=token))
    assert (browser.response.status_code, RawEvent.objects.count()) == (422, 0)
    other = tokens.form_token("contact:999999", now=1)
    browser.send(waited_s=0, **filled(token=other))
    assert (browser.response.status_code, RawEvent.objects.count()) == (422, 0)


def test_too_many_are_told_when_to_come_back(form: Channel) -> None:
    for number in range(limits.PER_SENDER.count):
        browser = Browser(path(form))
        browser.send(**filled(message=f"message {number}"))
        assert browser.response.status_code == 200
    browser = Browser(path(form))
    browser.send(**filled(message="one too many"))
    assert browser.response.status_code == 429
    assert "again in 10 minutes" in browser.page
    assert "one too many" in browser.page
    assert RawEvent.objects.filter(channel=form).count() == limits.PER_SENDER.count
    Tries.objects.update(began_at=timezone.now() - timedelta(minutes=11))
    browser.send()
    assert browser.response.status_code == 200
    assert "127.0.0.1" not in str(list(Tries.objects.values_list("sender", flat=True)))
    Tries.objects.update(began_at=timezone.now() - timedelta(days=2))
    assert limits.forget() == 2


def test_only_its_sites_may_show_it(form: Channel) -> None:
    alone = Client().get(path(form))
    assert "frame-ancestors 'none'" in alone["Content-Security-Policy"]
    assert alone["X-Frame-Options"] == "DENY"
    form.settings["sites"] = ["https://www.alvara.example"]
    form.save(update_fields=["settings"])
    shown = Client().get(path(form))
    assert "frame-ancestors 'self' https://www.alvara.example" in shown["Content-Security-Policy"]
    assert "X-Frame-Options" not in shown
    assert "frame-ancestors 'none'" in Client().get("/login/")["Content-Security-Policy"]


def test_it_asks_for_what_the_admin_wants(form: Channel) -> None:
    form.settings = {"email": "none", "attachments": False, "consent": "You may keep this.", "intro": "Hello"}
    form.save(update_fields=["settings"])
    browser = Browser(path(form))
    assert 'name="email"' not in browser.page
    assert 'type="file"' not in browser.page
    browser.send(message="Hi", name="")
    assert "Tick this box" in browser.page
    browser.send(consent="on")
    assert "on this page, and nowhere else" in browser.page
    event = RawEvent.objects.get(channel=form)
    assert event.payload["consent"] == "You may keep this."
    assert event.payload["author"] == event.payload["thread"]


def test_it_promises_a_mail_only_where_one_is_sent(form: Channel) -> None:
    assert "We answer there." not in Browser(path(form)).page
    form.settings["smtp_host"] = "smtp.example.com"
    form.save(update_fields=["settings"])
    browser = Browser(path(form))
    assert "We answer there." in browser.page
    browser.send(**filled())
    assert "We answer by e-mail, and on this page." in browser.page


def test_it_speaks_the_site_s_language(form: Channel) -> None:
    page = Client().get(path(form) + "?lang=de").content.decode()
    assert '<html lang="de"' in page
    assert "?lang=de" in page
    assert Client().get(path(form) + "?lang=<script>").status_code == 200


def test_a_closed_form_says_so_and_a_paused_one_still_listens(form: Channel) -> None:
    Channel.objects.filter(id=form.id).update(state=ChannelState.PAUSED)
    browser = Browser(path(form))
    browser.send(**filled())
    assert browser.response.status_code == 200
    Channel.objects.filter(id=form.id).update(state=ChannelState.DISCONNECTED)
    assert Client().get(path(form)).status_code == 410
    assert "This form is closed" in Client().get(browser.response.request["PATH_INFO"]).content.decode()


def test_nobody_finds_another_s_conversation(form: Channel, desk: Desk) -> None:
    assert Client().get("/webform/999999/").status_code == 404
    assert Client().get(f"/webform/{desk.channel.id}/").status_code == 404
    for token in ("x", "form:ABCD", tokens.form_token("contact:1"), tokens.thread_token("form:nothing")):
        assert Client().get(f"/webform/thread/{token}/").status_code == 404
    one, other = Browser(path(form)), Browser(path(form))
    one.send(**filled(files=SimpleUploadedFile("bag.png", PNG)))
    other.send(**filled(message="Another matter", email="b@example.com"))
    process_channel(form.id)
    file_id = Message.objects.get(channel=form, text__startswith="My bag").media[0]["file"]
    theirs = other.response.request["PATH_INFO"]
    assert Client().get(f"{theirs}file/{file_id}/").status_code == 404
    assert Client().get(f"{one.response.request['PATH_INFO']}file/{file_id}/").status_code == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_read(form: Channel, settings: Any) -> None:
    settings.RAPPORT_MAX_REQUEST_BYTES = 20_000
    browser = Browser(path(form))
    browser.send(**filled(files=SimpleUploadedFile("bag.png", PNG + b"\0" * 30_000)))
    assert browser.response.status_code == 413
    assert "too large" in browser.page


def test_hostile_words_are_only_words(form: Channel) -> None:
    browser = Browser(path(form))
    browser.send(
        **filled(name="</title><script>x</script>", subject="a\r\nBcc: all@example.com", message="\u202e <i>")
    )
    assert browser.response.status_code == 200
    process_channel(form.id)
    page = Browser(browser.response.request["PATH_INFO"]).page
    assert "<script>x" not in page
    assert "&lt;i&gt;" in page
