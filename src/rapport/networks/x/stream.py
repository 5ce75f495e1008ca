"""Mentions and searches as they happen: X's filtered stream, one connection an app on pay per use.

https://docs.x.com/x-api/posts/filtered-stream/introduction, and for keeping it open
https://docs.x.com/x-api/fundamentals/consuming-streaming-data. Rules belong to the app, so each carries the
account's id in its tag, and of what comes only what a rule of ours asked for is taken.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import Account, Polled, RawItem
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.http import may_call
from rapport.networks.x import pages
from rapport.networks.x.api import base_url, explain, setting

BREATH_S = 2.0  # how often the caller is heard, at the latest
CONNECT_S = 10.0
SILENT_S = 30.0  # X sends a blank line at least every 20 seconds
LONGEST_LINE = 1_000_000
LONGEST_RULE = 1024
_TAKEN_WAIT = timedelta(minutes=5)
_RULES = "2/tweets/search/stream/rules"


def stream(account: Account, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
    """Posts until ``stop()`` or the end of the connection. The cursor is the poll's, given back as it is."""
    token = setting(account, "bearer_token")
    if not token:
        raise Refused(_("The channel has no Bearer token, which X's stream needs."))
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "Rapport"}
    tag = f"rapport:{account.external_id}"
    _set_rules(Api(base_url(account), headers=headers, explain=_explain), account, tag)
    reader = _Reader(f"{base_url(account)}/2/tweets/search/stream", headers, pages.POST_FIELDS)
    reader.start()
    try:
        yield Polled(items=[], cursor=dict(cursor))
        while not stop():
            line = reader.next_line()
            if line is None:
                return
            yield Polled(items=_items(line, tag), cursor=dict(cursor))
    finally:
        reader.close()


def _items(line: str, tag: str) -> list[RawItem]:
    """The post in a line, with the one it answers; nothing for a heartbeat or another channel's rule."""
    if not line.strip():
        return []
    try:
        found = json.loads(line)
        if "data" not in found:
            raise TryAgain(_("X closed the stream."))  # such as an operational disconnect
        if tag not in {str(rule.get("tag")) for rule in found.get("matching_rules") or []}:
            return []
        page = {"data": [found["data"]], "includes": found.get("includes") or {}}
        return pages.posts_of(page, now=datetime.now(UTC))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error


def wanted_rules(account: Account) -> list[str]:
    """What to ask the stream for: who names us, and the channel's searches. Too long ones are only polled."""
    lines = account.settings.get("listen") or []
    searches = [f"({query}) -from:{account.handle}" for query in lines] if isinstance(lines, list) else []
    rules = [f"@{account.handle} -is:retweet -from:{account.handle}", *searches]
    return [rule for rule in rules if len(rule) <= LONGEST_RULE]


def _set_rules(api: Api, account: Account, tag: str) -> None:
    """Add what is missing among our rules and take away what is no longer wanted; others' stay."""
    found = api.json("GET", _RULES)
    try:
        ours = {
            str(rule["value"]): str(rule["id"])
            for rule in (found or {}).get("data") or []
            if rule.get("tag") == tag
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    wanted = wanted_rules(account)
    missing = [{"value": rule, "tag": tag} for rule in wanted if rule not in ours]
    old = [rule_id for value, rule_id in ours.items() if value not in wanted]
    if missing:
        api.json("POST", _RULES, json_body={"add": missing})
    if old:
        api.json("POST", _RULES, json_body={"delete": {"ids": old}})


@dataclass
class _Reader:
    """Reads the connection in a thread of its own: a read that waits cannot be asked to stop."""

    url: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    lines: queue.Queue[str | NetworkError | None] = field(default_factory=lambda: queue.Queue(1000))
    _socket: socket.socket | None = None
    _closed: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._read, daemon=True, name="x-stream").start()

    def next_line(self) -> str | None:
        """The next line, "" when nothing came for a breath, None at the end."""
        try:
            found = self.lines.get(timeout=BREATH_S)
        except queue.Empty:
            return ""
        if isinstance(found, NetworkError):
            raise found
        return found

    def close(self) -> None:
        self._closed.set()
        if self._socket is not None:
            with suppress(OSError):  # shutdown() wakes the reader, close() would not
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        with suppress(queue.Empty):  # it may wait for room
            while True:
                self.lines.get_nowait()

    def _read(self) -> None:
        try:
            self._lines_or_error()
            self._put(None)
        except httpx.ConnectError:
            self._put(TryAgain(_("The network cannot be reached.")))
        except (httpx.HTTPError, httpx.InvalidURL):
            self._put(TryAgain(_("The stream ended.")))
        except NetworkError as error:
            self._put(error)

    def _lines_or_error(self) -> None:
        timeout = httpx.Timeout(SILENT_S, connect=CONNECT_S)
        with (
            httpx.Client(trust_env=False, timeout=timeout) as client,
            client.stream(
                "GET", self.url, params=dict(self.params), headers=dict(self.headers),
                extensions={"trace": self._trace},
            ) as response,
        ):  # fmt: skip
            if response.status_code != 200:
                response.read()
                raise _refusal(response)
            rest = ""
            for chunk in response.iter_text():
                *lines, rest = (rest + chunk).split("\n")
                for line in lines:
                    self._put(line)
                if len(rest) > LONGEST_LINE:
                    raise TryAgain(_("The stream sent more than a post can be."))
                if self._closed.is_set():
                    return

    def _put(self, line: str | NetworkError | None) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self.lines.put(line, timeout=0.5)
                return

    @staticmethod
    def _check_address(connection: Any) -> None:
        if not may_call(str(connection.get_extra_info("server_addr")[0])):
            connection.close()
            raise Refused(_("The address of the API is on a private network."))

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._check_address(info["return_value"])
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")


def _explain(response: httpx.Response, *, writes: bool) -> NetworkError:
    """What a refusal of the app's own token means: the account's login is another one, and still good."""
    error = explain(response, writes=writes)
    if isinstance(error, CredentialsGone):
        return Refused(_("X does not accept the Bearer token. Copy it again from the developer console."))
    return error or TryAgain(_("The stream ended."))


def _refusal(response: httpx.Response) -> NetworkError:
    if response.status_code == 429:
        return TryAgain(_("X allows no further stream to this app now."), after=_TAKEN_WAIT)
    return _explain(response, writes=False)
