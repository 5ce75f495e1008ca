"""The contact form: heard on Rapport's own pages, answered on the customer's page and by e-mail."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rapport.networks.base import (
    Capabilities,
    Connector,
    Event,
    Guide,
    Hears,
    MediaRules,
    OutgoingMessage,
    Profile,
    Sent,
    Tested,
)
from rapport.networks.errors import Refused
from rapport.networks.webform import mail
from rapport.networks.webform.guide import GUIDE
from rapport.networks.webform.parse import KINDS, parse_event

MAX_SITES = 50


class WebformConnector(Connector):
    """Settings and credentials: see the guide. Without a mail server, answers wait on the customer's page."""

    network: ClassVar[str] = "webform"
    label = lazy("Contact form")
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_length=20_000,
        hears=frozenset({Hears.PRIVATE}),
        public_reply=False,
        private_reply=True,
        media_private=MediaRules(
            max_count=5,
            max_bytes={"image": 4_000_000, "video": 4_000_000, "audio": 4_000_000, "file": 4_000_000},
            alt_text=True,
        ),
        tested=Tested.ITSELF,
    )
    guide: ClassVar[Guide | None] = GUIDE
    kinds: ClassVar[Mapping[str, str]] = KINDS

    def check(self) -> Profile:
        """The form is always there; what can be wrong is a site's address or the mail server."""
        settings = self.account.settings
        name = " ".join(str(settings.get("name") or "").split())
        if not name:
            raise Refused(_("Give the form a name."))
        sites = [origin(str(one)) for one in settings.get("sites") or [] if str(one).strip()]
        if len(sites) > MAX_SITES:
            raise Refused(_("A form can be shown inside %(n)d sites.") % {"n": MAX_SITES})
        box = mail.box_of(self.account)
        if box is not None:
            mail.check(box)
        digest = hashlib.blake2b(name.casefold().encode(), digest_size=12).hexdigest()
        return Profile(external_id=f"form:{digest}", handle=name, name=name, settings={"sites": sites})

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    def send(self, message: OutgoingMessage) -> Sent:
        """Mail the answer to who gave an address. It is on their page as soon as it is recorded as sent."""
        sent = _sent(message)
        box = mail.box_of(self.account)
        if box is not None and message.recipient_handle:
            mail.send(box, message, to=message.recipient_handle)
        return sent

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        """After a doubt the answer counts as sent.

        The place where it stands for sure is the customer's page, and a mail server cannot be asked
        whether it took a mail: rather one notice too few than the same answer twice.
        """
        return _sent(message)


def origin(site: str) -> str:
    """A site as a browser's ``frame-ancestors`` wants it: ``https://www.example.com``. Raises Refused."""
    given = site.strip() if "://" in site else f"https://{site.strip()}"
    try:
        parts = urlsplit(given)
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except (ValueError, UnicodeError):
        host, port, parts = "", None, urlsplit("")
    bare = host.removeprefix("*.")
    plain = bare and all(part and part.replace("-", "").isalnum() for part in bare.split("."))
    if parts.scheme not in {"http", "https"} or not plain or ("*" in host and "." not in bare):
        raise Refused(_("%(site)s is not the address of a website.") % {"site": site[:200]})
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def _sent(message: OutgoingMessage) -> Sent:
    if message.visibility != "private":
        raise Refused(_("A form's answers are private."))
    return Sent(
        external_id=f"answer:{message.idempotency_key}",
        sent_at=datetime.now(UTC),
        thread_key=message.thread_key,
    )


CONNECTOR = WebformConnector
