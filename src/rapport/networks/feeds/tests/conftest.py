from __future__ import annotations

from collections.abc import Iterator

import pytest

from rapport.networks.feeds.tests.place import FeedsPlace
from rapport.networks.feeds.tests.site import Site


@pytest.fixture
def place() -> Iterator[FeedsPlace]:
    with FeedsPlace() as running:
        yield running


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.stop()


@pytest.fixture
def other() -> Iterator[Site]:
    running = Site()
    yield running
    running.stop()
