"""How the tests of both networks make connectors and messages."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Account, Connector, Event, MessageSeen, OutgoingMessage, RawItem
from rapport.networks.testing import Place


def connector(cls: type[Connector], place: Place, *, checked: bool = True, **changes: Any) -> Connector:
    """For what an admin would have typed; after its check, as the product keeps it. ``changes`` to the values."""
    assert cls.guide is not None
    values = {**place.values(), **changes}
    secret = {field.name for field in cls.guide.fields if field.secret}
    credentials = {
        name: value for name, value in values.items() if name in secret or name.endswith("_previous")
    }
    settings = {name: value for name, value in values.items() if name not in credentials}
    found = cls(Account(external_id="", handle="", credentials=credentials, settings=settings))
    if not checked:
        return found
    profile = found.check()
    return cls(
        Account(
            external_id=profile.external_id,
            handle=profile.handle,
            credentials=credentials,
            settings={**settings, **profile.settings},
        )
    )


def reply(text: str, **more: Any) -> OutgoingMessage:
    facts: dict[str, Any] = {
        "idempotency_key": str(uuid.uuid4()),
        "text": text,
        "visibility": "public",
        "created_at": datetime.now(UTC),
    }
    return OutgoingMessage(**{**facts, **more})


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
