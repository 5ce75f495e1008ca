"""Our side in the tests: a channel as the connecting page makes it, and a listener that polls it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rapport.networks.base import Event, MessageSeen, OutgoingMessage
from rapport.networks.mastodon.connector import CONNECTOR, MastodonConnector
from rapport.networks.mastodon.tests.place import MastodonPlace
from rapport.networks.tests import making
from rapport.networks.tests.making import account_of, checked


def connected(place: MastodonPlace, **settings: Any) -> MastodonConnector:
    """A channel as the connecting page makes it: checked, with what was learned kept."""
    return CONNECTOR(checked(CONNECTOR, account_of(CONNECTOR, place.values() | settings)))


def outgoing(text: str, **fields: Any) -> OutgoingMessage:
    return making.outgoing(text=text, **fields)


class Listening:
    """Polls a channel on, as the listener does, and reads what came."""

    def __init__(self, connector: MastodonConnector) -> None:
        self.connector = connector
        self.cursor: dict[str, Any] = {}
        self.keys: list[str] = []

    def hear(self) -> list[Event]:
        events: list[Event] = []
        while True:
            polled = self.connector.poll(self.cursor)
            self.cursor = polled.cursor
            for item in polled.items:
                self.keys.append(item.dedupe_key())
                events += self.connector.parse(item.kind, item.payload)
            if not polled.more:
                return events

    def later(self, *, seconds: float) -> Listening:
        """As if the last poll had been so long ago."""
        earlier = timedelta(seconds=seconds)

        def moved(value: Any) -> Any:
            return (datetime.fromisoformat(value) - earlier).isoformat()

        for state in self.cursor["lists"].values():
            state["due"] = moved(state["due"])
        for thread in self.cursor["threads"]:
            thread["looked_at"], thread["active_at"] = moved(thread["looked_at"]), moved(thread["active_at"])
        return self

    def messages(self) -> list[MessageSeen]:
        return [event for event in self.hear() if isinstance(event, MessageSeen)]
