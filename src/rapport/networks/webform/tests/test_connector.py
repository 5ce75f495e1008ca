"""The connector with a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from rapport.networks.base import Account, OutgoingMedia, OutgoingMessage
from rapport.networks.email.tests.place import DOT, IVANA
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.webform.connector import WebformConnector, origin
from rapport.networks.webform.tests.place import WebformPlace

LINK = "https://care.example.com/webform/thread/t/"


@pytest.fixture(scope="module")
def place() -> Iterator[WebformPlace]:
    with WebformPlace() as running:
        yield running


def connector(values: dict[str, Any]) -> WebformConnector:
    settings = {name: value for name, value in values.items() if name != "smtp_password"}
    credentials = {"smtp_password": values["smtp_password"]} if "smtp_password" in values else {}
    return WebformConnector(
        Account(external_id="form:1", handle="", credentials=credentials, settings=settings)
    )


def answer(**more: Any) -> OutgoingMessage:
    given: dict[str, Any] = {
        "idempotency_key": str(uuid4()), "text": "We found it.\nSee you at gate 7.", "visibility": "private",
        "recipient_id": "form:AAAA-BBBB-CCCC", "recipient_handle": IVANA, "thread_key": "form:AAAA-BBBB-CCCC", "created_at": datetime.now(UTC),
        "parent_facts": {"subject": "Lost\r\nBcc: all@example.com", "link": LINK}, "lang": "en",
    }  # fmt: skip
    return OutgoingMessage(**{**given, **more})


def test_an_answer_is_mailed_once_with_the_way_back(place: WebformPlace) -> None:
    form = connector(place.values())
    message = answer(
        media=(
            OutgoingMedia(name="gate.png", content_type="image/png", kind="image", content=DOT, alt="Gate 7"),
        )
    )
    before = len(place.mail.inbox(IVANA))
    sent = form.send(message)
    assert sent.external_id == f"answer:{message.idempotency_key}"
    mails = until_mail(place, before + 1)
    mail = mails[-1]
    assert str(mail["Subject"]) == "Re: Lost Bcc: all@example.com [AAAA-BBBB-CCCC]"
    assert mail["Bcc"] is None
    assert "Alvara Help" in str(mail["From"])
    assert message.idempotency_key in str(mail["Message-ID"])
    body = mail.get_body(("plain",))
    assert body is not None
    assert "See you at gate 7." in body.get_content()
    assert LINK in body.get_content()
    (picture,) = mail.iter_attachments()
    assert (picture.get_filename(), picture.get_content()) == ("gate.png", DOT)


def until_mail(place: WebformPlace, count: int) -> list[Any]:
    from rapport.networks.email.tests.servers import until

    return until(lambda: found if len(found := place.mail.inbox(IVANA)) >= count else None, what="the mail")


def test_who_gave_no_address_reads_it_on_the_page_only(place: WebformPlace) -> None:
    assert connector({"name": "Form"}).send(answer()).external_id
    assert connector(place.values()).send(answer(recipient_handle="")).external_id


def test_an_address_that_does_not_exist_is_no_failure(place: WebformPlace) -> None:
    assert connector(place.values()).send(answer(recipient_handle="nobody@customers.example")).external_id


def test_a_sender_that_the_server_does_not_take_is_one(place: WebformPlace) -> None:
    with pytest.raises((Refused, CredentialsGone, TryAgain)) as raised:
        connector({**place.values(), "smtp_host": "localhost", "smtp_password": "wrong"}).send(answer())
    assert isinstance(raised.value, CredentialsGone)


def test_after_a_doubt_it_is_sent(place: WebformPlace) -> None:
    form, message = connector(place.values()), answer()
    with place.break_after_posting(), pytest.raises(TryAgain) as raised:
        form.send(message)
    assert raised.value.doubt
    found = form.find_sent(message)
    assert found is not None
    assert found.external_id == f"answer:{message.idempotency_key}"


def test_it_proves_the_mail_server_when_it_is_connected(place: WebformPlace) -> None:
    profile = connector(place.values()).check()
    assert (profile.name, profile.settings["sites"]) == ("Alvara Help", ["https://www.alvara.example"])
    with pytest.raises(CredentialsGone):
        connector({**place.values(), "smtp_password": "wrong"}).check()
    with pytest.raises(CredentialsGone):
        connector({**place.values(), "from_address": ""}).check()
    with place.mail.outage(), pytest.raises(TryAgain):
        connector(place.values()).check()


def test_a_form_needs_a_name_and_nothing_else() -> None:
    with pytest.raises(Refused):
        connector({}).check()
    one, two = connector({"name": "Help"}).check(), connector({"name": " help "}).check()
    assert one.external_id == two.external_id
    with pytest.raises(Refused, match="private"):
        connector({"name": "Help"}).send(answer(visibility="public"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://www.example.com/contact?x=1", "https://www.example.com"),
        ("www.example.com", "https://www.example.com"),
        ("HTTP://Example.com:8080", "http://example.com:8080"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_sites_are_what_browsers_want(typed: str, meant: str) -> None:
    assert origin(typed) == meant


@pytest.mark.parametrize(
    "typed", ["https://*", "javascript:alert(1)", "https://a b", "https://x;script-src *", "ftp://x.y"]
)
def test_nothing_else_gets_into_the_policy(typed: str) -> None:
    with pytest.raises(Refused):
        origin(typed)
