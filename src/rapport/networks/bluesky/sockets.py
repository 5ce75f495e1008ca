"""A WebSocket to a network, opened safely: the address is looked at before anything is said."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from rapport.networks.errors import Refused, TryAgain
from rapport.networks.http import may_call

OPEN_S = 10.0


@contextlib.contextmanager
def opened(url: str, *, longest: int) -> Iterator[ClientConnection]:
    """A connection, closed at the end. ``longest``: bytes of a message, above which it is cut.

    Raises Refused for an address that cannot be, and TryAgain when nobody answers there.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "wss" else 80)
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme not in {"ws", "wss"}:
        raise Refused(_("The stream's address must begin with wss://."))
    try:
        wire = socket.create_connection((host, port), timeout=OPEN_S)
    except OSError as error:
        raise TryAgain(_("The network cannot be reached.")) from error
    with contextlib.ExitStack() as stack:
        stack.callback(wire.close)
        if not may_call(str(wire.getpeername()[0])):
            raise Refused(
                _("The address %(host)s is on a private network. Rapport does not call those.")
                % {"host": host}
            )
        try:
            connection = connect(
                url, sock=wire, open_timeout=OPEN_S, close_timeout=0.5, max_size=longest, proxy=None
            )
        except InvalidStatus as error:
            raise TryAgain(
                _("The network answered with status %(status)d.") % {"status": error.response.status_code}
            ) from error
        except (WebSocketException, OSError, ValueError) as error:
            raise TryAgain(_("The network cannot be reached.")) from error
        stack.enter_context(connection)
        yield connection
