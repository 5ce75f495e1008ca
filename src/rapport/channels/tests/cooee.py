"""Cooee, a network for tests of connecting: it knows accounts by their tokens, has a login of its own, a past,
one webhook address for all accounts, and profiles that can be changed. Its servers are a dictionary."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.networks import registry
from rapport.networks.base import (
    Author,
    Authorization,
    Budget,
    Capabilities,
    Connector,
    Delivery,
    Event,
    Field,
    Granted,
    Guide,
    Hears,
    MessageSeen,
    Polled,
    Profile,
    RawItem,
    Received,
    Step,
)
from rapport.networks.errors import CredentialsGone, NetworkError, NotFromThisNetwork, Refused

PAGE = 3


@dataclass
class Server:
    """What the network holds. ``checks``: how often a signature was looked at. ``failing``: what every call gets instead of an answer. ``turning``: what history
    answers instead, by how many pages it gave."""

    accounts: dict[str, dict[str, str]] = field(default_factory=dict)  # by token
    past: list[dict[str, Any]] = field(default_factory=list)  # newest first
    failing: NetworkError | None = None
    pages: int = 0
    checks: int = 0
    turning: Callable[[int], Polled] | None = None


server = Server()


class Cooee(Connector):
    network = "cooee"
    label = "Cooee"
    webhook_secrets = ("webhook_secret",)
    capabilities = Capabilities(
        max_length=200,
        hears=frozenset({Hears.MENTIONS, Hears.PRIVATE}),
        poll=True,
        webhook=True,
        history=True,
        profile=True,
        profile_writes=frozenset({"name", "bio"}),
        max_bio_length=20,
        budgets=(Budget(name="read", calls=1000, per=timedelta(minutes=15)),),
    )
    guide = Guide(
        about="Calls across the valley.",
        needs=("An account at Cooee.",),
        steps=(Step(text="Make a token.", url="https://cooee.example/tokens"),),
        fields=(
            Field(name="server", label="Server", kind="url", default="https://cooee.example"),
            Field(name="token", label="Token", kind="secret"),
            Field(name="webhook_secret", label="Webhook secret", kind="secret", required=False),
            Field(name="words", label="Words", kind="lines", required=False),
            Field(name="loud", label="Loud", kind="switch", required=False, default=True),
            Field(name="size", label="Size", kind="choice", choices=(("s", "Small"), ("l", "Large"))),
            Field(name="echo", label="Echo", kind="number", required=False, default=3),
        ),
        oauth_optional=True,
        costs="Nothing.",
        cannot=("Whispering.",),
    )

    def check(self) -> Profile:
        found = self._account()
        return Profile(
            external_id=found["id"],
            handle=found["handle"],
            name=found.get("name", ""),
            url=f"https://cooee.example/{found['handle']}",
            bio=found.get("bio", ""),
            bio_length=len(found.get("bio", "")),
            link=found.get("link", ""),
            settings={"limit": 200},
            expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        )

    def _account(self) -> dict[str, str]:
        if server.failing is not None:
            raise server.failing
        found = server.accounts.get(str(self.account.credentials.get("token")))
        if found is None:
            raise CredentialsGone("the token is not known")
        return found

    @classmethod
    def begin(cls, values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
        return Authorization(
            url=f"https://cooee.example/login?state={state}&back={redirect_uri}", keep={"verifier": "v1"}
        )

    @classmethod
    def finish(
        cls,
        values: Mapping[str, Any],
        *,
        keep: Mapping[str, Any],
        query: Mapping[str, str],
        redirect_uri: str,
    ) -> Sequence[Granted]:
        assert keep == {"verifier": "v1"}
        if "code" not in query:
            raise Refused("You said no at Cooee.")
        return [
            Granted(label=server.accounts[token]["handle"], credentials={"token": token})
            for token in query["code"].split(",")
        ]

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        self._account()
        server.pages += 1
        if server.turning is not None:
            return server.turning(server.pages)
        start = int(cursor.get("at", 0))
        page = server.past[start : start + PAGE]
        kept = [one for one in page if datetime.fromisoformat(one["at"]) >= since]
        more = len(kept) == PAGE and start + PAGE < len(server.past)
        return Polled(items=[_item(one) for one in kept], cursor={"at": start + PAGE}, more=more)

    @classmethod
    def addressees(cls, delivery: Delivery) -> Sequence[str] | None:
        if delivery.method == "GET":
            return None
        return [str(entry["account"]) for entry in json.loads(delivery.body)["entries"]]

    def receive(self, delivery: Delivery) -> Received:
        server.checks += 1
        secrets = self.account.secrets("webhook_secret")
        given = delivery.headers.get("x-cooee", "") or delivery.query.get("token", "")
        if not any(hmac.compare_digest(one, given) for one in secrets):
            raise NotFromThisNetwork("wrong secret")
        if delivery.method == "GET":
            return Received(body=delivery.query["challenge"])
        entries = json.loads(delivery.body)["entries"]
        return Received(
            items=[_item(one) for one in entries if str(one["account"]) == self.account.external_id]
        )

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        if kind != "call":
            return []
        return [
            MessageSeen(
                external_id=payload["id"],
                author=Author(external_id=payload["by"], handle=payload["by"]),
                text=payload["text"],
                sent_at=datetime.fromisoformat(payload["at"]),
                parent_id=payload.get("to"),
            )
        ]

    def write_profile(self, changes: Mapping[str, str]) -> None:
        self._account().update(changes)


def _item(payload: dict[str, Any]) -> RawItem:
    return RawItem(kind=payload.get("kind", "call"), payload=payload, key=payload["id"])


def call(
    name: str, at: datetime, *, by: str = "ana", to: str | None = None, text: str = "Hello?"
) -> dict[str, Any]:
    """Something said at Cooee, as it goes over the wire."""
    return {"id": name, "by": by, "to": to, "text": text, "at": at.isoformat()}


VALUES: dict[str, Any] = {
    "server": "https://cooee.example",
    "words": [],
    "loud": True,
    "size": "s",
    "echo": 3,
}
CREDENTIALS = {"token": "t-aero", "webhook_secret": "between us"}


@pytest.fixture
def cooee(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The network is installed, and knows two accounts."""
    monkeypatch.setitem(registry.connectors(), "cooee", Cooee)  # type: ignore[arg-type]
    server.__init__()  # type: ignore[misc]
    server.accounts = {
        "t-aero": {
            "id": "7",
            "handle": "@aero",
            "name": "Aero",
            "bio": "We fly.",
            "link": "https://aero.example",
        },
        "t-aero2": {"id": "7", "handle": "@aero", "name": "Aero"},
        "t-other": {"id": "8", "handle": "@other", "name": "Other"},
    }
    return server
