"""A network of the test's own: it remembers every call, and fails in every way a network can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from rapport.networks.base import (
    Account,
    Capabilities,
    Connector,
    Elsewhere,
    Event,
    OutgoingMessage,
    Profile,
    Sent,
)
from rapport.networks.errors import CredentialsGone, Refused, TryAgain

# before: nothing was posted; after: it was, but the caller does not hear of it.
Behaviour = Literal[
    "ok", "down", "busy", "refuse", "gone", "lost_before", "lost_after", "bug_before", "bug_after",
    "killed_before", "killed_after",
]  # fmt: skip


class Killed(BaseException):
    """kill -9, as far as one process can show it: nothing after it runs."""


@dataclass
class Strict:
    """What the network holds. ``honours_keys``: whether it makes a repeated send one post itself."""

    honours_keys: bool = False
    posts: list[OutgoingMessage] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    behaviour: Behaviour = "ok"
    during: Callable[[], None] = lambda: None

    def texts(self) -> list[str]:
        return [post.text for post in self.posts]

    def send(self, message: OutgoingMessage) -> Sent:
        self.calls.append(("send", message.idempotency_key))
        self.during()
        before: dict[Behaviour, BaseException] = {
            "down": TryAgain("The network cannot be reached."),
            "busy": TryAgain("Too many requests.", after=timedelta(minutes=7)),
            "refuse": Refused("The post you answer was deleted."),
            "gone": CredentialsGone("The token was revoked."),
            "lost_before": TryAgain("The connection broke.", doubt=True),
            "bug_before": ZeroDivisionError("a bug"),
            "killed_before": Killed(),
        }
        if self.behaviour in before:
            raise before[self.behaviour]
        found = self.find_quietly(message)
        if found is None or not self.honours_keys:
            self.posts.append(message)
            found = self.find_quietly(message)
        after: dict[Behaviour, BaseException] = {
            "lost_after": TryAgain("The connection broke.", doubt=True),
            "bug_after": ZeroDivisionError("a bug"),
            "killed_after": Killed(),
        }
        if self.behaviour in after:
            raise after[self.behaviour]
        assert found is not None
        return found

    def find(self, message: OutgoingMessage) -> Sent | None:
        self.calls.append(("find", message.idempotency_key))
        if self.behaviour == "down":
            raise TryAgain("The network cannot be reached.")
        return self.find_quietly(message)

    def find_quietly(self, message: OutgoingMessage) -> Sent | None:
        for number, post in enumerate(self.posts):
            if post.idempotency_key == message.idempotency_key:
                return Sent(
                    external_id=f"post-{number}",
                    sent_at=datetime(2026, 3, 1, 13, tzinfo=UTC) + timedelta(seconds=number),
                )
        return None


class StrictConnector(Connector):
    network = "strict"
    label = "Strict"
    capabilities = Capabilities(
        max_length=500,
        private_reply=True,
        private_reply_to_public=True,
        threads=True,
        answers_elsewhere=Elsewhere.NETWORK,
    )
    side: ClassVar[Strict] = Strict()

    def __init__(self, account: Account) -> None:
        super().__init__(account)

    def check(self) -> Profile:
        return Profile(external_id=self.account.external_id, handle=self.account.handle)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        raise ValueError("nothing is heard here")

    def send(self, message: OutgoingMessage) -> Sent:
        return self.side.send(message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        return self.side.find(message)
