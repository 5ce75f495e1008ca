"""Our side in the tests: a channel as the connecting page makes it, and a listener that polls it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Account, Event, MessageSeen, OutgoingMessage
from rapport.networks.mastodon.connector import CONNECTOR, MastodonConnector
from rapport.networks.mastodon.tests.place import MastodonPlace


def connected(place: MastodonPlace, **settings: Any) -> MastodonConnector:
    """A channel as the connecting page makes it: checked, with what was learned kept."""
    values = place.values() | settings
    account = Account(external_id="", handle="", credentials={"token": values.pop("token")}, settings=values)
    profile = CONNECTOR(account).check()
    return CONNECTOR(
        dataclasses.replace(
            account,
            external_id=profile.external_id,
            handle=profile.handle,
            settings={**values, **profile.settings},
        )
    )


def outgoing(text: str, **fields: Any) -> OutgoingMessage:
    base: dict[str, Any] = {
        "idempotency_key": "0b6f0f6e-6a8e-4f0e-9d53-0c7b8a5a3f11",
        "text": text,
        "visibility": "public",
        "created_at": datetime.now(UTC),
    }
    return OutgoingMessage(**base | fields)


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
