"""Connecting a channel as the product does it, without the product."""

from __future__ import annotations

import dataclasses
from typing import Any

from rapport.networks.base import Account
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.tests.making import account_of, checked


def connected(values: dict[str, Any]) -> Account:
    """A channel as it is kept once it is connected."""
    return renewed(checked(BlueskyConnector, account_of(BlueskyConnector, values)))


def renewed(account: Account) -> Account:
    """The channel with a new session."""
    made = BlueskyConnector(account).renew()
    assert made is not None
    return dataclasses.replace(account, credentials=made.credentials)
