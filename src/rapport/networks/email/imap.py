"""A mailbox over IMAP (RFC 3501): open it, look into folders, fetch, search, append."""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any

from django.utils.translation import gettext as _
from imapclient import IMAPClient
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
)

from rapport.networks.email.box import Box, Server
from rapport.networks.email.wire import Deadline, context, explained, one_line, open_socket
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

# What one connection may send between two calls of ours; a page of mail stays below.
_MAX_BYTES = 120_000_000
# Response codes of a login that failed for another reason than a wrong password (RFC 5530, RFC 3501).
_FOR_NOW = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|ALERT|CONTACTADMIN|OVERQUOTA)\b", re.IGNORECASE
)
_SENT_NAMES = ("Sent", "Sent Items", "Sent Messages", "INBOX.Sent", "INBOX/Sent", "Sent Mail")


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder: UIDs are good while ``uidvalidity`` stays; new mail gets ``uidnext`` or more."""

    name: str
    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a mail before it is fetched. ``size`` in bytes; ``arrived`` is the mailbox's date."""

    uid: int
    size: int
    flags: frozenset[bytes]
    arrived: datetime | None


class _Imap(imaplib.IMAP4):
    """The standard library's client on a guarded connection that cannot fill the memory."""

    def __init__(self, server: Server, deadline: Deadline) -> None:
        self._server = server
        self._deadline = deadline
        self.received = 0
        super().__init__(server.host, server.port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return open_socket(self._server, self._deadline)

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self.received += size
        if self.received > _MAX_BYTES:
            raise self.abort("the server sends more than was asked for")


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    """IMAPClient over :class:`_Imap`."""

    def __init__(self, server: Server, deadline: Deadline) -> None:
        self._server = server
        self._deadline = deadline
        super().__init__(server.host, server.port, ssl=server.security == "tls", timeout=deadline.left())

    def _create_IMAP4(self) -> _Imap:  # noqa: N802  # the base class calls it so
        return _Imap(self._server, self._deadline)


class Mailbox:
    """An open mailbox. Used as a context manager; every method raises only the three errors."""

    def __init__(self, box: Box, deadline: Deadline) -> None:
        self._box = box
        self._server = box.imap
        self._deadline = deadline

    def __enter__(self) -> Mailbox:
        with self._explained():
            self._client = _Client(self._server, self._deadline)
            try:
                self._log_in()
            except BaseException:
                self._close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with contextlib.suppress(Exception):
                self._client.logout()
                return
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.shutdown()

    def _log_in(self) -> None:
        server, client = self._server, self._client
        if server.security == "starttls":
            if not client.has_capability("STARTTLS"):
                raise Refused(
                    _("%(host)s offers no STARTTLS on this port. The password is not sent in the open.")
                    % {"host": server.host}
                )
            client.starttls(context(server.certificates))
            self._deadline.watch(client.socket())
        if client.has_capability("LOGINDISABLED"):
            raise Refused(_("%(host)s takes no passwords on an open connection.") % {"host": server.host})
        try:
            client.login(server.user, server.password)
        except LoginError as error:
            # On a broken connection there was no answer, so nothing is known of the password.
            if isinstance(error.__context__, imaplib.IMAP4.abort) or self._deadline.was_cut:
                raise TryAgain(
                    _("The mail server %(host)s does not answer.") % {"host": server.host}
                ) from error
            said = one_line(error)
            if _FOR_NOW.search(said):
                raise TryAgain(
                    _("The mail server does not let us in now: %(reason)s") % {"reason": said}
                ) from error
            raise CredentialsGone(
                _("The mail server does not accept the user name and password: %(reason)s") % {"reason": said}
            ) from error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        host = self._server.host
        try:
            with explained(self._server, self._deadline):
                yield
        except NetworkError:
            raise
        except (imaplib.IMAP4.abort, IMAPClientAbortError) as error:
            raise TryAgain(_("The connection to %(host)s broke.") % {"host": host}) from error
        except (imaplib.IMAP4.error, IMAPClientError) as error:
            raise TryAgain(_("The mail server says no: %(reason)s") % {"reason": one_line(error)}) from error
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as error:
            # What a client library makes of an answer that is none.
            raise TryAgain(_("The answer of %(host)s could not be read.") % {"host": host}) from error

    def _fresh(self) -> Any:
        """The client, for a new call."""
        self._client._imap.received = 0
        return self._client

    # Folders ------------------------------------------------------------------------------------------
    def open(self, name: str, *, write: bool = False) -> Folder:
        """Open a folder. Raises Refused when there is none of that name."""
        with self._explained():
            try:
                found = self._fresh().select_folder(name, readonly=not write)
            except (imaplib.IMAP4.abort, IMAPClientAbortError):
                raise
            except (imaplib.IMAP4.error, IMAPClientError) as error:
                raise Refused(
                    _("The folder %(name)s cannot be opened: %(reason)s")
                    % {"name": name, "reason": one_line(error)}
                ) from error
            # A server without UIDNEXT would be one from before 2003.
            return Folder(name, int(found[b"UIDVALIDITY"]), int(found.get(b"UIDNEXT", 0)))

    def special(self, use: bytes, names: Sequence[str] = ()) -> str | None:
        """The folder with this special use (RFC 6154), or one of these names."""
        with self._explained():
            folders = [(set(flags), str(name)) for flags, _, name in self._fresh().list_folders()]
        for flags, name in folders:
            if use in flags and b"\\Noselect" not in flags:
                return name
        by_name = {name.lower(): name for flags, name in folders if b"\\Noselect" not in flags}
        return next((by_name[one.lower()] for one in names if one.lower() in by_name), None)

    def sent_folder(self, *, make: bool = False) -> str | None:
        """Where sent mail is kept; made when there is none and it is wanted."""
        if self._box.sent_folder:
            found = self.special(b"\\None", [self._box.sent_folder])
        else:
            found = self.special(b"\\Sent", _SENT_NAMES)
        if found is None and make:
            found = self._box.sent_folder or "Sent"
            with self._explained():
                self._fresh().create_folder(found)
        return found

    # Mail in the open folder --------------------------------------------------------------------------
    def since(self, day: date) -> list[int]:
        """UIDs of what the mailbox got on that day or later, ascending."""
        with self._explained():
            return sorted(self._fresh().search(["SINCE", day]))

    def after(self, uid: int) -> list[int]:
        """UIDs from ``uid`` on, ascending."""
        with self._explained():
            # "n:*" always holds the last mail, even when its UID is lower.
            return sorted(one for one in self._fresh().search(["UID", f"{uid}:*"]) if one >= uid)

    def having(self, header: str, words: str) -> list[int]:
        """UIDs of mail that has ``words`` in that header field."""
        with self._explained():
            return sorted(self._fresh().search(["HEADER", header, words]))

    def envelopes(self, uids: Sequence[int]) -> list[Envelope]:
        """Sizes, flags and dates, in order; what is gone meanwhile is left out."""
        if not uids:
            return []
        with self._explained():
            client = self._fresh()
            client.normalise_times = False
            found = client.fetch(list(uids), ["RFC822.SIZE", "FLAGS", "INTERNALDATE"])
            return [
                Envelope(
                    uid,
                    int(found[uid].get(b"RFC822.SIZE", 0)),
                    frozenset(found[uid].get(b"FLAGS", ())),
                    _utc(found[uid].get(b"INTERNALDATE")),
                )
                for uid in uids
                if uid in found
            ]

    def fetch(self, uid: int, *, most: int) -> bytes | None:
        """The first ``most`` bytes of a mail, whose seen-flag stays; None when it is gone."""
        with self._explained():
            found = self._fresh().fetch([uid], [f"BODY.PEEK[]<0.{most}>"]).get(uid)
            if found is None:
                return None
            data = next((found[key] for key in found if key.startswith(b"BODY[]")), None)
            return bytes(data) if data is not None else None

    def header(self, uid: int, name: str) -> str:
        """One header field of a mail, "" if it has none."""
        with self._explained():
            wanted = f"BODY.PEEK[HEADER.FIELDS ({name.upper()})]"
            found = self._fresh().fetch([uid], [wanted]).get(uid, {})
            value = next((found[key] for key in found if key.startswith(b"BODY[HEADER.FIELDS")), b"") or b""
            return bytes(value).decode("utf-8", "replace").partition(":")[2].strip()

    def mark(self, uids: Sequence[int], *, add: bytes | None = None, remove: bytes | None = None) -> None:
        """Set or take a flag."""
        with self._explained():
            client = self._fresh()
            if add is not None:
                client.add_flags(list(uids), [add], silent=True)
            if remove is not None:
                client.remove_flags(list(uids), [remove], silent=True)

    def expunge(self, uids: Sequence[int]) -> None:
        """Delete these and nothing else; where the server cannot (no UIDPLUS) they stay marked as deleted."""
        self.mark(uids, add=b"\\Deleted")
        with self._explained():
            if self._client.has_capability("UIDPLUS"):
                self._fresh().uid_expunge(list(uids))

    def append(self, folder: str, data: bytes, flags: Sequence[bytes]) -> int | None:
        """Put a mail into a folder; its UID where the server says it (UIDPLUS, RFC 4315)."""
        with self._explained():
            said = self._fresh().append(folder, data, flags)
            match = re.search(rb"\[APPENDUID \d+ (\d+)\]", said if isinstance(said, bytes) else b"")
            return int(match[1]) if match else None

    # Waiting ------------------------------------------------------------------------------------------
    def wait(self, seconds: float, *, rounds: int) -> Iterator[bool]:
        """Wait in the open folder by IDLE (RFC 2177), ``rounds`` times ``seconds``; yields after each whether
        something happened, and ends when something did. Without IDLE the server is asked each time."""
        with self._explained():
            idles = bool(self._client.has_capability("IDLE"))
            if idles:
                self._fresh().idle()
        try:
            for _round in range(rounds):
                self._deadline.extend(seconds + 20)
                with self._explained():
                    happened = self._idle(seconds) if idles else self._ask(seconds)
                yield happened
                if happened:
                    break
        finally:
            if idles:
                with self._explained():
                    self._client.idle_done()

    def _idle(self, seconds: float) -> bool:
        began = time.monotonic()
        found = self._fresh().idle_check(timeout=seconds)
        # Nothing, and at once: the connection has ended.
        ended = not found and time.monotonic() - began < seconds / 2
        if ended or any(one and one[0] == b"BYE" for one in found):
            raise TryAgain(_("The connection to %(host)s broke.") % {"host": self._server.host})
        return any(len(one) > 1 and one[1] in {b"EXISTS", b"RECENT"} for one in found)

    def _ask(self, seconds: float) -> bool:
        time.sleep(seconds)
        _said, found = self._fresh().noop()
        return any(len(one) > 1 and one[1] in {b"EXISTS", b"RECENT"} for one in found)

    def is_lost(self) -> bool:
        """Whether the connection is gone, so that another answer cannot come."""
        try:
            self._client.noop()
        except Exception:
            return True
        return False

    def idles(self) -> bool:
        """Whether new mail is announced."""
        with self._explained():
            return bool(self._client.has_capability("IDLE"))


def _utc(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).astimezone(UTC)
