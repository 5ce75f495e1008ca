"""Broken connections, outages and revoked passwords: nothing is lost, nothing is sent twice."""

from datetime import UTC, datetime, timedelta

import pytest

from rapport.networks.email import sending
from rapport.networks.email.tests.conftest import Answer, Connect, Listener, reads
from rapport.networks.email.tests.place import HELP, IVANA, EmailPlace
from rapport.networks.email.tests.servers import until
from rapport.networks.errors import CredentialsGone, Refused, TryAgain


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
