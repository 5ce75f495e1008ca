"""One network for all tests of this folder: it starts in seconds, and accounts on it are cheap."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.networks.base import Account, OutgoingMessage
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.tests.place import BlueskyPlace

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def place() -> Iterator[BlueskyPlace]:
    with BlueskyPlace() as running:
        yield running


@pytest.fixture
def account(place: BlueskyPlace) -> Account:
    """Our channel, connected as the product does it: checked, then with a session."""
    return connected(place.values())


@pytest.fixture
def connector(account: Account) -> BlueskyConnector:
    return BlueskyConnector(account)


@pytest.fixture
def outgoing() -> Callable[..., OutgoingMessage]:
    def make(**given: Any) -> OutgoingMessage:
        usual = {
            "idempotency_key": str(uuid.uuid4()),
            "text": f"We are on it, number {next(_numbers)}.",
            "visibility": "public",
            "created_at": datetime.now(UTC),
        }
        return OutgoingMessage(**{**usual, **given})

    return make


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
