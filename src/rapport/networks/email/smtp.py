"""The way out: submission over SMTP (RFC 6409), step by step, so that doubt is named where it begins."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from types import TracebackType

from django.utils.translation import gettext as _

from rapport.networks.email.addresses import ascii_domain
from rapport.networks.email.box import Box
from rapport.networks.email.wire import Deadline, context, explained, one_line, open_socket
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

# A server that says "not now" (4xx) means minutes: greylisting, a full queue, too many at once.
_LATER = timedelta(seconds=60)


class _Smtp(smtplib.SMTP):
    def __init__(self, box: Box, deadline: Deadline) -> None:
        self._server, self._deadline = box.smtp, deadline
        # Some servers check the name; the domain of the mail is as good as any and tells nothing of us.
        name = ascii_domain(box.address.rpartition("@")[2])
        super().__init__(box.smtp.host, box.smtp.port, local_hostname=name, timeout=deadline.left())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return open_socket(self._server, self._deadline)


class Submission:
    """A session that is logged in. Used as a context manager; raises only the three errors."""

    def __init__(self, box: Box, deadline: Deadline) -> None:
        self._box = box
        self._server = box.smtp
        self._deadline = deadline

    def __enter__(self) -> Submission:
        with self._explained():
            self._smtp = _Smtp(self._box, self._deadline)
            try:
                self._begin()
            except BaseException:
                self._smtp.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):
            if kind is None:
                self._smtp.quit()
        self._smtp.close()

    @property
    def max_size(self) -> int | None:
        """The longest mail the server takes, in bytes, where it says so (RFC 1870)."""
        stated = self._smtp.esmtp_features.get("size", "").strip()
        return int(stated) if stated.isascii() and stated.isdecimal() and int(stated[:15]) > 0 else None

    def _begin(self) -> None:
        smtp, server = self._smtp, self._server
        smtp.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            if not smtp.has_extn("starttls"):
                raise Refused(
                    _("%(host)s offers no STARTTLS on this port. The password is not sent in the open.")
                    % {"host": server.host}
                )
            smtp.starttls(context=context(server.certificates))
            if smtp.sock is not None:
                self._deadline.watch(smtp.sock)
            smtp.ehlo()
        try:
            smtp.login(server.user, server.password)
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(
                _("%(host)s offers no login here. Its port for sending is often 465 or 587.")
                % {"host": server.host}
            ) from error
        except smtplib.SMTPAuthenticationError as error:
            raise _login_failed(error) from error
        except UnicodeError as error:
            raise CredentialsGone(_("The password has characters that cannot be sent.")) from error

    def envelope(self, sender: str, recipient: str, copy_to: str | None, *, size: int) -> bool:
        """Say who writes to whom; whether the server also takes the copy for ourselves. Nothing is sent yet."""
        smtp = self._smtp
        international = not (sender + recipient).isascii()
        if international and not smtp.has_extn("smtputf8"):
            raise Refused(
                _("The mail server cannot write to addresses in this script: %(address)s")
                % {"address": recipient}
            )
        limit = self.max_size
        if limit is not None and size > limit:
            raise Refused(
                _("The mail has %(size)d bytes with its files; the mail server takes %(limit)d.")
                % {"size": size, "limit": limit}
            )
        options = [f"size={size}"] if smtp.has_extn("size") else []
        options += ["SMTPUTF8"] if international else []
        with self._explained():
            if international:
                smtp.command_encoding = "utf-8"
            _expect(smtp.mail(sender, options), 250, 251)
            _expect(smtp.rcpt(recipient), 250, 251, 252)
            if copy_to is None or copy_to == recipient:
                return copy_to is not None
            return smtp.rcpt(copy_to)[0] in {250, 251, 252}

    def data(self, mail: bytes) -> None:
        """Hand the mail over. TryAgain(doubt=True) when the connection breaks before the server's last word."""
        with self._explained():
            _expect(self._smtp.docmd("DATA"), 354)
        # From here on the server may have taken it.
        try:
            self._smtp.send(_dotted(mail))
            answer = self._smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise TryAgain(
                _("The connection to the mail server broke before it said whether it took the mail."),
                doubt=True,
            ) from error
        if not 200 <= answer[0] < 600:
            raise TryAgain(_("The mail server's word on the mail could not be understood."), doubt=True)
        _expect(answer, 250)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        with explained(self._server, self._deadline):
            try:
                yield
            except (NetworkError, smtplib.SMTPServerDisconnected):
                raise
            except smtplib.SMTPResponseException as error:
                raise _said_no(error.smtp_code, error.smtp_error) from error
            except smtplib.SMTPException as error:  # an OSError too, but no trouble with the line
                raise TryAgain(
                    _("The mail server could not be understood: %(reason)s") % {"reason": one_line(error)}
                ) from error
            except (UnicodeError, LookupError, ValueError) as error:
                if isinstance(error, ssl.SSLCertVerificationError):
                    raise
                raise TryAgain(_("The answer of the mail server could not be read.")) from error


def _dotted(mail: bytes) -> bytes:
    """The mail as DATA carries it: a dot before lines that begin with one, and the final dot."""
    body = re.sub(rb"(?m)^\.", b"..", mail)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    code, words = answer
    if code not in codes:
        raise _said_no(code, words)


def _said_no(code: int, words: bytes | str) -> NetworkError:
    """What a negative answer means (RFC 5321, 4.2): 4xx later, 5xx never."""
    reason = _("The mail server says %(code)d: %(reason)s") % {"code": code, "reason": one_line(words)}
    if code in {530, 535, 538}:
        return CredentialsGone(reason)
    if 500 <= code < 600:
        return Refused(reason)
    return TryAgain(reason, after=_LATER if 400 <= code < 500 else None)


def _login_failed(error: smtplib.SMTPAuthenticationError) -> NetworkError:
    reason = _("The mail server does not accept the user name and password for sending: %(reason)s") % {
        "reason": one_line(error.smtp_error)
    }
    # 454: a temporary failure of the server's own (RFC 4954, 6).
    if 400 <= error.smtp_code < 500:
        return TryAgain(reason, after=_LATER)
    return CredentialsGone(reason)
