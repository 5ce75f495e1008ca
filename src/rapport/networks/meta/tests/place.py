"""What the places of Meta's networks have in common: one double, one account of ours, one customer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from rapport.networks.base import Delivery
from rapport.networks.meta.tests.double import Double
from rapport.networks.meta.tests.world import APP_ID, APP_SECRET, VERIFY_TOKEN
from rapport.networks.testing import Place


class MetaPlace(Place):
    """``platform``: where its private messages go."""

    platform = ""
    own_id = ""
    whole_seconds = True

    def __enter__(self) -> MetaPlace:
        self.double = Double()
        self.double.start()
        self.world = self.double.world
        self._token = self.world.token
        return self

    def __exit__(self, *exc: object) -> None:
        self.double.stop()

    def values(self) -> dict[str, Any]:
        return {
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "verify_token": VERIFY_TOKEN,
            "access_token": self._token,
            "human_agent": False,
            "graph_url": self.double.url,
        }

    def private_says(self, text: str, *, to: str | None, image: bool) -> str:
        picture = {"type": "image", "mime": "image/jpeg", "name": "box.jpg", "url": "https://cdn.example/box"}
        return self.world.say(self.platform, text, attachments=[picture] if image else None, reply_to=to)

    def private_reads(self) -> list[str]:
        found = self.world.conversation(self.platform).messages
        return [
            one["message"] for one in reversed(found) if one["from"]["id"] == self.own_id and one["message"]
        ]

    def customer_opens(self, external_id: str) -> None:
        self.world.reads(self.platform)

    def outage(self) -> AbstractContextManager[None]:
        @contextmanager
        def away() -> Iterator[None]:
            self.double.stop()
            try:
                yield
            finally:
                self.double.start()

        return away()

    def break_after_posting(self) -> AbstractContextManager[None]:
        @contextmanager
        def broken() -> Iterator[None]:
            self.world.break_after_posting = True
            try:
                yield
            finally:
                self.world.break_after_posting = False

        return broken()

    def revoke(self) -> None:
        with self.world.lock:
            self.world.renewals += 1
            self.world.token, self.world.revoked_subcode = f"EAApage{self.world.renewals}", 460

    def renew(self) -> None:
        self._token = self.world.token

    def deliveries(self) -> list[Delivery]:
        return self.world.take_deliveries()
