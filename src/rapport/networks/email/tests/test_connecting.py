"""Whose mailbox it is, and what is wrong with it, from a real Postfix and a real Dovecot."""

from typing import Any

import pytest

from rapport.networks.email.connector import EmailConnector
from rapport.networks.email.tests.conftest import Answer, Connect
from rapport.networks.email.tests.place import HELP, IVANA, EmailPlace
from rapport.networks.errors import CredentialsGone, Refused, TryAgain


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
