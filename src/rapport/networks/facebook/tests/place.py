"""A page on the double, and one customer of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from rapport.networks.base import Delivery
from rapport.networks.facebook.tests.double import Double
from rapport.networks.meta.tests.world import APP_ID, APP_SECRET, PAGE_ID, VERIFY_TOKEN
from rapport.networks.testing import Place


class FacebookPlace(Place):
    network = "facebook"

    def __enter__(self) -> FacebookPlace:
        self.double = Double()
        self.double.start()
        self.world = self.double.world
        return self

    def __exit__(self, *exc: object) -> None:
        self.double.stop()

    def values(self) -> dict[str, Any]:
        return {
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "verify_token": VERIFY_TOKEN,
            "access_token": self.world.token if not self._revoked else "EAApage-withdrawn",
            "human_agent": False,
            "graph_url": self.double.url,
        }

    _revoked = False

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        with self.world.lock:
            if private:
                files = [
                    {
                        "type": "image",
                        "mime": "image/jpeg",
                        "name": "box.jpg",
                        "url": "https://cdn.example/box",
                    }
                ]
                return self.world.say("messenger", text, attachments=files if image else None, reply_to=to)
            return self.world.comment(text, to=to, image=image).id

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        with self.world.lock:
            if private:
                found = self.world.conversation("messenger").messages
                return [
                    one["message"]
                    for one in reversed(found)
                    if one["from"]["id"] == PAGE_ID and one["message"]
                ]
            return [one.text for one in self._answers(external_id)]

    def customer_sees_images(self, external_id: str) -> list[str]:
        with self.world.lock:
            return [alt for one in self._answers(external_id) for alt in one.alts]

    def customer_deletes(self, external_id: str) -> None:
        with self.world.lock:
            self.world.tell_comment(self.world.things.pop(external_id), "remove")

    def customer_edits(self, external_id: str, text: str) -> None:
        with self.world.lock:
            thing = self.world.things[external_id]
            thing.text = text
            self.world.tell_comment(thing, "edited")

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
            self._revoked = True

    def renew(self) -> None:
        self._revoked = False

    def deliveries(self) -> list[Delivery]:
        return self.world.take_deliveries()

    def _answers(self, external_id: str) -> list[Any]:
        """Ours beside or below a comment: answers nest one deep, so one to an answer stands beside it."""
        said = self.world.things.get(external_id)
        near = {external_id} | ({said.parent} if said and said.parent != said.root else set())
        return [
            one
            for one in self.world.things.values()
            if one.kind == "comment" and one.parent in near and (one.author or {}).get("id") == PAGE_ID
        ]


PLACE = FacebookPlace
