"""Connecting a channel as the product does it, without the product."""

from __future__ import annotations

from typing import Any

from rapport.networks.base import Account
from rapport.networks.bluesky.connector import BlueskyConnector


def connected(values: dict[str, Any]) -> Account:
    """A channel as it is kept once it is connected."""
    guide = BlueskyConnector.guide
    assert guide is not None
    secret = {one.name for one in guide.fields if one.secret}
    fresh = Account(
        external_id="",
        handle="",
        credentials={name: value for name, value in values.items() if name in secret},
        settings={name: value for name, value in values.items() if name not in secret},
    )
    profile = BlueskyConnector(fresh).check()
    known = Account(
        external_id=profile.external_id,
        handle=profile.handle,
        credentials=fresh.credentials,
        settings={**fresh.settings, **profile.settings},
    )
    return renewed(known)


def renewed(account: Account) -> Account:
    """The channel with a new session."""
    made = BlueskyConnector(account).renew()
    assert made is not None
    return Account(
        external_id=account.external_id,
        handle=account.handle,
        credentials=made.credentials,
        settings=account.settings,
    )
