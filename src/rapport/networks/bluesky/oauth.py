"""The network's own login: OAuth with pushed requests, PKCE and proofs of possession.

https://atproto.com/specs/oauth. A Rapport on the Internet is a confidential client: it publishes its
metadata (:mod:`.pages`) and signs for itself, and a login lasts up to two years. One on this machine only
is a public client by the rule for development, whose logins end after two weeks.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext as _

from rapport.networks.base import Account, Authorization, Granted, Renewed, SeenLimit
from rapport.networks.bluesky import identity, proofs
from rapport.networks.bluesky.reading import did, text_or_empty
from rapport.networks.bluesky.session import cleaned, service_address
from rapport.networks.bluesky.xrpc import Named, NonceWanted, Pds, explain
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, Refused, TryAgain

SCOPE = "atproto transition:generic transition:chat.bsky"
METADATA_PATH = "/bluesky/oauth-client.json"
# https://atproto.com/specs/oauth#tokens-and-session-lifetime
PUBLIC_SESSION = timedelta(days=14)
CONFIDENTIAL_SESSION = timedelta(days=730)
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def begin(values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
    """Push the request, and where to send the browser."""
    identifier = cleaned(str(values.get("identifier") or "")).removeprefix("@")
    issuer = identity.authority(service_address(str(values.get("service") or "")))
    server = identity.metadata(issuer)
    client_id, kid = client_of(redirect_uri)
    verifier, key = secrets.token_urlsafe(48), proofs.new_key()
    request = {
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "code_challenge": proofs.challenge(verifier),
        "code_challenge_method": "S256",
        **({"login_hint": identifier} if identifier else {}),
    }
    keep = {
        "issuer": issuer,
        "token_endpoint": server["token_endpoint"],
        "client_id": client_id,
        "client_kid": kid,
        "dpop_key": proofs.saved(key),
        "verifier": verifier,
    }
    pushed = _asked(server["pushed_authorization_request_endpoint"], request, keep)
    request_uri = text_or_empty(pushed, "request_uri")
    if not request_uri:
        raise TryAgain(_("The network's answer could not be read."))
    query = urlencode({"client_id": client_id, "request_uri": request_uri})
    return Authorization(url=f"{server['authorization_endpoint']}?{query}", keep=keep)


def finish(*, keep: Mapping[str, Any], query: Mapping[str, str], redirect_uri: str) -> Granted:
    """The account whose owner let us in. Raises Refused when they did not."""
    if query.get("iss") != keep["issuer"]:
        raise Refused(_("The answer came from another server than the one that was asked."))
    if "error" in query:
        raise Refused(query.get("error_description", query["error"])[:300])
    form = {
        "grant_type": "authorization_code",
        "code": query.get("code", ""),
        "redirect_uri": redirect_uri,
        "code_verifier": str(keep["verifier"]),
    }
    found = _asked(str(keep["token_endpoint"]), form, keep)
    tokens = _tokens(found)
    account = _subject(found)
    pds, handle = identity.home(account)
    # Anybody can run a server that says somebody logged in; only the account's own server counts.
    if identity.authority(pds) != keep["issuer"]:
        raise Refused(_("This login is not the one of the account's own server."))
    lasts = CONFIDENTIAL_SESSION if keep["client_kid"] else PUBLIC_SESSION
    kept = {name: value for name, value in keep.items() if name != "verifier"}
    return Granted(
        label=handle or account,
        credentials={
            **kept,
            **tokens,
            "did": account,
            "handle": handle,
            "pds": pds,
            "login_ends": (datetime.now(UTC) + lasts).isoformat(),
        },
    )


def pds(account: Account, seen: list[SeenLimit] | None = None) -> Pds:
    """The account's server, for a channel that was connected by this login."""
    found = account.credentials
    try:
        prover = proofs.Prover(proofs.loaded(str(found["dpop_key"])), str(found["access_token"]))
        return Pds(str(found["pds"]), prover, did=str(found["did"]), seen=seen)
    except (KeyError, ValueError, TypeError) as error:
        raise CredentialsGone(_("The channel's login is not complete. Connect it again.")) from error


def renewed(account: Account) -> Renewed:
    """New tokens; each can be renewed once."""
    kept = account.credentials
    form = {"grant_type": "refresh_token", "refresh_token": str(kept.get("refresh_token", ""))}
    try:
        found = _asked(str(kept["token_endpoint"]), form, kept)
    except Named as error:
        if error.name not in {"invalid_grant", "invalid_client"}:
            raise
        raise CredentialsGone(_("The login at Bluesky has ended. Log in again.")) from error
    except (KeyError, ValueError, TypeError) as error:
        raise CredentialsGone(_("The channel's login is not complete. Connect it again.")) from error
    if _subject(found) != kept.get("did"):
        raise CredentialsGone(_("This login belongs to another account now."))
    tokens = _tokens(found)
    return Renewed(credentials={**kept, **tokens}, expires_at=datetime.fromisoformat(tokens["access_ends"]))


def login_ends(account: Account) -> datetime | None:
    """When somebody must log in again."""
    try:
        return datetime.fromisoformat(str(account.credentials["login_ends"]))
    except (KeyError, ValueError):
        return None


def client_of(redirect_uri: str) -> tuple[str, str]:
    """The client's id for this callback, and the id of the key it signs with ("": it is a public client)."""
    parts = urlsplit(redirect_uri)
    if parts.scheme == "http":
        if parts.hostname not in {"127.0.0.1", "::1"}:
            raise Refused(
                _(
                    "Bluesky's login needs Rapport at an address with https (or at http://127.0.0.1 for a trial)."
                )
            )
        query = urlencode({"redirect_uri": redirect_uri, "scope": SCOPE})
        return f"http://localhost?{query}", ""
    query = urlencode({"back": parts.path})
    return f"https://{parts.netloc}{METADATA_PATH}?{query}", next(iter(proofs.client_keys()))


def client_metadata(base_url: str, back: str) -> dict[str, Any]:
    """What a Rapport at ``base_url`` publishes of itself for logins that return to the path ``back``."""
    redirect_uri = f"{base_url}{back}"
    client_id, _kid = client_of(redirect_uri)
    keys = [{**proofs.public_jwk(key), "use": "sig", "alg": "ES256"} for key in proofs.client_keys().values()]
    return {
        "client_id": client_id,
        "client_name": "Rapport",
        "client_uri": base_url,
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [redirect_uri],
        "scope": SCOPE,
        "dpop_bound_access_tokens": True,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": keys},
    }


def _asked(url: str, form: Mapping[str, str], keep: Mapping[str, Any]) -> Mapping[str, Any]:
    """A call to the authorization server, as the client that began the login and with its key."""
    prover = proofs.Prover(proofs.loaded(str(keep["dpop_key"])))
    api = Api(url, explain=explain, watch=prover.learn)
    for last in (False, True):
        try:
            found = api.json("POST", url, form={**form, **_client(keep)}, headers=prover.headers("POST", url))
        except NonceWanted:
            if last:
                raise
            continue
        if isinstance(found, Mapping):
            return found
        break
    raise TryAgain(_("The network's answer could not be read."))


def _client(keep: Mapping[str, Any]) -> dict[str, str]:
    client_id, kid = str(keep["client_id"]), str(keep.get("client_kid") or "")
    if not kid:
        return {"client_id": client_id}
    key = proofs.client_keys().get(kid)
    if key is None:
        raise CredentialsGone(_("The login was made under an encryption key that is gone. Log in again."))
    return {
        "client_id": client_id,
        "client_assertion_type": _JWT_BEARER,
        "client_assertion": proofs.assertion(client_id, str(keep["issuer"]), kid, key),
    }


def _tokens(found: Mapping[str, Any]) -> dict[str, str]:
    access, refresh = (
        text_or_empty(found, "access_token", 10_000),
        text_or_empty(found, "refresh_token", 10_000),
    )
    if not access or not refresh or str(found.get("token_type")).lower() != "dpop":
        raise TryAgain(_("The network's answer could not be read."))
    if "atproto" not in text_or_empty(found, "scope").split():
        raise Refused(_("The login does not allow what Rapport needs."))
    lasts = found.get("expires_in")
    seconds = min(lasts, 86_400) if type(lasts) is int and lasts > 0 else 300
    return {
        "access_token": access,
        "refresh_token": refresh,
        "access_ends": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
    }


def _subject(found: Mapping[str, Any]) -> str:
    try:
        return did(found, "sub")
    except (ValueError, KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
