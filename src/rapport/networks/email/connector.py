"""E-mail: one mailbox, read over IMAP and answered over SMTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as lazy

from rapport.networks.base import (
    Capabilities,
    Connector,
    Event,
    Hears,
    MediaKind,
    MediaRules,
    OutgoingMessage,
    Polled,
    Profile,
    Sent,
    Tested,
)
from rapport.networks.email import listening, sending
from rapport.networks.email.addresses import shown
from rapport.networks.email.box import Box
from rapport.networks.email.guide import GUIDE
from rapport.networks.email.imap import Mailbox
from rapport.networks.email.parse import parse_event
from rapport.networks.email.smtp import Submission
from rapport.networks.email.wire import Deadline

# Providers commonly take mail of 25 MB, and base64 makes files a third longer.
MAX_FILE = 18_000_000
# What a mail needs besides its files: text, header fields.
_OVERHEAD = 200_000
_BASE64 = 78 / 57  # 57 bytes make a line of 76 characters and its end
_CHECK_S = 30.0
_KINDS: tuple[MediaKind, ...] = ("image", "video", "audio", "file")
_MEDIA = MediaRules(
    max_count=20, max_bytes=dict.fromkeys(_KINDS, MAX_FILE), alt_text=True, max_alt_length=900
)


class EmailConnector(Connector):
    """Credentials: ``password``, ``smtp_password``; everything else the guide asks for is a setting.

    ``check`` learns ``max_mail_bytes`` (what the way out takes), ``idle`` and ``sent`` (the folder it found).
    """

    network = "email"
    label = lazy("E-mail")
    capabilities = Capabilities(
        max_length=100_000,
        hears=frozenset({Hears.PRIVATE}),
        public_reply=False,
        private_reply=True,
        poll=True,
        stream=True,
        history=True,
        media=None,
        media_private=_MEDIA,
        tested=Tested.SERVER,
        facts={
            "idempotency": "fixed Message-ID, a record in the Sent folder, a copy to ourselves",
            "login": "password or app password; no OAuth",
        },
    )
    guide = GUIDE
    kinds = {
        "mail": "a mail in one of the folders, or in the folder for sent mail",
        "unreadable": "a mail that the server lists but does not hand over; parked, for an operator to see",
    }

    def check(self) -> Profile:
        box = Box.of(self.account)
        with Deadline(_CHECK_S) as deadline:
            with Mailbox(box, deadline) as mailbox:
                for name in box.folders:
                    mailbox.open(name)
                settings: dict[str, Any] = {"sent": mailbox.sent_folder() or "", "idle": mailbox.idles()}
            with Submission(box, deadline) as submission:
                settings["max_mail_bytes"] = submission.max_size
        return Profile(
            external_id=box.address,
            handle=shown(box.address),
            name=box.name or shown(box.address),
            settings=settings,
        )

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        return listening.poll(Box.of(self.account), cursor)

    def stream(self, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
        return listening.stream(Box.of(self.account), cursor, stop)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        return listening.history(Box.of(self.account), cursor, since)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    @property
    def rules(self) -> Capabilities:
        """Files as large as the way out takes."""
        limit = self.account.settings.get("max_mail_bytes")
        if not isinstance(limit, int) or limit <= 0:
            return self.capabilities
        room = max(int((limit - _OVERHEAD) / _BASE64), 0)
        most = min(MAX_FILE, room)
        return replace(
            self.capabilities, media_private=replace(_MEDIA, max_bytes=dict.fromkeys(_KINDS, most))
        )

    def send(self, message: OutgoingMessage) -> Sent:
        return sending.send(Box.of(self.account), message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        return sending.find_sent(Box.of(self.account), message)


CONNECTOR = EmailConnector
