"""How the tests of both networks make connectors and messages."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from rapport.networks.base import Connector, Event, MessageSeen, OutgoingMessage, RawItem
from rapport.networks.testing import Place
from rapport.networks.tests import making


def connector(cls: type[Connector], place: Place, *, checked: bool = True, **changes: Any) -> Connector:
    """For what an admin would have typed; after its check, as the product keeps it. ``changes`` to the values."""
    account = making.account_of(cls, place.values() | changes)
    return cls(making.checked(cls, account) if checked else account)


def reply(text: str, **more: Any) -> OutgoingMessage:
    return making.outgoing(**{"idempotency_key": str(uuid.uuid4()), "text": text, **more})


def to(seen: MessageSeen, text: str, *, visibility: str = "", **more: Any) -> OutgoingMessage:
    """An answer to what was heard, with all that the product would tell of it."""
    facts: dict[str, Any] = {
        "visibility": visibility or seen.visibility,
        "parent_id": seen.external_id,
        "parent_visibility": seen.visibility,
        "parent_facts": seen.facts,
        "recipient_id": seen.author.external_id,
        "thread_key": seen.thread_key,
        "heard_at": seen.sent_at,
    }
    return reply(text, **{**facts, **more})


def events(connector: Connector, items: Sequence[RawItem]) -> list[Event]:
    return [event for item in items for event in connector.parse(item.kind, item.payload)]


def heard(connector: Connector, external_id: str) -> MessageSeen:
    """A message as polling brings it."""
    for event in events(connector, connector.poll({}).items):
        if isinstance(event, MessageSeen) and event.external_id == external_id:
            return event
    raise AssertionError(f"{external_id} was not heard")


def drained(
    connector: Connector, cursor: dict[str, Any], *, most: int = 100
) -> tuple[set[str], dict[str, Any]]:
    """Ids of the messages of as many polls as it takes, and the last cursor. Cursors are kept as JSON."""
    found: set[str] = set()
    for _count in range(most):
        page = connector.poll(cursor)
        found |= {one.external_id for one in events(connector, page.items) if isinstance(one, MessageSeen)}
        cursor = json.loads(json.dumps(page.cursor))
        if not page.more:
            return found, cursor
    raise AssertionError("polling does not come to an end")
