from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from rapport.networks.base import MessageSeen, OutgoingMessage, Polled
from rapport.networks.email.connector import EmailConnector
from rapport.networks.email.tests.place import HELP, EmailPlace
from rapport.networks.email.tests.servers import until
from rapport.networks.tests import making
from rapport.networks.tests.making import account_of

Answer = Callable[..., OutgoingMessage]
Connect = Callable[..., EmailConnector]


@pytest.fixture(scope="session")
def place() -> Iterator[EmailPlace]:
    """The servers, started once. Tests that revoke or stop put things right again."""
    with EmailPlace() as one:
        yield one


@pytest.fixture
def connect(place: EmailPlace) -> Connect:
    """A connector for our mailbox; every call may change what the admin typed."""

    def make(**values: Any) -> EmailConnector:
        account = account_of(EmailConnector, place.values() | values, external_id=HELP, handle=HELP)
        return EmailConnector(account)

    return make


@pytest.fixture
def connector(connect: Connect) -> EmailConnector:
    return connect()


class Listener:
    """Polls as the product does: from the cursor it has, with every mail once."""

    def __init__(self, connector: EmailConnector) -> None:
        self.connector = connector
        self.cursor: Mapping[str, Any] = connector.poll({}).cursor
        self.heard: dict[str, MessageSeen] = {}

    def poll(self) -> list[MessageSeen]:
        """What is new. On a slow day it takes several polls, as it does in the product."""
        found, more = [], True
        while more:
            polled = self.connector.poll(self.cursor)
            found += self.take(polled)
            more = polled.more
        return found

    def take(self, polled: Polled) -> list[MessageSeen]:
        self.cursor = polled.cursor
        found = []
        for item in polled.items:
            for event in self.connector.parse(item.kind, item.payload):
                assert isinstance(event, MessageSeen)
                found.append(event)
                self.heard.setdefault(item.dedupe_key(), event)
        return found

    def hears(self, external_id: str) -> MessageSeen:
        """The message, once it has come."""

        def look() -> MessageSeen | None:
            self.poll()
            return self.heard.get(f"post:{external_id}") or next(
                (one for one in self.heard.values() if one.external_id == external_id), None
            )

        return until(look, what=f"for {external_id}")


@pytest.fixture
def listener(connector: EmailConnector) -> Listener:
    return Listener(connector)


@pytest.fixture
def answer() -> Answer:
    """A reply to a message that was heard, as the outbox makes it."""

    def make(to: MessageSeen | None = None, **fields: Any) -> OutgoingMessage:
        base: dict[str, Any] = {
            "idempotency_key": str(uuid.uuid4()),
            "text": "We are sorry, Ivana. A new one is on its way. ^MK",
            "visibility": "private",
        }
        if to is not None:
            base |= {
                "parent_id": to.external_id,
                "parent_visibility": to.visibility,
                "parent_facts": to.facts,
                "recipient_id": to.author.external_id,
                "recipient_handle": to.author.handle,
                "thread_key": to.thread_key,
                "root_id": to.external_id,
                "heard_at": to.sent_at,
            }
        return making.outgoing(**base | fields)

    return make


def reads(place: EmailPlace, external_id: str) -> list[str]:
    """What the customer finds under their mail, once our answer has come."""
    return until(lambda: place.customer_reads(external_id), what="for our answer")
