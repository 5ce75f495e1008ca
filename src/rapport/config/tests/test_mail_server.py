"""One address says everything about the mail server; a wrong one stops the start with a sentence."""

from __future__ import annotations

import pytest

from rapport.config.options import MailServer, Options, mail_server


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp://us%40er:p%2Fw@mail.example:2525?from=care@example.com",
            MailServer("mail.example", 2525, "us@er", "p/w", "care@example.com", tls=False, starttls=True),
        ),
        (
            "smtps://u:p@mail.example?from=care@example.com",
            MailServer("mail.example", 465, "u", "p", "care@example.com", tls=True, starttls=False),
        ),
        (
            "smtp://localhost?from=care@example.com",
            MailServer("localhost", 25, "", "", "care@example.com", tls=False, starttls=False),
        ),
        (
            "smtp://localhost:1025?from=care@example.com&starttls=yes",
            MailServer("localhost", 1025, "", "", "care@example.com", tls=False, starttls=True),
        ),
    ],
)
def test_it_is_read(url: str, expected: MailServer) -> None:
    assert mail_server(url) == expected
    assert "p/w" not in repr(expected)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example", "http://mail.example?from=a@b", "smtp://mail.example", "smtp://?from=a@b",
        "smtp://mail.example?from=a@b%0ABcc: c@d", "smtp://mail.example:99999?from=a@b",
    ],
)  # fmt: skip
def test_what_is_no_mail_server_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_SMTP_URL", url)
    with pytest.raises(ValueError, match="smtp://user:password"):
        Options()


def test_blank_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_SMTP_URL", " ")
    assert Options().smtp_url is None
