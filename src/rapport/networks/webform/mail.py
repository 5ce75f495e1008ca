"""Answers as e-mail: one mail per answer, through the brand's own mail server."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from rapport.networks.base import Account, OutgoingMessage
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.http import may_call

# A whole delivery; a lease on a reply counts on a call that ends.
DEADLINE_S = 25.0
_STEP_S = 10.0
_PORTS = {"tls": 465, "starttls": 587, "none": 25}


@dataclass(frozen=True, kw_only=True)
class Mailer:
    """The mail server of a form's settings. ``security``: tls, starttls or none."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender: str

    @classmethod
    def of(cls, account: Account) -> Mailer | None:
        """None where the form has no mail server. Raises CredentialsGone for half of one."""
        settings: Mapping[str, Any] = account.settings
        host = str(settings.get("smtp_host") or "").strip()
        if not host:
            return None
        sender = str(settings.get("from_address") or "").strip()
        if not _is_address(sender):
            raise CredentialsGone(_("To answer by e-mail the form needs the brand's e-mail address."))
        security = str(settings.get("smtp_security") or "starttls")
        security = security if security in _PORTS else "starttls"
        port = str(settings.get("smtp_port") or "")
        return cls(
            host=host,
            port=int(port)
            if port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536
            else _PORTS[security],
            security=security,
            user=str(settings.get("smtp_username") or ""),
            password=str(account.credentials.get("smtp_password") or ""),
            sender=sender,
        )

    def check(self) -> None:
        """Log in, and leave. Raises the three errors."""
        with self._session():
            pass

    def send(self, message: OutgoingMessage, *, to: str, from_name: str) -> None:
        """Hand the mail over. Raises the three errors; ``doubt`` once the server may have taken it.

        A server that says the recipient does not exist is no failure: the answer stands on the page
        that the customer has, mail or not.
        """
        if not _is_address(to):
            return
        mail = compose(message, to=to, sender=self.sender, from_name=from_name)
        with self._session() as smtp:
            smtp.ehlo_or_helo_if_needed()
            code, words = smtp.mail(self.sender)
            if code != 250:
                raise _refusal(code, words)
            code, words = smtp.rcpt(to)
            if code in (550, 551, 553):
                return
            if code not in (250, 251):
                raise _refusal(code, words)
            try:
                code, words = smtp.data(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n")))
            except smtplib.SMTPDataError as error:
                raise _refusal(error.smtp_code, error.smtp_error) from error
            except (OSError, smtplib.SMTPServerDisconnected) as error:
                raise TryAgain(
                    _("The connection to the mail server broke while it took the mail."), doubt=True
                ) from error
            if code != 250:
                raise _refusal(code, words)

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection that is logged in. Whatever goes wrong before a mail is handed over is no doubt."""
        smtp = _Guarded(tls=self.security == "tls", host=self.host)
        timer = threading.Timer(DEADLINE_S, smtp.cut)
        timer.daemon = True
        timer.start()
        try:
            smtp.connect(self.host, self.port)
            if self.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if self.user or self.password:
                smtp.login(self.user, self.password)
            yield smtp
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
        except NetworkError:
            raise
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise _refusal(error.smtp_code, error.smtp_error) from error
            raise CredentialsGone(_("The mail server does not accept the user name and password.")) from error
        except ssl.SSLError as error:
            raise Refused(_("The mail server's encryption cannot be trusted.")) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(_("The mail server does not offer this kind of encryption or login.")) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TryAgain(_("The mail server cannot be reached.")) from error
        finally:
            timer.cancel()
            smtp.close()


class _Guarded(smtplib.SMTP):
    """Checks the address it is really connected to before a word is said, and can be cut by another thread."""

    def __init__(self, *, tls: bool, host: str) -> None:
        super().__init__(timeout=_STEP_S)
        self._tls = tls
        self._host = host  # smtplib needs it for STARTTLS

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = socket.create_connection((host, port), timeout)
        peer = str(connected.getpeername()[0])
        if not may_call(peer):
            connected.close()
            raise Refused(
                _("The address %(host)s is on a private network. Rapport does not call those.")
                % {"host": peer}
            )
        if self._tls:
            return ssl.create_default_context().wrap_socket(connected, server_hostname=host)
        return connected

    def cut(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


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


def _is_address(value: str) -> bool:
    user, at, domain = value.rpartition("@")
    return (
        bool(user and at and "." in domain + ".")
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _refusal(code: int, words: bytes | str) -> NetworkError:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    reason = _("The mail server said: %(words)s") % {"words": f"{code} {_line(said)}"}
    return TryAgain(reason) if 400 <= code < 500 else Refused(reason)
