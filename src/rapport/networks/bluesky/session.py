"""Sessions made with an app password: short-lived tokens that are renewed, and made anew when they are gone.

https://docs.bsky.app/docs/api/com-atproto-server-create-session and
https://atproto.com/specs/xrpc#authentication
"""

from __future__ import annotations

import base64
import binascii
import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from rapport.networks.base import Account, Renewed
from rapport.networks.bluesky.reading import did, items, text_or_empty, within_or_empty
from rapport.networks.bluesky.xrpc import Bearer, Named, Pds
from rapport.networks.errors import CredentialsGone, TryAgain

SERVICE = "https://bsky.social"


def given(account: Account, name: str) -> str:
    """One of the guide's fields: a secret among the credentials, else a setting."""
    return cleaned(str(account.credentials.get(name) or account.settings.get(name) or ""))


def cleaned(value: str) -> str:
    """Without what comes along unseen when one copies from a web page."""
    return "".join(letter for letter in value if unicodedata.category(letter) != "Cf").strip()


def service_address(value: str) -> str:
    """The server to log in at, as somebody may type it."""
    value = cleaned(value) or SERVICE
    return (value if "://" in value else f"https://{value}").rstrip("/")


def sign_in(service: str, identifier: str, password: str) -> dict[str, Any]:
    """A new session: ``did``, ``handle``, ``pds``, ``access_jwt``, ``refresh_jwt``.

    Raises CredentialsGone when the password is wrong or revoked.
    """
    identifier = cleaned(identifier).removeprefix("@")
    if not identifier or not password:
        raise CredentialsGone(_("The channel has no handle or no app password."))
    pds = Pds(service_address(service), Bearer(""))
    try:
        found = pds.post(
            "com.atproto.server.createSession",
            {"identifier": identifier, "password": cleaned(password)},
            writes=False,
        )
    except CredentialsGone as error:
        raise CredentialsGone(
            _("Bluesky does not accept this handle and app password. The app password may have been revoked.")
        ) from error
    except Named as error:
        if error.name == "AuthFactorTokenRequired":
            raise CredentialsGone(
                _("That is the account's own password. Make an app password for Rapport.")
            ) from error
        raise
    return _session(found, pds.address)


def renewed(account: Account) -> Renewed:
    """A session that goes on, or a new one. Raises CredentialsGone when the app password does not work."""
    session: dict[str, Any] | None = None
    token, address = account.credentials.get("refresh_jwt"), account.credentials.get("pds")
    if token and address:
        try:
            found = Pds(str(address), Bearer(str(token))).post(
                "com.atproto.server.refreshSession", writes=False
            )
            session = _session(found, str(address))
        except CredentialsGone:
            session = None  # ended, or used once already: a new one
    if session is None:
        session = sign_in(
            given(account, "service"), given(account, "identifier"), given(account, "app_password")
        )
    if account.external_id and session["did"] != account.external_id:
        raise CredentialsGone(_("This handle belongs to another account now."))
    return Renewed(credentials={**account.credentials, **session}, expires_at=expiry(session["access_jwt"]))


def expiry(token: str) -> datetime | None:
    """When a token ends, as it says itself; None where it does not."""
    try:
        body = token.split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["exp"]
        return datetime.fromtimestamp(int(ends), UTC)
    except (
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        OSError,
        binascii.Error,
        RecursionError,
    ):
        return None


def _session(found: Mapping[str, Any], asked: str) -> dict[str, Any]:
    try:
        account = did(found)
    except (ValueError, KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    access, refresh = text_or_empty(found, "accessJwt", 10_000), text_or_empty(found, "refreshJwt", 10_000)
    if not access or not refresh:
        raise TryAgain(_("The network's answer could not be read."))
    return {
        "did": account,
        "handle": text_or_empty(found, "handle", 253),
        # bsky.social only lets in; the account lives on a server of its own, which its document names.
        "pds": pds_of(within_or_empty(found, "didDoc")) or asked,
        "access_jwt": access,
        "refresh_jwt": refresh,
    }


def pds_of(document: Mapping[str, Any]) -> str:
    """The server an account lives on, by its DID document; "" where it names none.

    https://atproto.com/specs/did#did-documents
    """
    for service in items(document, "service", 20):
        address = text_or_empty(service, "serviceEndpoint")
        if text_or_empty(service, "id").endswith("#atproto_pds") and _is_web(address):
            return address.rstrip("/")
    return ""


def _is_web(address: str) -> bool:
    try:
        found = urlsplit(address)
    except ValueError:
        return False
    return found.scheme in {"http", "https"} and bool(found.hostname)
