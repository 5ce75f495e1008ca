"""Answers as e-mail: one mail per answer, through the brand's own mail server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from rapport.networks.base import Account, OutgoingMessage
from rapport.networks.email.addresses import is_address, normal
from rapport.networks.email.box import Box, Security, Server
from rapport.networks.email.smtp import Submission
from rapport.networks.email.wire import Deadline
from rapport.networks.errors import CredentialsGone, NetworkError, Refused

_log = logging.getLogger(__name__)

# A whole delivery; a lease on a reply counts on a call that ends.
DEADLINE_S = 25.0
_PORTS: Mapping[Security, int] = {"tls": 465, "starttls": 587, "none": 587}


def box_of(account: Account) -> Box | None:
    """The mail server of a form's settings; None where it has none. Raises CredentialsGone for half of one."""
    settings: Mapping[str, Any] = account.settings
    host = str(settings.get("smtp_host") or "").strip()
    if not host:
        return None
    sender = normal(str(settings.get("from_address") or "").strip())
    password = str(account.credentials.get("smtp_password") or "")
    if not is_address(sender) or not password:
        raise CredentialsGone(
            _("To answer by e-mail the form needs the brand's e-mail address and a password.")
        )
    given = settings.get("smtp_security")
    security: Security = given if given in ("tls", "none") else "starttls"
    port = str(settings.get("smtp_port") or "")
    server = Server(
        host,
        int(port) if port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536 else _PORTS[security],
        security,
        str(settings.get("smtp_username") or "") or sender,
        password,
        "\n".join(str(one) for one in settings.get("certificates") or ()),
    )
    return Box(
        address=sender, name=str(settings.get("name") or ""), imap=server, smtp=server, folders=(), sent_folder="",
        files_sent=False, copy_to_self=False, plus_addressing=False, mark_seen=False, quote_original=False,
        me=(sender,), lists=(), trusted=(),
    )  # fmt: skip


def check(box: Box) -> None:
    """Log in, and leave. Raises the three errors."""
    with Deadline(DEADLINE_S) as deadline, Submission(box, deadline):
        pass


def send(box: Box, message: OutgoingMessage, *, to: str) -> None:
    """Hand the mail over. Raises the three errors; ``doubt`` once the server may have taken it.

    A recipient that the server does not know is no failure: people mistype their address, and the answer
    stands on the page that they have.
    """
    to = normal(to)
    if not is_address(to):
        raise Refused(
            _("%(address)s is no e-mail address, so nothing can be mailed there.") % {"address": to[:200]}
        )
    mail = compose(message, to=to, sender=box.address, from_name=box.name).as_bytes(policy=SMTP)
    with Deadline(DEADLINE_S) as deadline:
        try:
            with Submission(box, deadline) as submission:
                submission.envelope(box.address, to, None, size=len(mail))
                submission.data(mail)
        except Refused:
            if not _may_write(box, deadline, size=len(mail)):
                raise
            _log.info("an answer is on its page only: the mail server does not take its recipient")


def _may_write(box: Box, deadline: Deadline, *, size: int) -> bool:
    """Whether the server takes mail from us at all; if it does, a refusal was about its recipient."""
    try:
        with Submission(box, deadline) as submission:
            submission.envelope(box.address, box.address, None, size=size)
    except NetworkError:
        return False
    return True


def compose(message: OutgoingMessage, *, to: str, sender: str, from_name: str) -> EmailMessage:
    """The mail of one answer, in the customer's language where we have it. The same for every try."""
    mail = EmailMessage()
    facts = message.parent_facts
    link = str(facts.get("link") or "")
    domain = sender.rpartition("@")[2]
    user, _at, _domain = sender.rpartition("@")
    mail["From"] = Address(display_name=_line(from_name), username=user, domain=domain)
    mail["To"] = to
    with translation.override(_language(message.lang)):
        reference = (message.thread_key or "").removeprefix("form:")
        subject = str(facts.get("subject") or "") or _("Your message")
        mail["Subject"] = _line(
            f"{_('Re:')} {subject} [{reference}]" if reference else f"{_('Re:')} {subject}"
        )
        text = message.text
        if link:
            text += "\n\n-- \n" + _("The whole conversation, and where you can write again:") + f"\n{link}\n"
    mail["Date"] = format_datetime(message.created_at)
    # Chosen from the answer, so that a mail sent twice would be one in most mailboxes.
    mail["Message-ID"] = f"<{message.idempotency_key}.form.rapport@{domain}>"
    mail["Auto-Submitted"] = "no"
    mail.set_content(text)
    for file in message.media:
        kind, _slash, subkind = file.content_type.partition("/")
        mail.add_attachment(
            file.content,
            maintype=kind or "application",
            subtype=subkind or "octet-stream",
            filename=file.name,
        )
    return mail


def _language(lang: str) -> str:
    try:
        return (
            translation.get_supported_language_variant(lang) if lang else translation.get_language() or "en"
        )
    except LookupError:
        return translation.get_language() or "en"


def _line(text: str) -> str:
    """One line without anything that could begin another header field."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:200]
