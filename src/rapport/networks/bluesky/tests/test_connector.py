"""The connector against Bluesky's own servers, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rapport.networks.base import Event, MessageSeen, OutgoingMessage
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.tests.place import BlueskyPlace

pytestmark = pytest.mark.xdist_group("bluesky")

Make = Callable[..., OutgoingMessage]


class Ear:
    """Polls on, and keeps what was heard by key, as the product does."""

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


def test_a_customer_is_heard_and_reads_our_answer(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    ear = Ear(connector)
    asked = place.customer_says("my parcel is broken, see https://example.com/track", image=True)
    heard = messages(ear.hear())[asked]
    assert heard.author.external_id == place.customer.did
    assert heard.author.name == "Mira Holt"
    assert heard.text == f"@{place.ours.handle} my parcel is broken, see https://example.com/track"
    assert [one.alt for one in heard.media] == ["A broken box"]
    sent = connector.send(outgoing(parent_id=asked, text="A new one is on its way, @mira.test"))
    assert place.customer_reads(asked) == ["A new one is on its way, @mira.test"]
    own = messages(ear.hear())[sent.external_id]
    assert (own.author.external_id, own.parent_id) == (connector.account.external_id, asked)
