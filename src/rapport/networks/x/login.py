"""X's own login: OAuth 2.0 with PKCE, and tokens that live two hours and are exchanged for new ones.

https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token. A refresh token works once:
the answer brings the next one.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import Account, Authorization, Granted, Renewed
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.x.api import base_url, explain, login_url, reason_of, setting

SCOPES = (
    "tweet.read",
    "tweet.write",
    "users.read",
    "dm.read",
    "dm.write",
    "media.write",
    "offline.access",
)


def begin(values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
    """The page on which the account's owner lets our app in."""
    client_id = str(values.get("client_id") or "").strip()
    if not client_id:
        raise Refused(_("Fill in the app's Client ID first."))
    verifier = secrets.token_urlsafe(64)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(SCOPES),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    return Authorization(url=f"{login_url(base_url(values))}?{query}", keep={"verifier": verifier})


def finish(
    values: Mapping[str, Any], *, keep: Mapping[str, Any], query: Mapping[str, str], redirect_uri: str
) -> Sequence[Granted]:
    """Exchange the code, which lives 30 seconds, for tokens, and see whose they are."""
    if query.get("error") or not query.get("code"):
        raise Refused(_("X did not let us in: %(reason)s") % {"reason": query.get("error", "")[:200] or "?"})
    api_url = base_url(values)
    found = _token(
        api_url,
        client_id=str(values.get("client_id") or ""),
        client_secret=str(values.get("client_secret") or ""),
        form={
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": redirect_uri,
            "code_verifier": str(keep.get("verifier", "")),
        },
    )
    api = Api(api_url, headers={"Authorization": f"Bearer {found['access_token']}"}, explain=explain)
    me = api.json("GET", "2/users/me")
    try:
        label = f"@{me['data']['username']}"
    except (KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    return [Granted(label=label, credentials=found)]


def renew(account: Account) -> Renewed | None:
    """The next pair of tokens; None for a channel that has only an access token."""
    refresh_token = setting(account, "refresh_token")
    if not refresh_token:
        return None
    found = _token(
        base_url(account),
        client_id=setting(account, "client_id"),
        client_secret=setting(account, "client_secret"),
        form={"grant_type": "refresh_token", "refresh_token": refresh_token},
    )
    # An answer without a new refresh token leaves the old one in use.
    credentials = {**account.credentials, **found}
    return Renewed(credentials=credentials, expires_at=expires_at(credentials))


def expires_at(credentials: Mapping[str, Any]) -> datetime | None:
    """When the access token ends, as far as it is known."""
    try:
        found = datetime.fromisoformat(str(credentials.get("expires_at") or ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _token(api_url: str, *, client_id: str, client_secret: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Credentials from the token endpoint: ``access_token``, ``refresh_token``, ``expires_at``."""
    headers = {}
    if client_secret:  # a confidential client says who it is in the header, a public one in the form
        pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    found = Api(api_url, headers=headers, explain=_explain).json(
        "POST", "2/oauth2/token", form={**form, "client_id": client_id}, writes=True
    )
    try:
        credentials = {"access_token": str(found["access_token"])}
        if found.get("refresh_token"):
            credentials["refresh_token"] = str(found["refresh_token"])
        seconds = min(int(found.get("expires_in") or 7200), 10**8)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error
    credentials["expires_at"] = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    return credentials


def _explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    # A used or withdrawn refresh token is a 400 invalid_request, a wrong app a 401 or 403.
    if response.status_code in {400, 401, 403}:
        return CredentialsGone(
            _("X does not accept the login any more: %(reason)s Connect the channel again.")
            % {"reason": reason_of(response)}
        )
    return None
