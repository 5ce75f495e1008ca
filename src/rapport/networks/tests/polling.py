"""How connectors' tests poll: to the end, each raw event once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rapport.networks.base import Connector, Event, MessageSeen, RawItem


def drained(connector: Connector, cursor: Mapping[str, Any]) -> tuple[list[RawItem], dict[str, Any]]:
    """Everything new, once each, and the cursor after it."""
    items: dict[str, RawItem] = {}
    for _ in range(50):
        polled = connector.poll(cursor)
        cursor = dict(polled.cursor)
        items.update({item.dedupe_key(): item for item in polled.items})
        if not polled.more:
            return list(items.values()), dict(cursor)
    raise AssertionError("polling never ends")


def told(connector: Connector, items: Sequence[RawItem]) -> list[Event]:
    return [event for item in items for event in connector.parse(item.kind, item.payload)]


def messages(connector: Connector, cursor: Mapping[str, Any] | None = None) -> list[MessageSeen]:
    items, _cursor = drained(connector, cursor or {})
    return [event for event in told(connector, items) if isinstance(event, MessageSeen)]
