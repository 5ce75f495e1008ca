from __future__ import annotations

import pytest

from rapport.networks import registry
from rapport.outbox.tests.strict import StrictConnector
from rapport.outbox.tests.world import World


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": StrictConnector})
    return World()
