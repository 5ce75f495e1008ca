"""Answers through a real Postfix: what customers get, and what is refused before."""

import uuid
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest

from rapport.networks.base import OutgoingMedia
from rapport.networks.email.connector import EmailConnector
from rapport.networks.email.tests.conftest import Answer, Connect, Listener, reads
from rapport.networks.email.tests.place import DOT, HELP, IVANA, MARKO, EmailPlace
from rapport.networks.email.tests.servers import until
from rapport.networks.errors import Refused
from rapport.networks.tests.making import checked


def test_an_answer_reaches_the_customer_in_their_thread(
    place: EmailPlace, listener: Listener, answer: Answer
) -> None:
    question = listener.hears(place.customer_says("Where is it?"))
    message = answer(question, text="We look.\n.a line with a dot\nFrom here: žurno 👍")
    sent = listener.connector.send(message)
    assert reads(place, question.external_id) == [message.text]
    (mail,) = [one for one in place.inbox(IVANA) if sent.external_id in str(one["Message-ID"])]
    assert mail["From"] == f"Alvara Help <{HELP}>"
    assert mail["Subject"] == "Re: My order"
    assert mail["In-Reply-To"] == f"<{question.external_id}>"
    assert mail["Auto-Submitted"] is None
    # It comes back as ours, and the customer's next answer is in the same thread.
    echo = listener.hears(sent.external_id)
    assert (echo.author.external_id, echo.client_ref) == (HELP, message.idempotency_key)
    assert echo.thread_key == question.thread_key == sent.thread_key
    thanks = listener.hears(place.customer_says("Thank you!", to=sent.external_id))
    assert (thanks.parent_id, thanks.thread_key) == (sent.external_id, question.thread_key)
    # Our next answer finds subject and thread in the mailbox when it is to our own mail.
    second = listener.connector.send(
        answer(question, text="And one thing more.", parent_id=sent.external_id, parent_facts={})
    )
    until(lambda: len(place.customer_reads(question.external_id)) == 2)
    (mail,) = [one for one in place.inbox(IVANA) if second.external_id in str(one["Message-ID"])]
    assert mail["Subject"] == "Re: My order"
    assert mail["References"] == f"<{question.external_id}> <{sent.external_id}>"


def test_pictures_go_along_with_their_words(place: EmailPlace, listener: Listener, answer: Answer) -> None:
    question = listener.hears(place.customer_says("Show me."))
    picture = OutgoingMedia(name="so.png", content_type="image/png", kind="image", content=DOT, alt="Šalica")
    listener.connector.send(answer(question, media=(picture,)))
    reads(place, question.external_id)
    assert place.customer_sees_images(question.external_id) == ["Šalica"]


def test_a_sent_mail_is_filed_once_and_not_as_a_draft(
    place: EmailPlace, listener: Listener, answer: Answer
) -> None:
    question = listener.hears(place.customer_says("File it."))
    sent = listener.connector.send(answer(question))
    with place.open(HELP) as imap:
        imap.select("Sent", readonly=True)
        numbers = imap.search(None, "HEADER", "Message-ID", sent.external_id)[1][0].split()
        assert len(numbers) == 1
        flags = imap.fetch(numbers[0], "(FLAGS)")[1][0]
        assert b"\\Seen" in flags
        assert b"\\Draft" not in flags


def test_plus_addresses_keep_a_thread_that_names_nothing(
    place: EmailPlace, connect: Connect, answer: Answer
) -> None:
    listener = Listener(connect(plus_addressing=True))
    question = listener.hears(place.customer_says("Do you reply?"))
    listener.connector.send(answer(question))
    reads(place, question.external_id)
    (mail,) = [one for one in place.inbox(IVANA) if question.external_id in str(one["In-Reply-To"])]
    back = str(mail["Reply-To"].addresses[0].addr_spec)
    odd = EmailMessage()
    odd["From"], odd["To"], odd["Subject"] = IVANA, back, "new subject"
    odd.set_content("From an odd program.")
    said = place.deliver(odd, sender=IVANA, recipient=back)
    assert listener.hears(said).thread_key == question.thread_key


def test_the_original_is_quoted_where_that_is_wanted(
    place: EmailPlace, connect: Connect, answer: Answer
) -> None:
    listener = Listener(connect(quote_original=True))
    question = listener.hears(place.customer_says("Line one.\nLine two."))
    listener.connector.send(answer(question, text="Yes."))
    (found,) = reads(place, question.external_id)
    assert found.startswith("Yes.\n\nOn 20")
    assert found.endswith("Ivana Kovačević wrote:\n> Line one.\n> Line two.")


def test_answers_go_where_the_customer_wants_them(
    place: EmailPlace, listener: Listener, answer: Answer
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Reply-To"] = IVANA, HELP, f"Marko <{MARKO}>"
    mail.set_content("Write to my husband.")
    question = listener.hears(place.deliver(mail, sender=IVANA))
    sent = listener.connector.send(answer(question))
    until(lambda: any(sent.external_id in str(one["Message-ID"]) for one in place.inbox(MARKO)))


def test_ids_and_names_of_any_length_arrive_whole(
    place: EmailPlace, connect: Connect, answer: Answer
) -> None:
    """Longer than a line: the standard library would make encoded words of them."""
    listener = Listener(connect(name='Alvara "Air" Služba za korisnike ' * 4))
    named = f"{'x' * 120}.{uuid.uuid4()}@mail.customers.example"
    raw = f"From: {IVANA}\r\nTo: {HELP}\r\nMessage-ID: <{named}>\r\n\r\nx\r\n"
    place.servers.deliver(raw.encode(), sender=IVANA, recipient=HELP)
    question = listener.hears(named)
    sent = listener.connector.send(answer(question))
    (mail,) = until(lambda: [one for one in place.inbox(IVANA) if sent.external_id in str(one["Message-ID"])])
    assert dict(mail.raw_items())["In-Reply-To"] == f"<{named}>"
    assert dict(mail.raw_items())["References"] == f"<{named}>"
    name = dict(mail.raw_items())["From"].partition("<")[0]
    assert str(make_header(decode_header(name))).strip() == ('Alvara "Air" Služba za korisnike ' * 4).strip()


def test_nothing_can_be_injected_into_a_header(
    place: EmailPlace, listener: Listener, answer: Answer, connect: Connect
) -> None:
    named = f"evil-{uuid.uuid4()}@customers.example"
    words = "=?utf-8?q?Hi=0D=0ABcc=3A_marko=40customers.example=0D=0A=0D=0Abody?="
    raw = f"From: {IVANA}\r\nTo: {HELP}\r\nSubject: {words}\r\nMessage-ID: <{named}>\r\n\r\nx\r\n"
    place.servers.deliver(raw.encode(), sender=IVANA, recipient=HELP)
    question = listener.hears(named)
    evil = OutgoingMedia(
        name='a"\r\nBcc: x\r\n\r\n.png',
        content_type="image/png\r\nX: y",
        kind="image",
        content=DOT,
        alt="a\r\nX-A: b",
    )
    connector = connect(name="Alvara\r\nBcc: marko@customers.example\r\n")
    sent = connector.send(answer(question, media=(evil,), lang="en\r\nX: y"))
    reads(place, question.external_id)
    (found,) = [one for one in place.inbox(IVANA) if sent.external_id in str(one["Message-ID"])]
    assert found["Bcc"] is None
    assert not any(name.startswith("X-A") or name == "X" for part in found.walk() for name in part)
    assert not any(sent.external_id in str(one["Message-ID"]) for one in place.inbox(MARKO))


@pytest.mark.parametrize(
    "recipient", [None, "", "nobody", "a@b@c", "a b@customers.example", "x@y\r\nRCPT TO:<z@w>"]
)
def test_it_writes_only_to_addresses(
    connector: EmailConnector, answer: Answer, recipient: str | None
) -> None:
    with pytest.raises(Refused, match="no address"):
        connector.send(answer(recipient_id=recipient))


def test_an_address_that_the_server_refuses_is_refused_and_leaves_nothing(
    place: EmailPlace, connector: EmailConnector, answer: Answer
) -> None:
    message = answer(recipient_id="nobody@customers.example")
    with pytest.raises(Refused, match="says 550"):
        connector.send(message)
    assert connector.find_sent(message) is None
    assert not any(message.idempotency_key in str(one["Message-ID"]) for one in place.inbox(HELP, "Sent"))


def test_a_mail_too_large_for_the_server_is_refused_and_rules_say_so_before(
    connect: Connect, answer: Answer
) -> None:
    connector = EmailConnector(checked(EmailConnector, connect().account))
    rules = connector.rules.media_private
    assert rules is not None
    room = rules.max_bytes["image"]
    assert 5_000_000 < room < 6_000_000
    big = OutgoingMedia(
        name="a.bin", content_type="application/zip", kind="file", content=bytes(room + 300_000)
    )
    with pytest.raises(Refused, match="the mail server takes 8000000"):
        connector.send(answer(recipient_id=IVANA, media=(big,)))


@pytest.mark.parametrize(
    ("facts", "by_person", "words"),
    [
        ({"automatic": "bounce"}, True, "written by a machine"),
        ({"automatic": "auto-reply"}, True, "written by a machine"),
        ({"automatic": "list"}, False, "written by a machine"),
        ({"subject": "x", "email": {"loop": 3}}, False, "loop"),
    ],
)
def test_machines_are_not_answered(
    connector: EmailConnector, answer: Answer, facts: dict[str, Any], by_person: bool, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        connector.send(
            answer(
                recipient_id=IVANA, parent_id="x@customers.example", parent_facts=facts, by_person=by_person
            )
        )


def test_what_a_rule_sends_says_so(place: EmailPlace, listener: Listener, answer: Answer) -> None:
    question = listener.hears(place.customer_says("Are you open?"))
    sent = listener.connector.send(answer(question, by_person=False))
    until(lambda: place.customer_reads(question.external_id))
    (mail,) = [one for one in place.inbox(IVANA) if sent.external_id in str(one["Message-ID"])]
    assert (mail["Auto-Submitted"], mail["X-Rapport-Loop"]) == ("auto-replied", "1")


def test_a_bounce_comes_back_to_the_mail_it_speaks_of(
    place: EmailPlace, listener: Listener, answer: Answer
) -> None:
    """Postfix takes the mail, and Dovecot does not know the mailbox."""
    sent = listener.connector.send(answer(recipient_id="gone@customers.example"))

    def bounce() -> Any:
        listener.poll()
        return next((one for one in listener.heard.values() if one.facts.get("automatic") == "bounce"), None)

    found = until(bounce, what="for the bounce")
    assert found.automatic
    assert found.parent_id == sent.external_id
    assert found.thread_key == sent.thread_key
    assert found.facts["bounce"]["recipient"] == "gone@customers.example"
    assert found.facts["bounce"]["permanent"]
