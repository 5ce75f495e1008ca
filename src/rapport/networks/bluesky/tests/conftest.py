"""One network for all tests of this folder: it starts in seconds, and accounts on it are cheap."""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rapport.networks.base import Account, OutgoingMessage
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.tests.connecting import connected
from rapport.networks.bluesky.tests.place import BlueskyPlace
from rapport.networks.errors import CredentialsGone
from rapport.networks.tests import making

_numbers = itertools.count(1)
_kept: dict[str, Account] = {}


@pytest.fixture(scope="session")
def place() -> Iterator[BlueskyPlace]:
    with BlueskyPlace() as running:
        yield running


@pytest.fixture
def account(place: BlueskyPlace) -> Account:
    """Our channel, connected as the product does it: checked, then with a session. The server lets one log
    in 30 times in five minutes, so a session is kept until a test ends it."""
    values = place.values()
    kept: Account | None = _kept.get(values["app_password"])
    if kept is not None:
        with contextlib.suppress(CredentialsGone):
            BlueskyConnector(kept).check()
            return kept
    _kept[values["app_password"]] = connected(values)
    return _kept[values["app_password"]]


@pytest.fixture
def connector(account: Account) -> BlueskyConnector:
    return BlueskyConnector(account)


@pytest.fixture
def outgoing() -> Callable[..., OutgoingMessage]:
    def make(**given: Any) -> OutgoingMessage:
        usual = {"idempotency_key": str(uuid.uuid4()), "text": f"We are on it, number {next(_numbers)}."}
        return making.outgoing(**usual | given)

    return make
