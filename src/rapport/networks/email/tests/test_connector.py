"""Against a real Postfix and a real Dovecot."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest

from rapport.networks.base import OutgoingMedia, OutgoingMessage, Polled
from rapport.networks.email import listening, sending
from rapport.networks.email.connector import EmailConnector
from rapport.networks.email.tests.conftest import Listener
from rapport.networks.email.tests.place import DOT, HELP, IVANA, MARKO, EmailPlace
from rapport.networks.email.tests.servers import until
from rapport.networks.email.tests.slow import slow_line
from rapport.networks.errors import CredentialsGone, Refused, TryAgain

Answer = Callable[..., OutgoingMessage]
Connect = Callable[..., EmailConnector]


def reads(place: EmailPlace, external_id: str) -> list[str]:
    return until(lambda: place.customer_reads(external_id), what="for our answer")


# Connecting ---------------------------------------------------------------------------------------
def test_it_says_whose_mailbox_it_is_and_what_the_servers_can(connector: EmailConnector) -> None:
    profile = connector.check()
    assert (profile.external_id, profile.handle, profile.name) == (HELP, HELP, "Alvara Help")
    assert profile.settings == {"sent": "Sent", "idle": True, "max_mail_bytes": 8_000_000}


def test_it_speaks_starttls_and_with_no_encryption_where_that_is_wanted(
    connect: Connect, place: EmailPlace
) -> None:
    ports = {"imap_port": place.servers.imap_port, "smtp_port": place.servers.submission_port}
    for security in ("starttls", "none"):
        found = connect(**ports, imap_security=security, smtp_security=security).check()
        assert found.external_id == HELP


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"password": "wrong"}, CredentialsGone, "does not accept the user name and password"),
        ({"smtp_password": "wrong"}, CredentialsGone, "for sending"),
        ({"password": ""}, CredentialsGone, "no password"),
        ({"certificates": []}, TryAgain, "certificate of localhost is not trusted"),
        ({"certificates": ["no certificate"]}, Refused, "PEM"),
        ({"imap_host": "mail.nowhere.invalid"}, TryAgain, "mail.nowhere.invalid is not known"),
        ({"imap_port": 9}, TryAgain, "Nothing answers at localhost, port 9"),
        ({"folders": ["INBOX", "Nowhere"]}, Refused, "Nowhere cannot be opened"),
        ({"imap_host": "a b"}, CredentialsGone, "no server"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    connect: Connect, values: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        connect(**values).check()
    assert "wrong" not in str(caught.value)


def test_the_wrong_kind_of_encryption_is_said_too(connect: Connect, place: EmailPlace) -> None:
    with pytest.raises(TryAgain, match="is the port the right one"):
        connect(imap_port=place.servers.imap_port).check()


def test_it_calls_no_private_address_unless_the_operator_allows_it(
    connector: EmailConnector, settings: Any, answer: Answer
) -> None:
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    for call in (
        connector.check,
        lambda: connector.poll({}),
        lambda: connector.send(answer(recipient_id=IVANA)),
    ):
        with pytest.raises(Refused, match="private network"):
            call()


# Hearing ------------------------------------------------------------------------------------------
def test_a_customer_is_heard_once_and_stays_unread(place: EmailPlace, listener: Listener) -> None:
    said = place.customer_says("Where is my suitcase? Čekam.", image=True)
    found = listener.hears(said)
    assert found.text == "Where is my suitcase? Čekam."
    assert found.author.external_id == IVANA
    assert found.visibility == "private"
    assert [(one.alt, one.content) for one in found.media] == [("A broken box", DOT)]
    assert abs(found.sent_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert said not in [one.external_id for one in listener.poll()]
    with place.open(HELP) as imap:
        imap.select("INBOX", readonly=True)
        number = imap.search(None, "HEADER", "Message-ID", said)[1][0]
        assert b"\\Seen" not in imap.fetch(number, "(FLAGS)")[1][0]


def test_it_marks_mail_as_read_where_that_is_wanted(place: EmailPlace, connect: Connect) -> None:
    listener = Listener(connect(mark_seen=True))
    said = place.customer_says("Mark me.")
    listener.hears(said)
    with place.open(HELP) as imap:
        imap.select("INBOX", readonly=True)
        number = imap.search(None, "HEADER", "Message-ID", said)[1][0]
        assert b"\\Seen" in imap.fetch(number, "(FLAGS)")[1][0]


def test_the_first_poll_begins_a_little_before_now(place: EmailPlace, connect: Connect) -> None:
    with place.open(HELP) as imap:
        imap.create("New")
        for name, date in (("long-ago", '"02-Mar-2026 08:00:00 +0000"'), ("just-now", None)):
            mail = f"From: {IVANA}\r\nMessage-ID: <{name}@customers.example>\r\n\r\nx"
            imap.append("New", None, date, mail.encode())
    keys = [one.key for one in connect(folders=["New"]).poll({}).items]
    assert "post:just-now@customers.example" in keys
    assert "post:long-ago@customers.example" not in keys


def test_more_than_a_page_comes_page_by_page(
    place: EmailPlace, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapport.networks.email import listening

    monkeypatch.setattr(listening, "PAGE", 4)
    monkeypatch.setattr(listening, "_LOOK", 6)
    listener.poll()
    with place.open(HELP) as imap:
        for number in range(15):
            imap.append(
                "INBOX", None, None, f"From: {IVANA}\r\nMessage-ID: <page-{number}@x>\r\n\r\nx".encode()
            )
    pages = []
    while True:
        polled = listener.connector.poll(listener.cursor)
        pages.append([one.external_id for one in listener.take(polled)])
        if not polled.more:
            break
    mine = [one for page in pages for one in page if one.startswith("page-")]
    assert mine == [f"page-{number}@x" for number in range(15)]
    assert max(map(len, pages)) <= 4


def test_a_mailbox_that_was_numbered_anew_is_read_again_with_the_same_keys(
    place: EmailPlace, listener: Listener
) -> None:
    said = place.customer_says("Before the move.")
    first = listener.hears(said)
    folders = dict(listener.cursor["folders"])
    folders["INBOX"] = folders["INBOX"] | {"uidvalidity": 1}
    polled = listener.connector.poll({"folders": folders})
    assert f"post:{said}" in [one.key for one in polled.items]
    assert polled.cursor["folders"]["INBOX"]["uidvalidity"] != 1
    assert first.external_id == said


def test_two_mails_with_one_id_are_both_heard_and_each_answered(
    place: EmailPlace, connect: Connect, answer: Answer
) -> None:
    """A shop's script gives every mail the same Message-ID."""
    with place.open(HELP) as imap:
        imap.create("Shop")
        imap.create("Moved")
    listener = Listener(connect(quote_original=True, folders=["INBOX", "Shop", "Moved"]))
    named = f"{uuid.uuid4()}@shop.example"
    for number, sender, words in ((1, MARKO, "Where is my chair?"), (2, IVANA, "And my lamp?")):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Message-ID"] = sender, HELP, f"<{named}>"
        mail["Subject"], mail["Date"] = f"Order {number}", f"Sat, 21 Nov 2026 10:0{number}:00 +0000"
        mail.set_content(words)
        with place.open(HELP) as imap:
            imap.append("Shop", None, None, mail.as_bytes())
        listener.poll()
    first, second = (
        one for one in listener.heard.values() if one.text in {"Where is my chair?", "And my lamp?"}
    )
    assert first.external_id == named
    assert second.external_id.startswith("twin:")
    assert (first.author.external_id, second.author.external_id) == (MARKO, IVANA)
    assert first.thread_key != second.thread_key
    # Its answer names the id that the customer's program knows, goes to them and quotes nobody else.
    sent = listener.connector.send(answer(second, text="Your lamp is on its way."))
    (text,) = reads(place, named)
    assert text == "Your lamp is on its way."
    thanks = listener.hears(place.customer_says("Thank you!", to=sent.external_id))
    assert (thanks.parent_id, thanks.thread_key) == (sent.external_id, second.thread_key)
    # Read again, or in another folder, they are the same.
    keys = set(listener.heard)
    with place.open(HELP) as imap:
        imap.select("Shop")
        numbers = imap.search(None, "HEADER", "Message-ID", named)[1][0].split()
        imap.copy(b",".join(numbers), "Moved")
    folders = dict(listener.cursor["folders"])
    folders["Shop"] = folders["Shop"] | {"uidvalidity": 1}
    for cursor in (listener.cursor, dict(listener.cursor) | {"folders": folders}):
        listener.cursor = cursor
        again = [one.external_id for one in listener.poll()]
        assert again.count(first.external_id) == again.count(second.external_id) > 0
    assert set(listener.heard) == keys


def test_a_large_mail_on_a_slow_line_holds_up_nothing(
    place: EmailPlace, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "POLL_S", 2.5)
    monkeypatch.setattr(listening, "_PARTS", (400_000, 50_000))
    with place.open(HELP) as imap:
        imap.create("Slow")
    with slow_line(place.servers.imap_port, bytes_per_s=400_000) as port:
        reader = connect(folders=["Slow"], imap_port=port, imap_security="none")
        listener = Listener(reader)
        fits = f"From: {IVANA}\r\nMessage-ID: <%s@x>\r\n\r\nHello %s"
        large = (fits % ("large", "large") + "\r\n" + "x" * 70 + "\r\n" * 3).encode() + b"y" * 4_000_000
        with place.open(HELP) as imap:
            imap.append("Slow", None, None, (fits % ("before", "before")).encode())
            imap.append("Slow", None, None, large)
            imap.append("Slow", None, None, (fits % ("after", "after")).encode())
        ways = [lambda: reader.poll(listener.cursor)]
        past: dict[str, Any] = {}
        ways.append(lambda: reader.history(past, since=datetime.now(UTC) - timedelta(hours=1)))
        for way in ways:
            found: dict[str, bool] = {}
            for _ in range(4):
                polled = way()
                listener.cursor = past = polled.cursor
                for item in polled.items:
                    (seen,) = reader.parse(item.kind, item.payload)
                    found[seen.external_id] = bool(seen.facts.get("truncated"))
                if not polled.more:
                    break
            mine = {name: cut for name, cut in found.items() if name.endswith("@x") and "page" not in name}
            assert mine == {"before@x": False, "large@x": True, "after@x": False}
            assert "slow" not in polled.cursor["folders"]["Slow"]


def test_a_stream_goes_on_after_a_mail_that_does_not_come_in_time(
    place: EmailPlace, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "POLL_S", 2.0)
    monkeypatch.setattr(listening, "_PARTS", (100_000,))
    with place.open(HELP) as imap:
        imap.create("Streamed")
        large = f"From: {IVANA}\r\nMessage-ID: <streamed@x>\r\n\r\n".encode() + b"y" * 3_000_000
        imap.append("Streamed", None, None, large)
    with slow_line(place.servers.imap_port, bytes_per_s=400_000) as port:
        reader = connect(folders=["Streamed"], imap_port=port, imap_security="none")
        pages = reader.stream({}, lambda: False)
        cut = next(pages)
        assert not cut.items
        with pytest.raises(TryAgain):
            next(pages)
        again = reader.stream(cut.cursor, lambda: False)
        assert [one.key for one in next(again).items] == ["post:streamed@x"]
        again.close()


def test_a_colleague_who_answers_from_another_program_is_heard_as_us(
    place: EmailPlace, listener: Listener
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = HELP, IVANA, f"<{uuid.uuid4()}@alvara.example>"
    mail.set_content("I called her.")
    with place.open(HELP) as imap:
        imap.append("Sent", "(\\Seen)", None, mail.as_bytes())
    found = listener.hears(str(mail["Message-ID"]).strip("<>"))
    assert found.author.external_id == HELP
    assert not found.context


def test_a_stream_brings_mail_as_it_comes(place: EmailPlace, connector: EmailConnector) -> None:
    done = threading.Event()
    pages = connector.stream({}, done.is_set)
    cursor = next(pages).cursor
    sender = threading.Timer(0.3, lambda: said.append(place.customer_says("Quick!")))
    said: list[str] = []
    sender.start()
    began = datetime.now(UTC)
    found: Polled | None = None
    for polled in pages:
        if any(one.key == f"post:{said[0]}" for one in polled.items if said):
            found = polled
            done.set()
        assert datetime.now(UTC) - began < timedelta(seconds=15)
    assert found is not None
    assert found.cursor["folders"]["INBOX"]["next"] > cursor["folders"]["INBOX"]["next"]
    # From that cursor on there is nothing more of it.
    again = connector.stream(found.cursor, lambda: False)
    assert said[0] not in str([one.key for one in next(again).items])
    again.close()


def test_the_past_comes_newest_first_down_to_its_date(
    place: EmailPlace, connector: EmailConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapport.networks.email import listening

    monkeypatch.setattr(listening, "PAGE", 3)
    with place.open(HELP) as imap:
        for day in range(1, 9):
            mail = (
                f"From: {MARKO}\r\nDate: 0{day} May 2025 10:00:00 +0000\r\nMessage-ID: <may-{day}@x>\r\n\r\nx"
            )
            imap.append("INBOX", None, f'"0{day}-May-2025 10:00:00 +0000"', mail.encode())
    cursor: dict[str, Any] = {}
    keys: list[str] = []
    for _ in range(100):
        polled = connector.history(cursor, since=datetime(2025, 5, 3, 12, tzinfo=UTC))
        assert len(polled.items) <= 3
        keys += [one.key for one in polled.items]
        cursor = polled.cursor
        if not polled.more:
            break
    mine = [one for one in keys if one.startswith("post:may-")]
    assert mine == [f"post:may-{day}@x" for day in (8, 7, 6, 5, 4)]
    assert len(keys) == len(set(keys))
    assert connector.history(cursor, since=datetime(2025, 5, 3, tzinfo=UTC)).items == []


# Speaking -----------------------------------------------------------------------------------------
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
    connector = connect(max_mail_bytes=8_000_000)
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


# Bad days -----------------------------------------------------------------------------------------
def test_what_was_accepted_is_found_though_the_connection_broke(
    place: EmailPlace, listener: Listener, answer: Answer
) -> None:
    question = listener.hears(place.customer_says("Break."))
    message = answer(question)
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        listener.connector.send(message)
    assert caught.value.doubt
    found = listener.connector.find_sent(message)
    assert found is not None
    assert message.idempotency_key in found.external_id
    assert listener.connector.find_sent(message) is not None
    assert reads(place, question.external_id) == [message.text]


def test_what_was_never_handed_over_is_not_found_and_can_be_sent(
    place: EmailPlace, listener: Listener, answer: Answer
) -> None:
    question = listener.hears(place.customer_says("Break earlier."))
    message = answer(question)
    with place.breaking("before-data"), pytest.raises(TryAgain) as caught:
        listener.connector.send(message)
    assert not caught.value.doubt
    assert listener.connector.find_sent(message) is None
    listener.connector.send(message)
    assert reads(place, question.external_id) == [message.text]


def test_a_worker_that_dies_before_it_hands_over_leaves_no_false_trace(
    place: EmailPlace, listener: Listener, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is there and the mail is not: first nobody knows, then it is clear that none was sent."""
    question = listener.hears(place.customer_says("Die."))
    message = answer(question)

    class Died(BaseException):
        pass

    def die(self: object, mail: bytes) -> None:
        raise Died

    with monkeypatch.context() as dying:
        dying.setattr(sending.Submission, "data", die)
        with pytest.raises(Died):
            listener.connector.send(message)
    monkeypatch.setattr(sending, "_WAIT_S", 0.1)
    with pytest.raises(TryAgain, match="waiting for its copy") as caught:
        listener.connector.find_sent(message)
    assert caught.value.doubt
    assert caught.value.after is not None
    monkeypatch.setattr(sending, "COPY_LOST", timedelta(seconds=-60))
    assert listener.connector.find_sent(message) is None
    listener.connector.send(message)
    assert reads(place, question.external_id) == [message.text]


def test_without_a_copy_to_ourselves_a_person_decides(
    place: EmailPlace, connect: Connect, answer: Answer
) -> None:
    listener = Listener(connect(copy_to_self=False))
    question = listener.hears(place.customer_says("No copy."))
    message = answer(question)
    with place.break_after_posting(), pytest.raises(TryAgain):
        listener.connector.send(message)
    with pytest.raises(Refused, match="may have been sent"):
        listener.connector.find_sent(message)
    sent = answer(question, text="Another.")
    listener.connector.send(sent)
    assert listener.connector.find_sent(sent) is not None
    assert not any(sent.idempotency_key in str(one["Message-ID"]) for one in place.inbox(HELP))


def test_a_provider_that_files_sent_mail_itself_is_asked(
    place: EmailPlace, connect: Connect, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_WAIT_S", 0.1)
    connector = connect(sent_copy="provider")
    message = answer(recipient_id=IVANA)
    sent = connector.send(message)
    assert connector.find_sent(message) is None
    (mail,) = until(lambda: [one for one in place.inbox(IVANA) if sent.external_id in str(one["Message-ID"])])
    with place.open(HELP) as imap:
        imap.append("Sent", "(\\Seen)", None, mail.as_bytes())
    found = connector.find_sent(message)
    assert found is not None
    assert found.external_id == sent.external_id


def test_an_outage_loses_nothing_and_doubles_nothing(
    place: EmailPlace, listener: Listener, answer: Answer, connect: Connect
) -> None:
    before = listener.hears(place.customer_says("Before the outage."))
    message = answer(before)
    # In the open: Dovecot's TLS process outlives its server by ten seconds.
    plain = connect(imap_port=place.servers.imap_port, imap_security="none")
    pages = plain.stream({}, lambda: False)
    next(pages)
    with place.outage():
        with pytest.raises(TryAgain):
            listener.poll()
        with pytest.raises(TryAgain) as caught:
            listener.connector.send(message)
        assert not caught.value.doubt
        with pytest.raises(TryAgain):
            list(pages)
    after = listener.hears(place.customer_says("After the outage."))
    assert after.text == "After the outage."
    assert listener.connector.find_sent(message) is None
    listener.connector.send(message)
    assert reads(place, before.external_id) == [message.text]


def test_revoked_credentials_are_told_and_new_ones_work(
    place: EmailPlace, connect: Connect, answer: Answer
) -> None:
    old = connect()
    cursor = old.poll({}).cursor
    place.revoke()
    try:
        for call in (
            old.check,
            lambda: old.poll(cursor),
            lambda: old.send(answer(recipient_id=IVANA)),
            lambda: old.history({}, since=datetime.now(UTC)),
        ):
            with pytest.raises(CredentialsGone):
                call()
        with pytest.raises(CredentialsGone):
            next(old.stream({}, lambda: False))
    finally:
        place.renew()
    said = place.customer_says("Are you back?")
    listener = Listener(connect())
    listener.cursor = cursor
    assert listener.hears(said).text == "Are you back?"
