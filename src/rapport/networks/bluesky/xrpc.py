"""Calls to the account's server (its PDS), which passes on what is for the AppView or the chat service.

https://docs.bsky.app/docs/advanced-guides/api-directory and https://atproto.com/specs/xrpc
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import Account, SeenLimit
from rapport.networks.client import LONGEST_WAIT, Api, decoded, retry_after, usual
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

CHAT = {"atproto-proxy": "did:web:api.bsky.chat#bsky_chat"}
PUT_POINTS = 2  # of the write budget, for one putRecord

_TOKEN_ERRORS = frozenset({"ExpiredToken", "InvalidToken", "invalid_token"})
_ACCOUNT_ERRORS = frozenset({"AccountTakedown", "AccountSuspended", "AccountDeactivated", "AccountNotFound"})


class Named(Refused):
    """A refusal with the network's own name for it, such as ``InvalidSwap``."""

    def __init__(self, reason: str, name: str) -> None:
        super().__init__(reason)
        self.name = name


class NotAllowed(Refused):
    """The app password was made without the right to do this."""


class NonceWanted(TryAgain):
    """The server wants its own nonce in the proof of possession; it has told it. Nothing was done."""


class Signer(Protocol):
    """How calls are authorised."""

    def headers(self, method: str, url: str) -> Mapping[str, str]: ...

    def learn(self, response: httpx.Response) -> None: ...


class Bearer:
    """A session made with an app password."""

    def __init__(self, token: str) -> None:
        self._token = token

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def learn(self, response: httpx.Response) -> None:
        """There is nothing to learn."""


class Pds:
    """The account's server. ``seen`` is told the limits that answers speak of."""

    def __init__(
        self, address: str, signer: Signer, *, did: str = "", seen: list[SeenLimit] | None = None
    ) -> None:
        self.address = address.rstrip("/")
        self.did = did
        self._signer = signer
        self._seen = seen

    def get(
        self,
        method: str,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """The answer of a query."""
        return self._asked("GET", method, params=params, headers=headers)

    def post(
        self,
        method: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        writes: bool = True,
    ) -> Mapping[str, Any]:
        """The answer of a procedure. ``writes``: breaking off leaves doubt whether it was done."""
        return self._asked("POST", method, json_body=body, headers=headers, writes=writes)

    def upload(self, content: bytes, content_type: str) -> Mapping[str, Any]:
        """A file's reference. Until a record refers to it nobody sees it, so there is no doubt to leave."""
        found = self._asked(
            "POST",
            "com.atproto.repo.uploadBlob",
            content=content,
            headers={"Content-Type": content_type},
        )
        blob = found.get("blob")
        if not isinstance(blob, Mapping):
            raise TryAgain(_("The network's answer could not be read."))
        return blob

    def _asked(
        self,
        verb: str,
        method: str,
        *,
        headers: Mapping[str, str] | None = None,
        writes: bool = False,
        **more: Any,
    ) -> Mapping[str, Any]:
        def watch(response: httpx.Response) -> None:
            self._signer.learn(response)
            if self._seen is not None:
                self._seen += seen_limit(response, write=".repo." in method and verb == "POST")

        url = f"{self.address}/xrpc/{method}"
        api = Api(self.address, explain=explain, watch=watch)
        for last in (False, True):
            signed = {**self._signer.headers(verb, url), **(headers or {})}
            try:
                response = api.call(verb, url, headers=signed, writes=writes, **more)
            except NonceWanted:
                if last:
                    raise
                continue
            found = decoded(response, writes=writes)
            if found is None:
                return {}
            if isinstance(found, Mapping):
                return found
            break
        raise TryAgain(_("The network's answer could not be read."), doubt=writes)


def bearer(account: Account, seen: list[SeenLimit] | None = None) -> Pds:
    """The server of a channel with an app password's session. Raises CredentialsGone without one."""
    token, address = account.credentials.get("access_jwt"), account.credentials.get("pds")
    if not token or not address:
        raise CredentialsGone(_("The channel has no session with Bluesky yet."))
    return Pds(str(address), Bearer(str(token)), did=account.external_id, seen=seen)


def explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    """Bluesky's refusals: ``{"error": <a name>, "message": <a sentence>}``."""
    name, reason = reason_of(response)
    status = response.status_code
    # The authorization server says so with a 400, others with a 401 (RFC 9449, 8 and 9).
    if status in {400, 401} and "use_dpop_nonce" in response.headers.get("WWW-Authenticate", "") + name:
        return NonceWanted(_("The network asks for another proof."))
    if name == "InvalidToken" and reason.startswith("Bad token "):
        return NotAllowed(
            _("The app password does not allow this: it was made without access to direct messages.")
        )
    if name == "ScopeMissingError":
        return NotAllowed(_("The login does not allow this."))
    if name == "AuthFactorTokenRequired":
        return Named(reason or name, name)
    if name in _TOKEN_ERRORS:
        return CredentialsGone(_("The session with Bluesky has ended."))
    if status in {401, 403} and name in _ACCOUNT_ERRORS:
        return CredentialsGone(reason or name)
    if status == 429:
        return TryAgain(reason or _("Too many calls."), after=retry_after(response) or until_reset(response))
    if status in {300, 400, 403, 404, 409, 413, 422}:
        return Named(
            reason or name or _("Bluesky refused it (status %(status)d).") % {"status": status}, name
        )
    return usual(response, writes=writes, reason=reason)


def reason_of(response: httpx.Response) -> tuple[str, str]:
    """The name of an error and its sentence, each "" where the answer has none."""
    with contextlib.suppress(NetworkError):
        found = decoded(response)
        if isinstance(found, Mapping):
            name, message = found.get("error"), found.get("message") or found.get("error_description")
            return (
                name[:80] if isinstance(name, str) else "",
                message[:300] if isinstance(message, str) else "",
            )
    return "", ""


def seen_limit(response: httpx.Response, *, write: bool) -> list[SeenLimit]:
    """What the ``RateLimit-*`` headers say (https://docs.bsky.app/docs/advanced-guides/rate-limits)."""
    try:
        remaining = int(response.headers["RateLimit-Remaining"])
        reset_at = datetime.fromtimestamp(int(response.headers["RateLimit-Reset"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return []
    if write:
        remaining //= PUT_POINTS
    return [SeenLimit(budget="write" if write else "read", remaining=max(remaining, 0), reset_at=reset_at)]


def until_reset(response: httpx.Response) -> timedelta | None:
    """The wait until the limit begins anew."""
    for limit in seen_limit(response, write=False):
        wait = limit.reset_at - datetime.now(UTC)
        return min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)
    return None
