"""What a channel's account and settings say about its mailbox, read once and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext as _

from rapport.networks.base import Account
from rapport.networks.email.addresses import is_address, normal
from rapport.networks.errors import CredentialsGone

Security = Literal["tls", "starttls", "none"]
_PORTS: Mapping[tuple[str, Security], int] = {
    ("imap", "tls"): 993,
    ("imap", "starttls"): 143,
    ("imap", "none"): 143,
    ("smtp", "tls"): 465,
    ("smtp", "starttls"): 587,
    ("smtp", "none"): 587,
}


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two servers, and how to log in. ``certificates``: PEM of authorities trusted besides
    the machine's own, for a server with a certificate of its own making."""

    host: str
    port: int
    security: Security
    user: str
    password: str = field(repr=False)
    certificates: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A mailbox and the way out of it. Addresses are as :func:`~.addresses.normal` writes them."""

    address: str
    name: str
    imap: Server
    smtp: Server
    folders: tuple[str, ...]
    sent_folder: str  # "" to find it
    files_sent: bool  # the provider itself files what it sent
    copy_to_self: bool
    plus_addressing: bool
    mark_seen: bool
    quote_original: bool
    me: tuple[str, ...]  # the address first, then its aliases
    lists: tuple[str, ...]  # List-Ids whose mail is meant for us
    trusted: tuple[str, ...]  # authserv-ids whose Authentication-Results we believe

    @classmethod
    def of(cls, account: Account) -> Box:
        """Raises CredentialsGone when something needed to log in is missing."""
        settings, secrets = account.settings, account.credentials
        address = normal(str(settings.get("address") or account.external_id))
        password = str(secrets.get("password") or "")
        if not password or not is_address(address):
            raise CredentialsGone(_("The channel has no address or no password for its mailbox."))
        user = str(settings.get("username") or "") or address
        imap = _server("imap", settings, user, password)
        smtp = _server(
            "smtp",
            settings,
            str(settings.get("smtp_username") or "") or user,
            str(secrets.get("smtp_password") or "") or password,
        )
        aliases = [normal(one) for one in _lines(settings, "aliases")]
        return cls(
            address=address,
            name=str(settings.get("name") or ""),
            imap=imap,
            smtp=smtp,
            folders=_lines(settings, "folders") or ("INBOX",),
            sent_folder=str(settings.get("sent_folder") or ""),
            files_sent=settings.get("sent_copy") == "provider",
            copy_to_self=_switch(settings, "copy_to_self", default=True),
            plus_addressing=_switch(settings, "plus_addressing", default=False),
            mark_seen=_switch(settings, "mark_seen", default=False),
            quote_original=_switch(settings, "quote_original", default=False),
            me=tuple(dict.fromkeys([address, *(one for one in aliases if is_address(one))])),
            lists=tuple(one.lower() for one in _lines(settings, "own_lists")),
            trusted=tuple(one.lower() for one in _lines(settings, "authserv_ids")),
        )


def _server(kind: str, settings: Mapping[str, Any], user: str, password: str) -> Server:
    host = str(settings.get(f"{kind}_host") or "").strip()
    if not host or any(character.isspace() or ord(character) < 32 for character in host):
        raise CredentialsGone(_("The channel has no server for %(kind)s.") % {"kind": kind.upper()})
    given = settings.get(f"{kind}_security")
    security: Security = given if given in ("starttls", "none") else "tls"
    try:
        port = int(settings.get(f"{kind}_port") or 0)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        port = _PORTS[kind, security]
    return Server(host, port, security, user, password, "\n".join(_lines(settings, "certificates")))


def _lines(settings: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of strings, as kind ``lines`` stores it; one string with line breaks will do too."""
    found = settings.get(name) or ()
    values = found.splitlines() if isinstance(found, str) else found
    return tuple(one.strip() for one in map(str, values) if one.strip())


def _switch(settings: Mapping[str, Any], name: str, *, default: bool) -> bool:
    found = settings.get(name)
    return default if found is None else bool(found)
