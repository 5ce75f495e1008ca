from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rapport.networks.base import OutgoingMessage
from rapport.networks.reddit.connector import RedditConnector
from rapport.networks.reddit.tests.place import RedditPlace
from rapport.networks.tests import making
from rapport.networks.tests.making import account_of

Connect = Callable[..., RedditConnector]
Make = Callable[..., OutgoingMessage]


@pytest.fixture
def place() -> Iterator[RedditPlace]:
    with RedditPlace() as found:
        yield found


@pytest.fixture
def connect(place: RedditPlace) -> Connect:
    """A connector with what the place's admin would type, as the core would keep it; changes on top."""

    def make(**changes: Any) -> RedditConnector:
        brand, values = place.reddit.brand, place.values() | changes
        return RedditConnector(
            account_of(RedditConnector, values, external_id=brand.fullname, handle=brand.name)
        )

    return make


@pytest.fixture
def connector(connect: Connect) -> RedditConnector:
    return connect()


@pytest.fixture
def outgoing() -> Make:
    return making.outgoing
