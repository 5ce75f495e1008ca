"""The network's own login: https://docs.joinmastodon.org/methods/oauth/ and …/methods/apps/.

Every server is its own authority, so Rapport registers itself as an application each time a login begins.
Tokens do not end until somebody takes them back.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from rapport.networks.base import Authorization, Granted
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.mastodon import profile
from rapport.networks.mastodon.api import Mastodon, NotThere, listed, mapping, normalised
from rapport.networks.mastodon.items import field

SCOPES = "read write:statuses write:media write:accounts"
# Takahē changes profiles only for the broad right.
_BROAD = "read write"
_METADATA = "/.well-known/oauth-authorization-server"


def begin(values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
    """Register the application, and where to send the browser.

    Keeps the application's secret and, where the server says that it knows PKCE (RFC 7636; Mastodon since
    4.3), the verifier.
    """
    server = normalised(str(values.get("server", "")))
    api = Mastodon(server)
    scopes = _BROAD if _is_takahe(api) else SCOPES
    form = {"client_name": "Rapport", "redirect_uris": redirect_uri, "scopes": scopes}
    app = mapping(api.write("POST", "/api/v1/apps", form))
    client_id, client_secret = app.get("client_id"), app.get("client_secret")
    if not isinstance(client_id, str) or not isinstance(client_secret, str):
        raise TryAgain(_("The network's answer could not be read."))
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scopes,
        "state": state,
    }
    keep = {"server": server, "client_id": client_id, "client_secret": client_secret, "scopes": scopes}
    if _knows_pkce(api):
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        query["code_challenge"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        query["code_challenge_method"] = "S256"
        keep["verifier"] = verifier
    return Authorization(url=f"{server}/oauth/authorize?{urlencode(query)}", keep=keep)


def finish(
    values: Mapping[str, Any], *, keep: Mapping[str, Any], query: Mapping[str, str], redirect_uri: str
) -> Sequence[Granted]:
    """Trade the code for a token, and see whose account it is."""
    code = query.get("code", "")
    if not code:
        raise Refused(
            _("You did not allow it on your server.")
            if query.get("error") == "access_denied"
            else _("The server sent you back without a permission.")
        )
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": keep["client_id"],
        "client_secret": keep["client_secret"],
        "redirect_uri": redirect_uri,
        "scope": keep["scopes"],
    }
    if "verifier" in keep:
        form["code_verifier"] = keep["verifier"]
    server = str(keep["server"])
    try:
        answer = mapping(Mastodon(server).call("POST", "/oauth/token", form=form).json())
    except CredentialsGone as error:
        raise Refused(str(error)) from error
    except ValueError as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise TryAgain(_("The network's answer could not be read."))
    found = profile.check(Mastodon(server, token), {"server": server})
    settings = {
        name: values[name] for name in ("hashtags", "timeline") if values.get(name) not in (None, "", [])
    }
    return [
        Granted(
            label=f"@{found.handle}",
            credentials={
                "token": token,
                "client_id": keep["client_id"],
                "client_secret": keep["client_secret"],
            },
            settings={**settings, "server": server, **found.settings},
        )
    ]


def _is_takahe(api: Mastodon) -> bool:
    """Asked of version 1, which every server answers; also the proof that there is such a server."""
    try:
        instance = api.get("/api/v1/instance")
    except NotThere as error:
        raise Refused(_("No server at this address speaks Mastodon's language.")) from error
    return str(field(instance, "version") or "").startswith("takahe")


def _knows_pkce(api: Mastodon) -> bool:
    try:
        return "S256" in listed(field(api.get(_METADATA), "code_challenge_methods_supported"))
    except (Refused, CredentialsGone, TryAgain):
        return False
