from __future__ import annotations

from collections.abc import Iterator

import pytest

from rapport.networks.testing import Place
from tests.networks.world import World, places

_PLACES = places()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process has all tests of a network, so that its server is started once."""
    for item in items:
        call = getattr(item, "callspec", None)
        network = call.params.get("place") if call is not None else None
        if network is not None:
            item.add_marker(pytest.mark.xdist_group(f"network-{network}"))
            item.add_marker("network")


@pytest.fixture(scope="session", params=sorted(_PLACES))
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each network in turn, running; its start skips with the reason where it cannot be had."""
    with _PLACES[request.param]() as running:
        yield running


@pytest.fixture
def world(place: Place, transactional_db: None) -> World:
    return World(place)
