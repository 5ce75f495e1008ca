from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rapport.networks.base import OutgoingMessage
from rapport.networks.tests import making
from rapport.networks.tests.making import account_of
from rapport.networks.x.connector import XConnector
from rapport.networks.x.tests.place import XPlace

Connect = Callable[..., XConnector]
Make = Callable[..., OutgoingMessage]


@pytest.fixture
def place() -> Iterator[XPlace]:
    with XPlace() as found:
        yield found


@pytest.fixture
def connect(place: XPlace) -> Connect:
    """A connector with what the place's admin would type, as the core would keep it; changes on top."""

    def make(**changes: Any) -> XConnector:
        brand, values = place.x.brand, place.values() | changes
        return XConnector(account_of(XConnector, values, external_id=brand.id, handle=brand.username))

    return make


@pytest.fixture
def connector(connect: Connect) -> XConnector:
    return connect()


@pytest.fixture
def outgoing() -> Make:
    return making.outgoing
