"""What a channel's token may do, in words for people, and as settings for the connector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Account
from rapport.networks.errors import CredentialsGone, Refused
from rapport.networks.meta import login
from rapport.networks.meta.graph import GRAPH_URL, setting


@dataclass(frozen=True, slots=True)
class Access:
    """``settings``: ``scopes`` (list of permissions), ``limits`` (sentences: what will not work and why)."""

    scopes: frozenset[str]
    settings: Mapping[str, Any]
    expires_at: datetime | None


def inspected(account: Account, *, permissions: Mapping[str, Any], indispensable: Iterable[str]) -> Access:
    """Ask Meta about the channel's token. Raises CredentialsGone, or Refused when it cannot be of use."""
    token, secret, app_id = (setting(account, name) for name in ("access_token", "app_secret", "app_id"))
    if not (token and secret and app_id):
        raise CredentialsGone(_("The channel has no access token, app ID or app secret. Connect it again."))
    found = login.inspect(
        url=setting(account, "graph_url") or GRAPH_URL, token=token, app_id=app_id, app_secret=secret
    )
    if found.kind != "PAGE":
        raise Refused(
            _("This is not the access token of a page. Log in with Facebook, or copy the page's own token.")
        )
    missing = [name for name in permissions if name not in found.scopes]
    for name in indispensable:
        if name in missing:
            raise Refused(
                _("The access token lacks the permission {name}, which is needed for {what}.").format(
                    name=name, what=permissions[name]
                )
            )
    limits = [
        _("Without the permission {name}: no {what}.").format(name=name, what=permissions[name])
        for name in missing
    ]
    settings: dict[str, Any] = {"scopes": sorted(found.scopes), "limits": limits}
    if found.data_until is not None:
        settings["data_access_until"] = found.data_until.isoformat()
    return Access(scopes=found.scopes, settings=settings, expires_at=found.expires_at)


def known_scopes(account: Account) -> frozenset[str] | None:
    """The permissions that the last check found; None before the first."""
    found = account.settings.get("scopes")
    return frozenset(str(one) for one in found) if isinstance(found, (list, tuple)) else None


def switched_on(account: Account, name: str) -> bool:
    return account.settings.get(name) in (True, "true", "True", "on", "1", 1)
