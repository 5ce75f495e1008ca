"""A server of the Mastodon API on this machine, one of three kinds, with a care account and a customer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, ClassVar

from rapport.networks.mastodon.tests.double import Double
from rapport.networks.mastodon.tests.world import GOTOSOCIAL, MASTODON, TAKAHE, Flavour, Person, Post
from rapport.networks.mastodon.words import without_leading_mentions
from rapport.networks.testing import Place

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01"
    b"\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82"
)


class MastodonPlace(Place):
    """Behaves as Mastodon 4.4."""

    network = "mastodon"
    cannot: ClassVar[dict[str, str]] = {"deliveries": "Mastodon's API sends no webhooks to accounts"}
    flavour: ClassVar[Flavour] = MASTODON

    def __enter__(self) -> MastodonPlace:
        self.double = Double(self.flavour)
        self.world = self.double.world
        with self.world.lock:
            self.care: Person = self.world.join("care", name="Alvara Air Care")
            self.customer: Person = self.world.join("ivana.k", domain="fedi.example", name="Ivana K")
        self.double.start()
        self._token = self.double.token_for(self.care)
        return self

    def __exit__(self, *exc: object) -> None:
        self.double.stop()

    def values(self) -> dict[str, Any]:
        return {"server": self.double.url, "token": self._token, "hashtags": [], "timeline": ""}

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        with self.world.lock:
            body: dict[str, Any] = {
                "status": text if "@care" in text else f"@care {text}",
                "visibility": "direct" if private else "public",
                "in_reply_to_id": to,
            }
            if image:
                media_id = self.world.new_id()
                self.world.media[media_id] = {
                    "owner": self.customer.id, "alt": "A broken box", "working": 0
                }  # fmt: skip
                body["media_ids"] = [media_id]
            return self.world.publish(self.customer, body).id

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        return [without_leading_mentions(one.text) for one in self._answers(external_id, private=private)]

    def customer_sees_images(self, external_id: str) -> list[str]:
        with self.world.lock:
            return [
                self.world.media[media_id]["alt"]
                for one in self._answers(external_id, private=False)
                for media_id in one.media
            ]

    def _answers(self, external_id: str, *, private: bool) -> list[Post]:
        """Our posts under that one that the customer was told of, for they name them."""
        with self.world.lock:
            if private:
                found = [one for one in self.world.posts.values() if one.visibility == "direct"]
            else:
                post = self.world.posts.get(external_id)
                found = self.world.around(post, self.customer)[1] if post else []
            return [one for one in found if one.author is self.care and self.customer in one.mentions]

    def customer_deletes(self, external_id: str) -> None:
        with self.world.lock:
            self.world.remove(self.world.posts[external_id])

    def customer_edits(self, external_id: str, text: str) -> None:
        with self.world.lock:
            self.world.change(
                self.world.posts[external_id], {"status": text if "@care" in text else f"@care {text}"}
            )

    def outage(self) -> AbstractContextManager[None]:
        return self.double.outage()

    def break_after_posting(self) -> AbstractContextManager[None]:
        return self.double.answers_lost(
            lambda request: (request.method, request.path) == ("POST", "/api/v1/statuses")
        )

    def revoke(self) -> None:
        with self.world.lock:
            self.double.tokens.clear()

    def renew(self) -> None:
        self._token = self.double.token_for(self.care)


class GoToSocialPlace(MastodonPlace):
    """Behaves as GoToSocial 0.20: ULIDs, no idempotency, WebSocket only."""

    flavour = GOTOSOCIAL


class TakahePlace(MastodonPlace):
    """Behaves as Takahē 0.11: no version 2, no streams, no limits, private posts hard to find again."""

    flavour = TAKAHE


PLACE = MastodonPlace
