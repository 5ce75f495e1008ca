"""Facebook Login for Business: from the admin's yes to tokens of pages, and what a token may do.

https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from rapport.networks.base import Authorization
from rapport.networks.client import Api, decoded
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.meta.errors import explain
from rapport.networks.meta.graph import API_VERSION, GRAPH_URL, LOGIN_URL, Graph, reading
from rapport.networks.meta.values import data, moment, optional_mapping, text

_MOST_PAGES = 40  # answers of 100 pages each


@dataclass(frozen=True, slots=True)
class Token:
    """What Meta says of a token. ``scopes``: permissions; ``kind``: ``PAGE``, ``USER``, ``SYSTEM_USER``."""

    kind: str
    scopes: frozenset[str]
    expires_at: datetime | None
    data_until: datetime | None


def begin(
    values: Mapping[str, Any], *, redirect_uri: str, state: str, scopes: Sequence[str]
) -> Authorization:
    """Where the admin says yes. ``values`` needs ``app_id`` and ``app_secret``."""
    app_id = _needed(values, "app_id")
    query = {
        "client_id": app_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "scope": ",".join(scopes),
        "response_type": "code",
    }
    own = str(values.get("graph_url") or "").rstrip("/")
    base = LOGIN_URL if own in {"", GRAPH_URL} else own
    return Authorization(url=f"{base}/{API_VERSION}/dialog/oauth?{urlencode(query)}")


def pages(
    values: Mapping[str, Any], *, query: Mapping[str, str], redirect_uri: str, fields: str
) -> Iterator[Mapping[str, Any]]:
    """The pages that the admin let us use, each with its ``access_token``, which does not expire.

    Raises Refused when they said no.
    """
    if query.get("error") or not query.get("code"):
        raise Refused(_("Facebook says that access was not granted."))
    app_id, secret = _needed(values, "app_id"), _needed(values, "app_secret")
    url = str(values.get("graph_url") or GRAPH_URL).rstrip("/")
    app = {"client_id": app_id, "client_secret": secret}
    short = _token(url, {**app, "redirect_uri": redirect_uri, "code": query["code"]})
    # Page tokens made from a long-lived token last until somebody takes them back.
    long = _token(url, {**app, "grant_type": "fb_exchange_token", "fb_exchange_token": short})
    graph = Graph(url=url, token=long, app_secret=secret)
    with reading():
        for page in graph.pages("me/accounts", most=_MOST_PAGES, fields=fields, limit=100):
            yield from (one for one in data(page) if text(one, "access_token"))


def inspect(*, url: str, token: str, app_id: str, app_secret: str) -> Token:
    """What a token may do, asked in the app's name. Raises CredentialsGone for one that is not good.

    https://developers.facebook.com/docs/graph-api/reference/debug_token
    """
    api = Api(f"{url.rstrip('/')}/{API_VERSION}", explain=explain)
    answer = decoded(
        api.call(
            "GET",
            "debug_token",
            params={"input_token": token},
            headers={"Authorization": f"Bearer {app_id}|{app_secret}"},
        )
    )
    with reading():
        found = optional_mapping(optional_mapping(answer).get("data"))
        if found.get("is_valid") is not True:
            raise CredentialsGone(
                _("Meta says that the access token is not valid. Connect the channel again.")
            )
        if text(found, "app_id") != app_id:
            raise Refused(_("The access token belongs to another app than the app ID given here."))
        scopes = found.get("scopes")
        return Token(
            kind=text(found, "type").upper(),
            scopes=frozenset(one for one in scopes if isinstance(one, str))
            if isinstance(scopes, list)
            else frozenset(),
            expires_at=moment(found["expires_at"]) if found.get("expires_at") else None,
            data_until=moment(found["data_access_expires_at"])
            if found.get("data_access_expires_at")
            else None,
        )


def _token(url: str, params: Mapping[str, str]) -> str:
    answer = decoded(
        Api(f"{url}/{API_VERSION}", explain=explain).call("GET", "oauth/access_token", params=params)
    )
    found = optional_mapping(answer).get("access_token")
    if not isinstance(found, str) or not found:
        raise TryAgain(_("Meta's answer could not be read."))
    return found


def _needed(values: Mapping[str, Any], name: str) -> str:
    found = str(values.get(name) or "").strip()
    if not found:
        raise Refused(_("The app ID and the app secret are needed first."))
    return found
