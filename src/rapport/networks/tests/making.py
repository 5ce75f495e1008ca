"""Accounts and messages for connectors' tests, as the core makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Account, Connector, OutgoingMessage


def account_of(
    cls: type[Connector], values: Mapping[str, Any], *, external_id: str = "", handle: str = ""
) -> Account:
    """What an admin typed on the connecting page. What the page does not ask for openly is a credential,
    such as a token that the network's login gave."""
    assert cls.guide is not None
    shown = {field.name for field in cls.guide.fields if not field.secret}
    return Account(
        external_id=external_id,
        handle=handle,
        credentials={name: value for name, value in values.items() if name not in shown},
        settings={name: value for name, value in values.items() if name in shown},
    )


def checked(cls: type[Connector], account: Account) -> Account:
    """The account with what its check found out, as a channel keeps it."""
    profile = cls(account).check()
    return dataclasses.replace(
        account,
        external_id=profile.external_id,
        handle=profile.handle,
        settings={**account.settings, **profile.settings},
    )


def outgoing(**fields: Any) -> OutgoingMessage:
    """A public message of ours; every call may change a part of it. The same key each time, unless given."""
    base: dict[str, Any] = {
        "idempotency_key": "0b6f0f6e-6a8e-4f0e-9d53-0c7b8a5a3f11",
        "text": "We are sorry. The new departure is 12:40 ^MK",
        "visibility": "public",
        "created_at": datetime.now(UTC),
    }
    return OutgoingMessage(**base | fields)
