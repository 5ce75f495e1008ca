"""What the answers of mail servers mean, from servers that answer as a test wants."""

import itertools
import time
from datetime import timedelta
from typing import Any

import pytest

from rapport.networks.base import Account
from rapport.networks.email import listening
from rapport.networks.email.box import Box
from rapport.networks.email.connector import EmailConnector
from rapport.networks.email.smtp import Submission
from rapport.networks.email.tests.scripted import imap, smtp
from rapport.networks.email.wire import Deadline
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

MAIL = b"From: help@alvara.example\r\n\r\nHello\r\n.dot\r\n"


def account(*, imap_port: int = 9, smtp_port: int = 9, **more: Any) -> Account:
    ports: dict[str, Any] = {"imap_port": imap_port, "smtp_port": smtp_port}
    for kind in ("imap", "smtp"):
        ports |= {f"{kind}_host": "localhost", f"{kind}_security": "none"}
    return Account(
        external_id="help@alvara.example",
        handle="help@alvara.example",
        credentials={"password": "a secret"},
        settings=ports | more,
    )


def hand_over(port: int, *, seconds: float = 10, **more: Any) -> None:
    box = Box.of(account(smtp_port=port, **more))
    with Deadline(seconds) as deadline, Submission(box, deadline) as submission:
        submission.envelope(box.address, "ivana@customers.example", box.address, size=len(MAIL))
        submission.data(MAIL)


def test_a_mail_is_taken() -> None:
    with smtp() as port:
        hand_over(port)


@pytest.mark.parametrize(
    ("answers", "error", "after", "doubt"),
    [
        ({"HELLO": "421 too many connections"}, TryAgain, True, False),
        ({"HELLO": "554 no service"}, Refused, None, False),
        ({"HELLO": None}, TryAgain, False, False),
        ({"AUTH": "535 5.7.8 wrong"}, CredentialsGone, None, False),
        ({"AUTH": "454 4.7.0 not now"}, TryAgain, True, False),
        ({"AUTH": None}, TryAgain, False, False),
        ({"MAIL": "550 5.7.1 you may not send as this"}, Refused, None, False),
        ({"MAIL": "530 5.7.0 log in first"}, CredentialsGone, None, False),
        ({"RCPT": "450 4.2.0 greylisted"}, TryAgain, True, False),
        ({"RCPT": "452 4.5.3 slow down"}, TryAgain, True, False),
        ({"RCPT": "550 5.1.1 no such user"}, Refused, None, False),
        ({"DATA": "451 4.3.0 not now"}, TryAgain, True, False),
        ({"DATA": None}, TryAgain, False, False),
        ({".": "451 4.3.0 queue is full"}, TryAgain, True, False),
        ({".": "554 5.7.1 spam"}, Refused, None, False),
        ({".": None}, TryAgain, False, True),
        ({".": "nonsense"}, TryAgain, False, True),
    ],
)
def test_what_a_server_says_no_to(
    answers: dict[str, str | None], error: type[NetworkError], after: bool | None, doubt: bool
) -> None:
    with smtp(answers) as port, pytest.raises(error) as caught:
        hand_over(port)
    assert "a secret" not in str(caught.value)
    if isinstance(caught.value, TryAgain):
        assert caught.value.doubt is doubt
        assert (caught.value.after is not None) is after
        assert caught.value.after in {None, timedelta(seconds=60)}


def test_the_reason_is_one_clean_line() -> None:
    words = "550-5.1.1 No\x07 such\r\n550 user " + "x" * 400
    with (
        smtp({"RCPT": words}) as port,
        pytest.raises(Refused, match=r"says 550: 5\.1\.1 No such user x") as caught,
    ):
        hand_over(port)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 350


def test_a_copy_that_the_server_does_not_take_is_known_before_the_mail_goes() -> None:
    with smtp({"RCPT": "250 ok"}) as port:
        box = Box.of(account(smtp_port=port))
        with Deadline(10) as deadline, Submission(box, deadline) as submission:
            assert submission.envelope(box.address, "ivana@customers.example", box.address, size=10)
            assert submission.envelope(box.address, box.address, box.address, size=10)
            assert not submission.envelope(box.address, "ivana@customers.example", None, size=10)


def test_passwords_do_not_go_where_encryption_was_wanted_and_is_missing() -> None:
    with smtp() as port, pytest.raises(Refused, match="no STARTTLS"):
        hand_over(port, smtp_security="starttls")
    with imap() as port, pytest.raises(Refused, match="no STARTTLS"):
        EmailConnector(account(imap_port=port, imap_security="starttls")).poll({})


def test_a_server_without_login_is_named() -> None:
    with smtp({"EHLO": "250 there"}) as port, pytest.raises(Refused, match="offers no login"):
        hand_over(port)


def test_an_address_in_another_script_needs_a_server_that_can() -> None:
    with smtp() as port:
        box = Box.of(account(smtp_port=port))
        with (
            Deadline(10) as deadline,
            Submission(box, deadline) as submission,
            pytest.raises(Refused, match="in this script"),
        ):
            submission.envelope(box.address, "žana@customers.example", None, size=10)


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    began = time.monotonic()
    with smtp({"MAIL": ""}) as port, pytest.raises(TryAgain) as caught:
        hand_over(port, seconds=0.5)
    assert not caught.value.doubt
    with smtp({".": ""}) as port, pytest.raises(TryAgain) as caught:
        hand_over(port, seconds=0.5)
    assert caught.value.doubt
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("TAG NO [AUTHENTICATIONFAILED] wrong", CredentialsGone),
        ("TAG NO wrong", CredentialsGone),
        ("TAG NO [UNAVAILABLE] the directory is down", TryAgain),
        ("TAG NO [ALERT] Too many simultaneous connections", TryAgain),
        ("TAG BAD [SERVERBUG] oops", TryAgain),
        (None, TryAgain),
        ("* BYE going down", TryAgain),
    ],
)
def test_only_a_wrong_password_disconnects(
    answer: str | None, error: type[NetworkError], monkeypatch: pytest.MonkeyPatch
) -> None:
    # "* BYE" alone leaves the command unanswered.
    monkeypatch.setattr(listening, "POLL_S", 1.0)
    with imap({"LOGIN": answer}) as port, pytest.raises(error) as caught:
        EmailConnector(account(imap_port=port)).poll({})
    assert "a secret" not in str(caught.value)


def test_a_server_that_wants_encryption_is_understood() -> None:
    says = "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nTAG OK done"
    with imap({"CAPABILITY": says}) as port, pytest.raises(Refused, match="open connection"):
        EmailConnector(account(imap_port=port)).poll({})


CURSOR = {"folders": {name: {"uidvalidity": 7, "next": 1} for name in ("INBOX", "Sent")}}
SIZES = '* 1 FETCH (UID 1 RFC822.SIZE 40 FLAGS () INTERNALDATE "21-Nov-2026 10:00:00 +0000")\r\nTAG OK done'


@pytest.mark.parametrize(
    "answers",
    [
        {"HELLO": "* what is this"},
        {"HELLO": "HTTP/1.1 400 Bad Request"},
        {"CAPABILITY": "TAG NO"},
        {"LIST": "* LIST ((((\r\nTAG OK done"},
        {"LIST": '* LIST () "/" {999999999999}\r\nTAG OK done'},
        {"EXAMINE": "* OK [UIDVALIDITY x] y\r\nTAG OK done"},
        {"EXAMINE": "TAG OK nothing else"},
        {"UID SEARCH": "* SEARCH one two\r\nTAG OK done"},
        {"UID SEARCH": None},
        {"UID FETCH": "* 1 FETCH (UID\r\nTAG OK done"},
        {"UID FETCH": "* 1 FETCH " + "(" * 3000 + "\r\nTAG OK done"},
        {"UID FETCH": "* 1 FETCH (UID 1 RFC822.SIZE {500000000}\r\n"},
    ],
)
def test_an_answer_that_is_none_ends_in_words(
    answers: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "POLL_S", 2.0)
    with imap(answers) as port, pytest.raises((TryAgain, Refused)):
        EmailConnector(account(imap_port=port)).poll(CURSOR)


def test_a_mail_that_is_not_handed_over_does_not_hold_up_the_others() -> None:
    moods = itertools.cycle([SIZES, "TAG NO [SERVERBUG] corrupted index"])
    with imap({"UID FETCH": lambda: next(moods)}) as port:
        polled = EmailConnector(account(imap_port=port)).poll(CURSOR)
    assert [one.kind for one in polled.items] == ["unreadable", "unreadable"]
    assert "corrupted index" in polled.items[0].payload["reason"]
    assert polled.cursor["folders"]["INBOX"]["next"] == 2
