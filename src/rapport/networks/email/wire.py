"""Connections to mail servers: to allowed addresses only, checked certificates, and an end to every wait."""

from __future__ import annotations

import contextlib
import functools
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from types import TracebackType

from django.utils.translation import gettext as _

from rapport.networks import ending
from rapport.networks.email.box import Server
from rapport.networks.errors import NetworkError, Refused, TryAgain
from rapport.networks.http import PrivateAddress, may_call

_CONNECT_S = 8.0
_REASON = 300


class Deadline:
    """So many seconds for everything inside ``with``; then the connections it watches are cut.

    A socket's own time-out is for each read, and a server that sends a byte now and then would hold its
    caller for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer: threading.Timer | None = None
        self.was_cut = False
        self._endable = contextlib.ExitStack()
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        """From now on this many seconds."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._end = time.monotonic() + seconds
            self._timer = threading.Timer(seconds, self._cut)
            self._timer.daemon = True
            self._timer.start()

    def left(self) -> float:
        """Seconds until the end, at least a little."""
        return max(self._end - time.monotonic(), 0.05)

    def watch(self, connection: socket.socket) -> None:
        """Cut this one too. A socket that was wrapped in TLS is another one than before."""
        with self._lock:
            self._sockets = [one for one in self._sockets if one.fileno() != -1] + [connection]
        if self.was_cut:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.was_cut = True
            for one in self._sockets:
                # shutdown() wakes whoever reads, close() would not. Not the TLS socket's own method,
                # which forgets the session while the reader uses it.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)

    def __enter__(self) -> Deadline:
        self._endable.enter_context(ending.endable(self._cut))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._endable.close()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._sockets = []


def open_socket(server: Server, deadline: Deadline) -> socket.socket:
    """A connection to the server, in TLS where it begins so. Raises OSError, and PrivateAddress before
    anything is sent to an address we may not call."""
    plain = socket.create_connection((server.host, server.port), min(_CONNECT_S, deadline.left()))
    try:
        peer = str(plain.getpeername()[0])
        if not may_call(peer):
            raise PrivateAddress(peer)
        deadline.watch(plain)
        plain.settimeout(deadline.left())
        if server.security != "tls":
            return plain
        wrapped = context(server.certificates).wrap_socket(plain, server_hostname=server.host)
    except BaseException:
        plain.close()
        raise
    deadline.watch(wrapped)
    return wrapped


@functools.lru_cache(maxsize=64)
def context(certificates: str = "") -> ssl.SSLContext:
    """TLS with checked certificates. Reading the store takes a while, so it is done once."""
    found = ssl.create_default_context()
    if certificates:
        try:
            found.load_verify_locations(cadata=certificates)
        except (ssl.SSLError, ValueError) as error:
            raise Refused(
                _("The trusted certificate cannot be read: it must be in PEM form, BEGIN line and all.")
            ) from error
    return found


@contextlib.contextmanager
def explained(server: Server, deadline: Deadline) -> Iterator[None]:
    """Connection trouble inside becomes one of the three errors, in words for people.

    None of it is in doubt: what may have been sent is told by whoever sends.
    """
    host = server.host
    try:
        yield
    except NetworkError:
        raise
    except PrivateAddress as error:
        raise Refused(
            _("The address of %(host)s is on a private network. Rapport does not call those.")
            % {"host": host}
        ) from error
    except socket.gaierror as error:
        raise TryAgain(_("The server name %(host)s is not known.") % {"host": host}) from error
    except ssl.SSLCertVerificationError as error:
        raise TryAgain(
            _("The certificate of %(host)s is not trusted: %(reason)s.")
            % {"host": host, "reason": one_line(error.verify_message)}
        ) from error
    except (TimeoutError, smtplib.SMTPServerDisconnected) as error:
        raise TryAgain(_("The mail server %(host)s does not answer.") % {"host": host}) from error
    except ssl.SSLError as error:
        if deadline.was_cut:
            raise TryAgain(_("The mail server %(host)s takes too long.") % {"host": host}) from error
        raise TryAgain(
            _("No encrypted connection to %(host)s: is the port the right one for this kind of encryption?")
            % {"host": host}
        ) from error
    except ConnectionRefusedError as error:
        raise TryAgain(
            _("Nothing answers at %(host)s, port %(port)d.") % {"host": host, "port": server.port}
        ) from error
    except UnicodeError as error:
        raise Refused(_("The server name %(host)s cannot be used.") % {"host": host}) from error
    except OSError as error:
        raise TryAgain(_("The mail server %(host)s cannot be reached.") % {"host": host}) from error


def one_line(value: object) -> str:
    """What a server said, fit to show: one line, printable, not long."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = "".join(one if one.isprintable() else " " for one in text[: _REASON * 4])
    return " ".join(text.split())[:_REASON]
