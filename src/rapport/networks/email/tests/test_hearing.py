"""Mail of a real Dovecot is heard once, whatever it is and however slowly it comes."""

import threading
import uuid
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from rapport.networks.base import Polled
from rapport.networks.email import listening
from rapport.networks.email.connector import EmailConnector
from rapport.networks.email.tests.conftest import Answer, Connect, Listener, reads
from rapport.networks.email.tests.place import DOT, HELP, IVANA, MARKO, EmailPlace
from rapport.networks.email.tests.slow import slow_line
from rapport.networks.errors import TryAgain


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
    shop, moved = (f"{name}-{uuid.uuid4().hex[:6]}" for name in ("Shop", "Moved"))
    with place.open(HELP) as imap:
        imap.create(shop)
        imap.create(moved)
    listener = Listener(connect(quote_original=True, folders=["INBOX", shop, moved]))
    named = f"{uuid.uuid4()}@shop.example"
    for number, sender, words in ((1, MARKO, "Where is my chair?"), (2, IVANA, "And my lamp?")):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Message-ID"] = sender, HELP, f"<{named}>"
        mail["Subject"], mail["Date"] = f"Order {number}", f"Sat, 21 Nov 2026 10:0{number}:00 +0000"
        mail.set_content(words)
        with place.open(HELP) as imap:
            imap.append(shop, None, None, mail.as_bytes())
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
        imap.select(shop)
        numbers = imap.search(None, "HEADER", "Message-ID", named)[1][0].split()
        imap.copy(b",".join(numbers), moved)
    folders = dict(listener.cursor["folders"])
    folders[shop] = folders[shop] | {"uidvalidity": 1}
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
