from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from rapport.networks.instagram.connector import CONNECTOR, InstagramConnector
from rapport.networks.instagram.tests.place import PLACE, InstagramPlace
from rapport.networks.meta.tests.driving import connector


@pytest.fixture
def place() -> Iterator[InstagramPlace]:
    with PLACE() as found:
        yield cast(InstagramPlace, found)


@pytest.fixture
def desk(place: InstagramPlace) -> InstagramConnector:
    return cast(InstagramConnector, connector(CONNECTOR, place))
