from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from rapport.networks.facebook.connector import CONNECTOR, FacebookConnector
from rapport.networks.facebook.tests.place import PLACE, FacebookPlace
from rapport.networks.meta.tests.driving import connector
from rapport.networks.meta.tests.world import World


@pytest.fixture
def place() -> Iterator[FacebookPlace]:
    with PLACE() as found:
        yield cast(FacebookPlace, found)


@pytest.fixture
def desk(place: FacebookPlace) -> FacebookConnector:
    return cast(FacebookConnector, connector(CONNECTOR, place))


def world(place: FacebookPlace) -> World:
    return place.world
