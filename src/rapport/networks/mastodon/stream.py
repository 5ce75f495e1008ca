"""What happens, as it happens: by WebSocket, or by server-sent events where that is not to be had.

https://docs.joinmastodon.org/methods/streaming/. The token travels in a header, never in the address, which
proxies write into their logs. What a stream misses, polling finds; its events have the same keys.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.utils.translation import gettext as _
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from rapport.networks import lines
from rapport.networks.base import Account, Polled, RawItem
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.http import may_call
from rapport.networks.mastodon import items
from rapport.networks.mastodon.api import Mastodon

# How often the caller is heard, at the latest.
BREATH_S = 1.0
CONNECT_S = 10.0
# Servers say something at least every 30 seconds (a heartbeat or a ping).
SILENT_S = 90.0
MAX_EVENT = 2_000_000
_PATH = "/api/v1/streaming"


class NoStream(Refused):
    """This way of streaming is not to be had on the server."""


def stream(
    api: Mastodon, account: Account, cursor: Mapping[str, Any], stop: Callable[[], bool]
) -> Iterator[Polled]:
    """Events until ``stop()`` or the end of the connection. The cursor is the poll's and is given back as it is."""
    address = str(account.settings.get("streaming", "") or "")
    if not address:
        raise Refused(_("This server has no stream; it is asked from time to time instead."))
    try:
        yield from _by_websocket(api, account, address, cursor, stop)
    except NoStream:
        yield from _by_events(api, account, address, cursor, stop)


def item_of(event: str, payload: Any, account: Account, *, now: datetime) -> RawItem | None:
    """The raw event in one event of the stream; None for what is not for a desk.

    ``payload`` is the event's text: JSON, or an id for ``delete``. The home timeline comes along, of which only
    our own posts and what is said to us matter.
    """
    if event == "delete":
        return items.deleted(payload, at=now) if isinstance(payload, str) and payload else None
    if event not in {"notification", "update", "status.update", "conversation"}:
        return None
    try:
        found = json.loads(payload) if isinstance(payload, str) else payload
    except (ValueError, RecursionError):
        return RawItem(kind=f"stream.{event}", payload=payload)
    if event == "notification":
        return items.from_notification(found)
    status = items.field(found, "last_status") if event == "conversation" else found
    ours = items.author_id(status) == account.external_id
    return items.from_status(status) if ours or items.said_to(status, account.external_id) else None


def _by_websocket(
    api: Mastodon, account: Account, address: str, cursor: Mapping[str, Any], stop: Callable[[], bool]
) -> Iterator[Polled]:
    url = _address(api, address, {"https": "wss", "http": "ws"}) + f"{_PATH}?stream=user"
    with ExitStack() as opened:
        connection = _connected(opened, url, api.token)
        silent = 0.0
        yield Polled(items=[], cursor=dict(cursor))
        while not stop():
            try:
                said = connection.recv(timeout=BREATH_S)
                silent = 0.0
            except TimeoutError:
                silent += BREATH_S
                # The library answers pings itself; a server that is gone without a word is asked for one.
                if silent >= SILENT_S and not connection.ping().wait(BREATH_S):
                    raise TryAgain(_("The stream fell silent.")) from None
                yield Polled(items=[], cursor=dict(cursor))
                continue
            except ConnectionClosed:
                return
            yield Polled(items=_items(_decoded(said), account), cursor=dict(cursor))


def _connected(opened: ExitStack, url: str, token: str) -> ClientConnection:
    """A WebSocket to an address that was checked before anything was sent. It follows no redirect."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    no_websocket = _("The server has no stream by WebSocket.")
    try:
        raw = opened.enter_context(
            closing(socket.create_connection((parts.hostname or "", port), timeout=CONNECT_S))
        )
        if not may_call(str(raw.getpeername()[0])):
            raise Refused(_("The streaming server's address is on a private network."))
        return opened.enter_context(
            connect(
                url,
                sock=raw,
                ssl=ssl.create_default_context() if parts.scheme == "wss" else None,
                additional_headers={"Authorization": f"Bearer {token}"},
                open_timeout=CONNECT_S,
                close_timeout=0.5,
                max_size=MAX_EVENT,
                ping_interval=None,
            )
        )
    except InvalidStatus as error:
        _refused(error.response.status_code)
        raise NoStream(no_websocket) from error
    except (WebSocketException, ValueError) as error:
        raise NoStream(no_websocket) from error
    except OSError as error:
        raise TryAgain(_("The network cannot be reached.")) from error


def _by_events(
    api: Mastodon, account: Account, address: str, cursor: Mapping[str, Any], stop: Callable[[], bool]
) -> Iterator[Polled]:
    url = _address(api, address, {"wss": "https", "ws": "http"}) + f"{_PATH}/user"

    headers = {"Authorization": f"Bearer {api.token}", "Accept": "text/event-stream"}
    with lines.opened(
        url, headers=headers, silent_s=SILENT_S, longest=MAX_EVENT, check=_check_events
    ) as opened:  # fmt: skip
        if not opened.wait(stop):
            return
        reader = _Events()
        found = opened.next(within_s=0)
        yield Polled(items=[], cursor=dict(cursor))
        while found is not None and not stop():
            said = [event for line in found if (event := reader.take(line)) is not None]
            yield Polled(items=[item for one in said for item in _items(one, account)], cursor=dict(cursor))
            found = opened.next(within_s=BREATH_S)


def _check_events(response: httpx.Response) -> None:
    _refused(response.status_code)
    kind = response.headers.get("Content-Type", "")
    if response.status_code != 200 or not kind.startswith("text/event-stream"):
        raise NoStream(_("This server has no stream; it is asked from time to time instead."))


class _Events:
    """Puts the events of an event stream together (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    def __init__(self) -> None:
        self._event, self._data = "", ""

    def take(self, line: str) -> dict[str, Any] | None:
        """The event that ends with ``line``; a line that begins with a colon is a heartbeat."""
        if line.startswith("event:"):
            self._event = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            self._data += line.removeprefix("data:").strip()
            if len(self._data) > MAX_EVENT:
                raise TryAgain(_("The stream sent more than an event can be."))
        elif not line and self._event:
            found = {"event": self._event, "payload": self._data}
            self._event, self._data = "", ""
            return found
        return None


def _items(said: Any, account: Account) -> list[RawItem]:
    event = items.field(said, "event")
    item = (
        item_of(str(event), items.field(said, "payload"), account, now=datetime.now(UTC)) if event else None
    )
    return [item] if item is not None else []


def _decoded(said: str | bytes) -> Any:
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def _address(api: Mastodon, address: str, schemes: Mapping[str, str]) -> str:
    """The streaming server's address with another scheme; never less safe than the server's own."""
    scheme, _colon, rest = address.partition("://")
    scheme = schemes.get(scheme, scheme)
    if api.server.startswith("https://"):
        scheme = {"ws": "wss", "http": "https"}.get(scheme, scheme)
    return f"{scheme}://{rest.rstrip('/').removesuffix(_PATH)}"


def _refused(status: int) -> None:
    if status in {401, 403}:
        raise CredentialsGone(_("The server does not accept the token for its stream."))
    if status == 429 or status >= 500:
        raise TryAgain(_("The network answered with status %(status)d.") % {"status": status})
