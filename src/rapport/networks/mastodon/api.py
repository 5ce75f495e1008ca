"""Calls to one server's API: its refusals explained, its limits watched, its pages turned.

Errors: https://docs.joinmastodon.org/entities/Error/. Rate limits: https://docs.joinmastodon.org/api/rate-limits/.
Pages: https://docs.joinmastodon.org/api/guidelines/#pagination.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import Account, SeenLimit
from rapport.networks.client import LONGEST_WAIT, Api, decoded, retry_after, usual
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.http import DEADLINE_S

# Words in which servers say that a token may not do this. They come in the asked language.
_LOGIN_WORDS = ("scope", "your login", "identity_token_required")
_NOT_OURS = "not the author"


class NotThere(Refused):
    """The server has no such thing, or does not show it to us any more."""


@dataclass(frozen=True)
class Page:
    """One page of a list, newest first. ``older`` and ``newer`` are to be given back as ``max_id`` and
    ``min_id``; empty where the server named none."""

    items: list[Any]
    older: str = ""
    newer: str = ""


@dataclass
class Mastodon:
    """One account on one server. Collects in ``limits`` what answers say of our budget."""

    server: str
    token: str = ""
    limits: list[SeenLimit] = field(default_factory=list)
    # The part of the budget that is left, from 0 to 1; 1 where the server has none.
    spare: float = 1.0
    # When all calls together must have ended (:func:`time.monotonic`); None: each has the usual time.
    until: float | None = None
    # How far the server's clock is ahead of ours, by its last answer.
    ahead: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        headers = {"Accept": "application/json", "Accept-Language": "en"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self._api = Api(self.server, headers=headers, explain=self._explain, watch=self._watch)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return decoded(self.call("GET", path, params=params))

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer as it is; see :meth:`~rapport.networks.client.Api.call`."""
        left = DEADLINE_S if self.until is None else min(DEADLINE_S, self.until - time.monotonic())
        if left <= 0:
            raise TryAgain(_("The server is too slow now."))
        return self._api.call(method, path, **{"deadline_s": left, **more})

    def write(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """A call that changes something. ``key``: the Idempotency-Key, kept for an hour where it is known."""
        headers = {"Idempotency-Key": key} if key else None
        return decoded(self.call(method, path, json_body=body, headers=headers, writes=True), writes=True)

    def page(self, path: str, params: Mapping[str, Any]) -> Page:
        """A page of a list. Of the addresses in its ``Link`` header only the ids are used: a server behind a
        proxy gives them with another host or scheme, and the token goes nowhere else."""
        response = self.call("GET", path, params=params)
        found = decoded(response)
        if found is None:
            found = []
        if not isinstance(found, list):
            raise TryAgain(_("The network's answer could not be read."))
        links = _links(response.headers.get("Link", ""))
        newer = links.get("prev", {}).get("min_id") or links.get("prev", {}).get("since_id") or ""
        return Page(items=found, older=links.get("next", {}).get("max_id", ""), newer=newer)

    def _watch(self, response: httpx.Response) -> None:
        headers = response.headers
        try:
            self.ahead = parsedate_to_datetime(headers.get("Date", "")) - datetime.now(UTC)
        except (ValueError, TypeError):
            self.ahead = timedelta(0)
        reset_at = self._reset(response)
        remaining, limit = headers.get("X-RateLimit-Remaining", ""), headers.get("X-RateLimit-Limit", "")
        if reset_at is None or not re.fullmatch(r"\d{1,9}", remaining):
            return
        writes = response.request.method != "GET"
        self.limits.append(
            SeenLimit(budget="write" if writes else "read", remaining=int(remaining), reset_at=reset_at)
        )
        if not writes and re.fullmatch(r"\d{1,9}", limit) and int(limit):
            self.spare = int(remaining) / int(limit)

    def _reset(self, response: httpx.Response) -> datetime | None:
        """When the budget is full again, by our clock. An ISO 8601 time, by the server's."""
        try:
            at = datetime.fromisoformat(response.headers.get("X-RateLimit-Reset", ""))
            return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - self.ahead
        except (ValueError, OverflowError):
            return None

    def _explain(self, response: httpx.Response, *, writes: bool) -> NetworkError | None:
        status = response.status_code
        reason = self._reason(response)
        said = reason.casefold()
        if status == 429:
            reset_at = self._reset(response)
            after = retry_after(response)
            if after is None and reset_at is not None:
                after = min(max(reset_at - datetime.now(UTC), timedelta(seconds=1)), LONGEST_WAIT)
            return TryAgain(reason or _("The server's rate limit is reached."), after=after)
        if status == 401 and _NOT_OURS in said:  # Takahē, of somebody else's post
            return Refused(reason)
        if status == 400 and "bearer token" in said:  # Takahē, of a token it does not know
            return CredentialsGone(reason)
        if status == 403 and any(words in said for words in _LOGIN_WORDS):
            return CredentialsGone(reason)
        if 300 <= status < 400:
            where = urlsplit(response.headers.get("Location", "")).netloc
            return Refused(
                _("The server is not at this address; it points to %(where)s.") % {"where": where or "?"}
            )
        if status in {404, 410}:
            return NotThere(reason or _("The server has no such thing."))
        return usual(response, writes=writes, reason=reason)

    def _reason(self, response: httpx.Response) -> str:
        """The server's own words, without our secret should it repeat it."""
        try:
            found = json.loads(response.content[:10_000])
        except (ValueError, RecursionError):
            # Takahē says some things in plain text; a proxy's page of HTML is no reason.
            found = {"error": "" if b"<" in response.content[:1000] else response.text[:300]}
        said = found.get("error_description") or found.get("error") if isinstance(found, dict) else ""
        said = said if isinstance(said, str) else ""
        return (said.replace(self.token, "…") if self.token else said)[:300].strip()


def api_for(account: Account) -> Mastodon:
    """The API of a channel's server. Raises CredentialsGone without an address or a token."""
    server = normalised(str(account.settings.get("server", "") or account.credentials.get("server", "")))
    token = str(account.credentials.get("token", "")).strip()
    if not token:
        raise CredentialsGone(_("The channel has no access token."))
    return Mastodon(server, token)


def normalised(typed: str) -> str:
    """The address of a server out of what a person typed: a name, an address of a page there, or a handle.

    Raises Refused when it is none. A token is sent in the clear only to this machine or its network.
    """
    typed = typed.strip()
    scheme, name = "https", typed
    if re.match(r"https?://", typed, re.IGNORECASE):
        scheme, _colon, name = typed.partition("://")
    name = re.split(r"[/?#]", name, maxsplit=1)[0].rsplit("@", 1)[-1].lower()
    if not re.fullmatch(r"(?:[\w-]+(?:\.[\w-]+)*|\[[0-9a-f:]+\])(?::\d{1,5})?", name):
        raise Refused(_("That is not the address of a server. It looks like mastodon.example."))
    host = urlsplit(f"//{name}").hostname or ""
    if scheme.lower() == "http" and not re.fullmatch(r"localhost|[\d.]+|[0-9a-f:]+", host):
        scheme = "https"
    return f"{scheme.lower()}://{name}"


def _links(header: str) -> dict[str, dict[str, str]]:
    """Query parameters of each address in a Link header (RFC 8288), by relation."""
    found: dict[str, dict[str, str]] = {}
    for address, relation in re.findall(r"<([^<>]{0,2000})>\s*;\s*rel=\"?(\w+)\"?", header[:8000]):
        try:
            query = parse_qs(urlsplit(address).query)
        except ValueError:
            continue
        found[relation] = {name: values[0] for name, values in query.items()}
    return found


def mapping(found: Any, *, writes: bool = False) -> Mapping[str, Any]:
    """An answer that must be an object. Raises TryAgain otherwise."""
    if not isinstance(found, Mapping):
        raise TryAgain(_("The network's answer could not be read."), doubt=writes)
    return found


def listed(found: Any) -> Sequence[Any]:
    """What should be a list and may be null."""
    return found if isinstance(found, list) else []
