from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.networks.base import Account, OutgoingMessage
from rapport.networks.connecting import Guide
from rapport.networks.reddit.connector import RedditConnector
from rapport.networks.reddit.tests.place import RedditPlace

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
        guide = RedditConnector.guide
        assert isinstance(guide, Guide)
        values = {**place.values(), **changes}
        shown = {field.name for field in guide.fields if not field.secret}
        return RedditConnector(
            Account(
                external_id=place.reddit.brand.fullname,
                handle=place.reddit.brand.name,
                credentials={name: value for name, value in values.items() if name not in shown},
                settings={name: value for name, value in values.items() if name in shown},
            )
        )

    return make


@pytest.fixture
def connector(connect: Connect) -> RedditConnector:
    return connect()


@pytest.fixture
def outgoing() -> Make:
    def make(**fields: Any) -> OutgoingMessage:
        base: dict[str, Any] = {
            "idempotency_key": "0b6f0f6e-6a8e-4f0e-9d53-0c7b8a5a3f11",
            "text": "We are sorry. The new departure is 12:40 ^MK",
            "visibility": "public",
            "created_at": datetime.now(UTC),
        }
        return OutgoingMessage(**base | fields)

    return make
