"""Reddit's own login: a code, an access token that lives a day, and a refresh token that stays.

https://github.com/reddit-archive/reddit/wiki/OAuth2
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import Account, Authorization, Granted, Renewed
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.reddit.api import API, SITE, address, explain, setting, user_agent

SCOPES = ("edit", "history", "identity", "modmail", "privatemessages", "read", "submit")


def begin(values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
    client_id = str(values.get("client_id") or "").strip()
    if not client_id:
        raise Refused(_("Fill in the app's id first."))
    query = urlencode(
        {
            "client_id": client_id,
            "response_type": "code",
            "state": state,
            "redirect_uri": redirect_uri,
            "duration": "permanent",
            "scope": " ".join(SCOPES),
        }
    )
    return Authorization(url=f"{address(values, SITE)}/api/v1/authorize?{query}")


def finish(values: Mapping[str, Any], *, query: Mapping[str, str], redirect_uri: str) -> Sequence[Granted]:
    if query.get("error") or not query.get("code"):
        raise Refused(
            _("Reddit did not let us in: %(reason)s") % {"reason": query.get("error", "")[:200] or "?"}
        )
    form = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": redirect_uri}
    found = _token(values, form)
    headers = {"Authorization": f"Bearer {found['access_token']}", "User-Agent": _agent(values)}
    me = Api(address(values, API), headers=headers, explain=explain).json("GET", "api/v1/me")
    try:
        label = f"u/{me['name']}"
    except (KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    return [Granted(label=label, credentials=found)]


def app_only(values: Mapping[str, Any]) -> tuple[str, float]:
    """A token of the app itself, for what everybody may read, and the seconds it lives.

    https://github.com/reddit-archive/reddit/wiki/OAuth2#application-only-oauth. Raises Refused for a wrong pair.
    """
    try:
        found = _token(values, {"grant_type": "client_credentials"})
    except CredentialsGone as error:
        raise Refused(
            _("Reddit does not accept the app's id and secret. Copy them again from its page of apps.")
        ) from error
    until = datetime.fromisoformat(found["expires_at"])
    return found["access_token"], (until - datetime.now(UTC)).total_seconds()


def renew(account: Account) -> Renewed | None:
    refresh_token = setting(account, "refresh_token")
    if not refresh_token:
        return None
    names = ("api_url", "client_id", "client_secret", "username")
    values = {name: setting(account, name) for name in names}
    found = _token(values, {"grant_type": "refresh_token", "refresh_token": refresh_token})
    credentials = {**account.credentials, **found}
    return Renewed(credentials=credentials, expires_at=expires_at(credentials))


def expires_at(credentials: Mapping[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(credentials.get("expires_at") or ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _agent(values: Mapping[str, Any]) -> str:
    return user_agent(str(values.get("client_id") or ""), str(values.get("username") or ""))


def _token(values: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    pair = f"{values.get('client_id') or ''}:{values.get('client_secret') or ''}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "User-Agent": _agent(values),
    }
    api = Api(address(values, SITE), headers=headers, explain=_explain)
    found = api.json("POST", "api/v1/access_token", form=form)
    try:
        if found.get("error"):  # also with status 200
            raise CredentialsGone(_refusal(str(found["error"])))
        credentials = {"access_token": str(found["access_token"])}
        if found.get("refresh_token"):
            credentials["refresh_token"] = str(found["refresh_token"])
        seconds = min(int(found.get("expires_in") or 3600), 10**8)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    credentials["expires_at"] = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    return credentials


def _explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    if response.status_code in {400, 401, 403}:
        return CredentialsGone(_refusal(str(response.status_code)))
    return None


def _refusal(reason: str) -> str:
    return _("Reddit does not accept the login any more (%(reason)s). Connect the channel again.") % {
        "reason": reason[:100]
    }
