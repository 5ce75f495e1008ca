"""The Graph API with one token: signed calls, pages of results, limits noted.

https://developers.facebook.com/docs/graph-api/overview
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import Account, SeenLimit
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.meta import limits
from rapport.networks.meta.errors import TooMuch, explain

# Out since 18 February 2026, served until 29 July 2028.
# https://developers.facebook.com/docs/graph-api/changelog/versions
API_VERSION = "v25.0"
GRAPH_URL = "https://graph.facebook.com"
LOGIN_URL = "https://www.facebook.com"
_NODE = re.compile(r"[0-9]+(_[0-9]+)*")


def setting(account: Account, name: str) -> str:
    """A value of the connecting page: secrets are credentials, the others settings."""
    return str(account.credentials.get(name) or account.settings.get(name) or "").strip()


def node(external_id: str | None) -> str:
    """An object's id, fit for an address. Raises Refused for what Meta's ids never look like."""
    if not external_id or not _NODE.fullmatch(external_id):
        raise Refused(_("This message cannot be addressed on Meta: its id has an unknown form."))
    return external_id


def stamp(at: datetime) -> str:
    """A moment for a cursor or a parameter."""
    return at.isoformat(timespec="seconds")


@contextmanager
def reading(*, writes: bool = False) -> Iterator[None]:
    """An answer of another shape than documented is a fault of the moment, not of the channel."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise TryAgain(_("Meta's answer could not be read."), doubt=writes) from error


class Graph:
    """Calls with one access token. Raises the three errors; ``seen`` gets the limits that answers told.

    The token goes in a header, never in an address, because addresses end up in logs.
    """

    def __init__(self, *, url: str, token: str, app_secret: str, seen: list[SeenLimit] | None = None) -> None:
        self._seen = seen
        self._most: dict[str, int] = {}  # how many things of an edge Meta is able to give at once
        self.usage = 0.0  # percent of the tightest budget, as the last answers told
        self._proof = (
            hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest() if app_secret else ""
        )
        self._api = Api(
            f"{url.rstrip('/')}/{API_VERSION}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            explain=explain,
            watch=self._watch,
        )

    @classmethod
    def of(cls, account: Account, *, seen: list[SeenLimit] | None = None) -> Graph:
        """For a channel. Raises CredentialsGone when it has no token."""
        token, secret = setting(account, "access_token"), setting(account, "app_secret")
        if not token or not secret:
            raise CredentialsGone(_("The channel has no access token or no app secret. Connect it again."))
        return cls(url=setting(account, "graph_url") or GRAPH_URL, token=token, app_secret=secret, seen=seen)

    def get(self, path: str, **params: Any) -> Mapping[str, Any]:
        """An object, or one answer of an edge: of ``limit`` things, or fewer where Meta cannot give so many."""
        edge = path.rpartition("/")[2]
        while True:
            if "limit" in params:
                params["limit"] = min(int(params["limit"]), self._most.get(edge, 100))
            try:
                return self._object(self._api.json("GET", path, params=self._signed(params)))
            except TooMuch:
                if params.get("limit", 1) <= 1:
                    raise
                self._most[edge] = params["limit"] // 2

    def post(
        self,
        path: str,
        *,
        form: Mapping[str, Any] | None = None,
        json_body: Mapping[str, Any] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        writes: bool = True,
    ) -> Mapping[str, Any]:
        """``writes`` False: repeating the call does no harm, so a broken one leaves no doubt."""
        found = self._api.json(
            "POST", path, params=self._signed({}), form=form, json_body=json_body, files=files, writes=writes
        )
        return self._object(found, writes=writes)

    def delete(self, path: str) -> None:
        self._api.call("DELETE", path, params=self._signed({}))

    def pages(self, path: str, *, most: int, **params: Any) -> Iterator[Mapping[str, Any]]:
        """An edge's answers, at most ``most`` of them; further parameters come from the answer before."""
        for _count in range(most):
            page = self.get(path, **params)
            yield page
            following = following_page(page)
            if following is None:
                return
            params = {**params, **following}

    def _signed(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {**params, **({"appsecret_proof": self._proof} if self._proof else {})}

    def _watch(self, response: httpx.Response) -> None:
        self.usage = max(self.usage, limits.busiest(response))
        if self._seen is not None and (told := limits.seen_limits(response)):
            self._seen[:] = told

    @staticmethod
    def _object(found: Any, *, writes: bool = False) -> Mapping[str, Any]:
        if not isinstance(found, Mapping):
            raise TryAgain(_("Meta's answer could not be read."), doubt=writes)
        return found


def following_page(page: Mapping[str, Any]) -> dict[str, str] | None:
    """The parameters that bring the page after ``page``; None after the last.

    Some edges have cursors, some count by time; the address of the next page has whatever it takes.
    https://developers.facebook.com/docs/graph-api/results
    """
    paging = page.get("paging")
    address = paging.get("next") if isinstance(paging, Mapping) else None
    if not isinstance(address, str):
        return None
    try:
        found = parse_qsl(urlsplit(address).query, max_num_fields=50)
    except ValueError:
        return None
    wanted = {name: value for name, value in found if name in {"after", "until", "__paging_token", "offset"}}
    return wanted or None


def new_id(answer: Mapping[str, Any], key: str = "id") -> str:
    """The id of what was just made. Raises TryAgain with doubt when the answer has none."""
    found = answer.get(key)
    if not isinstance(found, (str, int)) or isinstance(found, bool) or not str(found):
        raise TryAgain(_("Meta's answer could not be read."), doubt=True)
    return str(found)


def encoded(value: Mapping[str, Any]) -> str:
    """An object as a form's field takes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
