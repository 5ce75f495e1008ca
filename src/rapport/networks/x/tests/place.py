"""X for the common tests: the double, one brand, one customer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from rapport.networks.base import Delivery
from rapport.networks.doubles import Request
from rapport.networks.testing import Place
from rapport.networks.x.tests.doorman import BEARER, CLIENT_ID, CLIENT_SECRET
from rapport.networks.x.tests.double import XDouble
from rapport.networks.x.tests.world import CONSUMER_SECRET

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fccff0bf1e000604027f"
    "d1bb5b5a0000000049454e44ae426082"
)


class XPlace(Place):
    """Mentions name the brand, as people do; an answer to the brand's post names it by itself."""

    network = "x"
    cannot: ClassVar[dict[str, str]] = {}
    patience_s = 1.0

    def __enter__(self) -> XPlace:
        self.x = XDouble()
        self.x.start()
        self.x.subscribed = True
        self.customer = self.x.person("ivana_k", "Ivana Kovačević")
        self.renew()
        return self

    def __exit__(self, *exc: object) -> None:
        self.x.stop()

    def values(self) -> dict[str, Any]:
        return {
            "api_url": self.x.url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "consumer_secret": CONSUMER_SECRET,
            "bearer_token": BEARER,
            "access_token": self._access,
            "refresh_token": self._refresh,
            "recheck_minutes": 0,
        }

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        with self.x.lock:
            media = [self.x.upload("image/png", PNG, "A broken box")] if image else []
            if private:
                return self.x.message(self.customer, self.x.brand, text, media).id
            if to is None:
                text = f"@{self.x.brand.username} {text}"
            return self.x.post(self.customer, text, parent=to, media=media).id

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        with self.x.lock:
            if private:
                return [one.text for one in self.x.private if one.by == self.x.brand.id]
            return [one.text for one in self._answers(external_id)]

    def customer_sees_images(self, external_id: str) -> list[str]:
        with self.x.lock:
            found = [key for one in self._answers(external_id) for key in one.media]
            found += [key for one in self.x.private if one.by == self.x.brand.id for key in one.media]
            return [self.x.uploads[key].alt for key in found]

    def _answers(self, external_id: str) -> list[Any]:
        versions = self.x.posts[external_id].versions if external_id in self.x.posts else []
        return [
            one
            for one in self.x.posts.values()
            if one.parent in versions and one.by == self.x.brand.id and not one.deleted
        ]

    def customer_deletes(self, external_id: str) -> None:
        with self.x.lock:
            self.x.delete(external_id)

    def customer_edits(self, external_id: str, text: str) -> None:
        with self.x.lock:
            self.x.edit(external_id, f"@{self.x.brand.username} {text}")

    def outage(self) -> AbstractContextManager[None]:
        return self.x.outage()

    @contextmanager
    def break_after_posting(self) -> Iterator[None]:
        with self.x.answers_lost(_posts):
            yield

    def revoke(self) -> None:
        with self.x.lock:
            self.x.tokens.clear()
            self.x.refresh_tokens.clear()

    def renew(self) -> None:
        with self.x.lock:
            self._access, self._refresh = self.x.token(self.x.brand)

    def deliveries(self) -> list[Delivery]:
        with self.x.lock:
            found, self.x.deliveries = self.x.deliveries, []
            return found


def _posts(request: Request) -> bool:
    return request.method == "POST" and (request.path == "/2/tweets" or request.path.endswith("/messages"))


PLACE = XPlace
