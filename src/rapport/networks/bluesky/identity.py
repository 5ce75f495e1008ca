"""Who an account is and where it lives: its DID document. https://atproto.com/specs/did"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

from rapport.networks.bluesky.reading import text_or_empty
from rapport.networks.bluesky.session import pds_of
from rapport.networks.client import Api
from rapport.networks.errors import Refused, TryAgain

PLC_DIRECTORY = "https://plc.directory"


def document(did: str) -> Mapping[str, Any]:
    """The DID document. Raises Refused where there is none, or a kind that AT Protocol does not use."""
    method, _colon, rest = did.removeprefix("did:").partition(":")
    if method == "plc":
        return fetched(PLC_DIRECTORY, f"/{quote(did, safe=':')}")
    if method == "web" and rest and "/" not in rest and ":" not in rest:
        return fetched(f"https://{rest.replace('%3A', ':')}", "/.well-known/did.json")
    raise Refused(_("This account has an identity of an unknown kind."))


def home(did: str) -> tuple[str, str]:
    """The server an account lives on, and its handle ("" where it claims none)."""
    found = document(did)
    pds = pds_of(found)
    if found.get("id") != did or not pds:
        raise Refused(_("This account's identity names no server."))
    names = found.get("alsoKnownAs")
    handles = (
        [one[5:] for one in names if isinstance(one, str) and one.startswith("at://")]
        if isinstance(names, list)
        else []
    )
    return pds, handles[0][:253] if handles else ""


def authority(server: str) -> str:
    """Who gives out access to a server: its authorization server, often itself.

    https://atproto.com/specs/oauth#identity-authentication
    """
    try:
        found = fetched(server, "/.well-known/oauth-protected-resource")
    except Refused:
        return server  # an entryway such as bsky.social is one itself
    servers = found.get("authorization_servers")
    first = servers[0] if isinstance(servers, list) and servers else ""
    return first.rstrip("/") if isinstance(first, str) and first else server


def metadata(issuer: str) -> dict[str, str]:
    """The authorization server's addresses (RFC 8414). Raises Refused when they are not its own to give."""
    found = fetched(issuer, "/.well-known/oauth-authorization-server")
    if found.get("issuer") != issuer:
        raise Refused(_("This server's login is not its own."))
    needed = ("authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint")
    addresses = {name: text_or_empty(found, name) for name in needed}
    if not all(addresses.values()):
        raise Refused(_("This server has no login that Rapport can use."))
    return addresses


def fetched(server: str, path: str) -> Mapping[str, Any]:
    """A public JSON document."""
    found = Api(server).json("GET", path)
    if not isinstance(found, Mapping):
        raise TryAgain(_("The network's answer could not be read."))
    return found
