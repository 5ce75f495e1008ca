"""Polling as the product does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rapport.networks.base import Event, MessageSeen
from rapport.networks.bluesky.connector import BlueskyConnector


class Ear:
    """Polls on, and keeps what was heard by key: the same thing is heard once, whichever way it comes."""

    def __init__(self, connector: BlueskyConnector) -> None:
        self.connector = connector
        self.cursor: Mapping[str, Any] = {}
        self.keys: set[str] = set()

    def hear(self) -> list[Event]:
        """What is new since the last time."""
        events: list[Event] = []
        for _round in range(20):
            polled = self.connector.poll(self.cursor)
            self.cursor = polled.cursor
            for item in polled.items:
                if item.dedupe_key() not in self.keys:
                    self.keys.add(item.dedupe_key())
                    events += self.connector.parse(item.kind, item.payload)
            if not polled.more:
                return events
        raise AssertionError("polling does not end")


def messages(events: list[Event]) -> dict[str, MessageSeen]:
    return {one.external_id: one for one in events if isinstance(one, MessageSeen)}
