"""A hotel's guestbook as a network: guests write entries, the hotel answers below them.

Its API: ``GET /me``; ``GET /entries?after=<number>``, oldest first; ``POST /entries`` with ``text``,
``below`` and ``ref``; ``GET /entries?ref=<ref>``. All with a bearer token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from rapport.networks.base import (
    Author,
    Budget,
    Capabilities,
    Connector,
    Event,
    Field,
    Guide,
    Hears,
    MessageSeen,
    OutgoingMessage,
    Polled,
    Profile,
    RawItem,
    Sent,
    Step,
)
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, TryAgain


class GuestbookConnector(Connector):
    network = "guestbook"
    label = "Guestbook"
    capabilities = Capabilities(
        max_length=1000,
        hears=frozenset({Hears.COMMENTS}),
        poll=True,
        budgets=(Budget(name="read", calls=60, per=timedelta(minutes=1)),),
    )
    guide = Guide(
        about="What guests write into the guestbook on your website.",
        steps=(
            Step(text="Open the guestbook's settings and make a token.", url="https://guestbook.example"),
        ),
        fields=(
            Field(name="address", label="Address of the guestbook", kind="url"),
            Field(name="token", label="Token", kind="secret"),
        ),
    )
    kinds = {"entry": "An entry, a guest's or ours."}

    def check(self) -> Profile:
        found = self._call("GET", "me")
        with _readable():
            return Profile(external_id=str(found["id"]), handle=str(found["name"]), name=str(found["name"]))

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        found = self._call("GET", "entries", params={"after": int(cursor.get("after", 0))})
        with _readable():
            # The same entry has the same key however often it comes.
            items = [RawItem(kind="entry", payload=one, key=f"entry:{one['number']}") for one in found]
            after = found[-1]["number"] if found else cursor.get("after", 0)
        return Polled(items=items, cursor={"after": after}, more=len(items) == 100)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        if kind != "entry":
            raise ValueError(f"unknown kind {kind!r}")
        below = payload["below"]
        return [
            MessageSeen(
                external_id=str(payload["number"]),
                author=Author(external_id=str(payload["guest"]["id"]), name=str(payload["guest"]["name"])),
                text=str(payload["text"]),
                sent_at=datetime.fromisoformat(payload["written_at"]),
                parent_id=None if below is None else str(below),
            )
        ]

    def send(self, message: OutgoingMessage) -> Sent:
        body = {"text": message.text, "below": message.parent_id, "ref": message.idempotency_key}
        # writes=True: when the connection breaks now, it may have been posted, and find_sent is asked.
        found = self._call("POST", "entries", json_body=body, writes=True)
        with _readable(doubt=True):
            return _sent(found)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        found = self._call("GET", "entries", params={"ref": message.idempotency_key})
        with _readable():
            return _sent(found[0]) if found else None

    def _call(self, method: str, path: str, **more: Any) -> Any:
        address = self.account.settings.get("address")
        token = self.account.credentials.get("token")
        if not address or not token:
            raise CredentialsGone("The guestbook's address or token is missing.")
        # Every way a call can fail becomes one of the three errors in there.
        return Api(str(address), headers={"Authorization": f"Bearer {token}"}).json(method, path, **more)


@contextmanager
def _readable(*, doubt: bool = False) -> Iterator[None]:
    """An answer that is not what the API promises is worth another try."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise TryAgain("The guestbook's answer could not be read.", doubt=doubt) from error


def _sent(entry: Mapping[str, Any]) -> Sent:
    return Sent(external_id=str(entry["number"]), sent_at=datetime.fromisoformat(entry["written_at"]))


CONNECTOR = GuestbookConnector
