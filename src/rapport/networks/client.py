"""A network's HTTP API, called safely: every way a call can end becomes an answer or one of the three errors.

Connectors say what is peculiar to their network (how it words a reason, which status means that the
credentials are gone, where it tells its limits); what is the same everywhere is here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx
from django.utils.translation import gettext as _

from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.http import DEADLINE_S, MAX_BYTES, PrivateAddress, request

LONGEST_WAIT = timedelta(hours=24)
_REASON = 300


class Explain(Protocol):
    """A network's own reading of a refusal (status 300 or more): the error to raise, or None for the usual one."""

    def __call__(self, response: httpx.Response, *, writes: bool) -> NetworkError | None: ...


def no_explanation(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    """The usual reading is right."""
    return None


class Api:
    """Calls under one base address with the same headers.

    ``explain`` reads refusals; ``watch`` is told every answer, for limits in its headers.
    ``private_ok``: the address is our own choice, so it may be on this machine or its network.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        explain: Explain = no_explanation,
        watch: Callable[[httpx.Response], None] | None = None,
        private_ok: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers or {})
        self._explain = explain
        self._watch = watch
        self._private_ok = private_ok

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        json_body: Any = None,
        form: Mapping[str, Any] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        writes: bool = False,
        accept: Sequence[int] = (),
        deadline_s: float = DEADLINE_S,
        max_bytes: int = MAX_BYTES,
    ) -> httpx.Response:
        """The answer of a call that worked (status below 300, or one in ``accept``).

        ``path`` is joined to the base address unless it is an address itself. ``writes``: something may
        have been done when the call breaks, which is told as ``TryAgain(doubt=True)``. Raises the three
        errors and nothing else.
        """
        url = path if path.startswith(("https://", "http://")) else f"{self.base_url}/{path.lstrip('/')}"
        body, kind = _body(json_body, form, files, content)
        given = {**self._headers, **({"Content-Type": kind} if kind else {}), **(headers or {})}
        try:
            response = request(
                method, url, params=params, content=body, headers=given, private_ok=self._private_ok,
                deadline_s=deadline_s, max_bytes=max_bytes,
            )  # fmt: skip
        except PrivateAddress as error:
            raise Refused(
                _("The address %(host)s is on a private network. Rapport does not call those.")
                % {"host": error.host}
            ) from error
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, ValueError) as error:
            raise Refused(_("The channel's address or token cannot be used.")) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            # Nothing was sent, so nothing can have been done.
            raise TryAgain(_("The network cannot be reached.")) from error
        except httpx.TransportError as error:
            raise TryAgain(_("The connection broke before the network answered."), doubt=writes) from error
        except httpx.HTTPError as error:
            raise TryAgain(_("The network's answer could not be read."), doubt=writes) from error
        if self._watch is not None:
            self._watch(response)
        if response.status_code < 300 or response.status_code in accept:
            return response
        raise self._explain(response, writes=writes) or usual(response, writes=writes)

    def json(self, method: str, path: str, *, writes: bool = False, **more: Any) -> Any:
        """:meth:`call`, and the answer's JSON. An empty answer is None."""
        return decoded(self.call(method, path, writes=writes, **more), writes=writes)


def decoded(response: httpx.Response, *, writes: bool = False) -> Any:
    """An answer's JSON, None for an empty one. Raises TryAgain when it is something else."""
    if not response.content:
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=writes) from error


def usual(response: httpx.Response, *, writes: bool, reason: str = "") -> NetworkError:
    """What a status means where a network says nothing else.

    401: the credentials are gone. 429, 408, 425 and 5xx: later. Everything else, redirects too, is refused.
    """
    status = response.status_code
    reason = (reason or _("The network answered with status %(status)d.") % {"status": status})[:_REASON]
    if status == 401:
        return CredentialsGone(reason)
    if status == 429:  # refused before anything was done, so there is no doubt
        return TryAgain(reason, after=retry_after(response))
    if status in {408, 425} or status >= 500:
        return TryAgain(reason, after=retry_after(response), doubt=writes)
    return Refused(reason)


def retry_after(response: httpx.Response) -> timedelta | None:
    """The wait a ``Retry-After`` header asks for, in seconds or as a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return min(timedelta(seconds=min(int(value), 10**8)), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max(at - datetime.now(UTC), timedelta(0)), LONGEST_WAIT)


def _body(
    json_body: Any,
    form: Mapping[str, Any] | None,
    files: Mapping[str, tuple[str, bytes, str]] | None,
    content: bytes | None,
) -> tuple[bytes | None, str]:
    if json_body is not None:
        return json.dumps(json_body).encode(), "application/json"
    if form is None and files is None:
        return content, ""
    built = httpx.Request("POST", "http://x.invalid", data=dict(form or {}), files=files or None)
    return built.read(), built.headers.get("content-type", "")
