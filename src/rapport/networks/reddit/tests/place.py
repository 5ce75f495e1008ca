"""Reddit for the common tests: the double, the brand's account with its community, one customer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from rapport.networks.doubles import Request
from rapport.networks.reddit.tests.double import CLIENT_ID, CLIENT_SECRET, RedditDouble
from rapport.networks.testing import Place

_WRITES = ("/api/comment", "/api/compose", "/api/submit")


class RedditPlace(Place):
    network = "reddit"
    cannot: ClassVar[dict[str, str]] = {
        "customer_sees_images": "Reddit's API takes no files in answers",
    }
    patience_s = 1.0

    def __enter__(self) -> RedditPlace:
        self.reddit = RedditDouble()
        self.reddit.start()
        self.customer = self.reddit.person("ivana_k")
        self.stranger = self.reddit.person("luka_m")
        self.renew()
        return self

    def __exit__(self, *exc: object) -> None:
        self.reddit.stop()

    def values(self) -> dict[str, Any]:
        return {
            "api_url": self.reddit.url,
            "username": self.reddit.brand.name,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "access_token": self._access,
            "refresh_token": self._refresh,
            "communities": ["r/alvara"],
            "modmail": True,
            "recheck_minutes": 0,
        }

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        """A comment that names us under somebody's post, an answer, or a private message; with a picture, a
        post in our community."""
        with self.reddit.lock:
            if private:
                parent = to if to and to.startswith("t4_") else None
                return self.reddit.message(self.customer, self.reddit.brand, text, parent=parent).name
            if image:
                picture = "https://i.redd.it/brokenbox.png"
                return self.reddit.post(self.customer, text, community="alvara", picture=picture).name
            if to is None:
                to = self.reddit.post(self.stranger, "Which airline to Oslo?").name
                text = f"{text} u/{self.reddit.brand.name}"
            return self.reddit.comment(self.customer, text, to=to).name

    def customer_posts(self, title: str, text: str = "") -> str:
        """A post in the brand's community."""
        with self.reddit.lock:
            return self.reddit.post(self.customer, title, text, community="alvara").name

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        with self.reddit.lock:
            return [
                one.body
                for one in self.reddit.things.values()
                if one.by is self.reddit.brand
                and not one.deleted
                and (one.to is self.customer if private else one.parent == external_id)
            ]

    def customer_deletes(self, external_id: str) -> None:
        with self.reddit.lock:
            self.reddit.things[external_id].deleted = True

    def customer_edits(self, external_id: str, text: str) -> None:
        with self.reddit.lock:
            one = self.reddit.things[external_id]
            # The title of a post cannot be changed, its text can.
            named = f" u/{self.reddit.brand.name}" if f"u/{self.reddit.brand.name}" in one.body else ""
            one.body, one.edited = text + named, float(int(self.reddit.now()))

    def outage(self) -> AbstractContextManager[None]:
        return self.reddit.outage()

    @contextmanager
    def break_after_posting(self) -> Iterator[None]:
        def writes(request: Request) -> bool:
            return request.method == "POST" and (
                request.path in _WRITES or request.path.startswith("/api/mod/conversations/")
            )

        with self.reddit.answers_lost(writes):
            yield

    def revoke(self) -> None:
        with self.reddit.lock:
            self.reddit.tokens.clear()
            self.reddit.refresh_tokens.clear()

    def renew(self) -> None:
        with self.reddit.lock:
            self._access, self._refresh = self.reddit.token(self.reddit.brand)


PLACE = RedditPlace
