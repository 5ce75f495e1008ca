"""The place that e-mail is tested in: a company's mailbox and two customers' on real servers."""

from __future__ import annotations

import contextlib
import imaplib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import localtime, make_msgid
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rapport.networks.email.tests.front import Front
from rapport.networks.email.tests.servers import COMPANY, CUSTOMERS, MailServers, missing
from rapport.networks.testing import Place

HELP = f"help@{COMPANY}"
IVANA = f"ivana@{CUSTOMERS}"
MARKO = f"marko@{CUSTOMERS}"
# A picture of one dot.
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class EmailPlace(Place):
    """``cannot`` names what e-mail itself does not have."""

    network = "email"
    public = False
    whole_seconds = True
    patience_s = 15.0
    cannot: ClassVar[Mapping[str, str]] = {
        "customer_deletes": "a mail cannot be taken back",
        "customer_edits": "a mail cannot be changed once it is sent",
    }

    def __enter__(self) -> EmailPlace:
        reason = missing()
        if reason and "CI" not in os.environ:
            pytest.skip(reason)
        assert not reason, reason
        self._directory = Path(tempfile.mkdtemp(prefix="rapport-mail-"))
        self.servers = MailServers(self._directory)
        self._password = ""
        self.renew()
        for customer in (IVANA, MARKO):
            self.servers.set_password(customer, "a customer's password")
        self.front = Front(self._directory, self.servers.submission_port)
        self._subjects: dict[str, str] = {}
        try:
            self.servers.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.front.close()
        self.servers.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def values(self) -> dict[str, Any]:
        return {
            "address": HELP,
            "name": "Alvara Help",
            "password": self._password,
            "imap_host": "localhost",
            "imap_port": self.servers.imaps_port,
            "imap_security": "tls",
            "smtp_host": "localhost",
            "smtp_port": self.front.port,
            "smtp_security": "tls",
            "certificates": self.servers.certificate.splitlines(),
        }

    # Customers ----------------------------------------------------------------------------------------
    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        # No line is folded: the library would make encoded words of long ids.
        mail = EmailMessage(policy=default.clone(max_line_length=900))
        mail["From"] = f"Ivana Kovačević <{IVANA}>"
        mail["To"] = HELP
        mail["Subject"] = f"Re: {self._subjects.get(to, 'My order')}" if to else "My order"
        if to:
            mail["In-Reply-To"] = f"<{to}>"
            mail["References"] = f"<{to}>"
        mail.set_content(text)
        if image:
            mail.add_attachment(DOT, maintype="image", subtype="png", filename="box.png")
            next(iter(mail.iter_attachments()))["Content-Description"] = "A broken box"
        return self.deliver(mail, sender=IVANA)

    def deliver(self, mail: EmailMessage, *, sender: str, recipient: str = HELP) -> str:
        """Send a mail to us as its sender's server does; its Message-ID."""
        if "Date" not in mail:
            mail["Date"] = localtime()
        if "Message-ID" not in mail:
            mail["Message-ID"] = make_msgid(domain=CUSTOMERS)
        self.servers.deliver(mail.as_bytes(), sender=sender, recipient=recipient)
        return str(mail["Message-ID"]).strip("<>")

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        return [
            mail.get_body(("plain",)).get_content().replace("\r\n", "\n").strip()
            for mail in self.inbox(IVANA)
            if f"<{external_id}>" in str(mail.get("References", ""))
        ]

    def customer_sees_images(self, external_id: str) -> list[str]:
        return [
            str(part["Content-Description"] or "")
            for mail in self.inbox(IVANA)
            if f"<{external_id}>" in str(mail.get("References", ""))
            for part in mail.iter_attachments()
            if part.get_content_maintype() == "image"
        ]

    def inbox(self, address: str, folder: str = "INBOX") -> list[EmailMessage]:
        """What is in somebody's mailbox, as their own program fetches it."""
        with self.open(address) as imap:
            imap.select(folder, readonly=True)
            numbers = imap.search(None, "ALL")[1][0].split()
            raw = [imap.fetch(one, "(BODY.PEEK[])")[1][0][1] for one in numbers]
        return [message_from_bytes(one, policy=default) for one in raw]

    @contextlib.contextmanager
    def open(self, address: str) -> Iterator[imaplib.IMAP4]:
        """Somebody's own session."""
        with imaplib.IMAP4("127.0.0.1", self.servers.imap_port, timeout=20) as imap:
            imap.login(address, self.servers.passwords[address])
            yield imap

    # Trouble ------------------------------------------------------------------------------------------
    def outage(self) -> AbstractContextManager[None]:
        return self._outage()

    @contextlib.contextmanager
    def _outage(self) -> Iterator[None]:
        self.servers.stop()
        try:
            yield
        finally:
            self.servers.start()

    def break_after_posting(self) -> AbstractContextManager[None]:
        return self.breaking("after-data")

    @contextlib.contextmanager
    def breaking(self, where: str) -> Iterator[None]:
        self.front.cut = where
        try:
            yield
        finally:
            self.front.cut = ""

    def revoke(self) -> None:
        self.servers.set_password(HELP, secrets.token_hex(16))

    def renew(self) -> None:
        self._password = secrets.token_hex(16)
        self.servers.set_password(HELP, self._password)


PLACE = EmailPlace
