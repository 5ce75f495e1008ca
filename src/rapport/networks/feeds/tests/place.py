"""A forum's comments feed, for members only, on a real HTTP server: where feeds' common tests take place."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from rapport.networks.feeds.tests.site import Page, Site
from rapport.networks.testing import Place


@dataclass
class Comment:
    id: str
    text: str
    at: datetime
    to: str | None
    image: bool
    updated: datetime | None = None


class FeedsPlace(Place):
    """One customer, Mirela, who comments; the feed shows the newest 50 comments, the newest first."""

    network: ClassVar[str] = "feeds"
    private: ClassVar[bool] = False
    cannot: ClassVar[Mapping[str, str]] = {
        "customer_reads": "nothing can be sent to a feed",
        "customer_sees_images": "nothing can be sent to a feed",
        "break_after_posting": "nothing can be sent to a feed",
        "customer_deletes": "a feed does not say that an entry is gone: old entries leave it all the time",
        "deliveries": "feeds are polled",
    }

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._comments: list[Comment] = []
        self._numbers = itertools.count(1)
        self._password = "blue-kettle-7"

    def __enter__(self) -> FeedsPlace:
        self.site = Site()
        self.site.pages["/"] = Page(
            b'<html><head><link rel="alternate" type="application/atom+xml" href="/comments.atom"></head></html>',
            "text/html",
        )
        self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.site.stop()

    def _open(self) -> None:
        self.site.pages["/comments.atom"] = Page(self._feed, login=f"alvara:{self._password}")

    def values(self) -> dict[str, Any]:
        return {"feeds": [f"{self.site.url}/"], "words": [], "user": "alvara", "password": self._password}

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        with self._lock:
            name = f"tag:127.0.0.1,2026:comment-{next(self._numbers)}"
            self._comments.append(Comment(name, text, datetime.now(UTC), to, image))
        return name

    def customer_edits(self, external_id: str, text: str) -> None:
        with self._lock:
            comment = next(one for one in self._comments if one.id == external_id)
            comment.text, comment.updated = text, datetime.now(UTC)

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        raise NotImplementedError(self.cannot["customer_reads"])

    def outage(self) -> AbstractContextManager[None]:
        return self.site.away()

    def revoke(self) -> None:
        self.site.pages["/comments.atom"].login = "alvara:something else"

    def renew(self) -> None:
        self._password = "red-kettle-8"
        self._open()

    def _feed(self) -> bytes:
        with self._lock:
            entries = "".join(self._entry(one) for one in reversed(self._comments[-50:]))
        return (
            '<?xml version="1.0" encoding="utf-8"?>'
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0">'
            f"<id>tag:127.0.0.1,2026:comments</id><title>Comments at Kettle Talk</title>"
            f'<link href="{self.site.url}/"/>{entries}</feed>'
        ).encode()

    def _entry(self, one: Comment) -> str:
        html = f"<p>{escape(one.text)}</p>"
        if one.image:
            html += '<img src="/box.jpg" alt="A broken box">'
        reply = f"<thr:in-reply-to ref={quoteattr(one.to)}/>" if one.to else ""
        return (
            f"<entry><id>{one.id}</id>{reply}<title>Comment</title>"
            f'<link href="{self.site.url}/c/{one.id.rpartition("-")[2]}"/>'
            f"<author><name>Mirela Kos</name><uri>{self.site.url}/people/mirela</uri></author>"
            f"<published>{one.at.isoformat()}</published><updated>{(one.updated or one.at).isoformat()}</updated>"
            f'<content type="html">{escape(html)}</content></entry>'
        )


PLACE = FeedsPlace
