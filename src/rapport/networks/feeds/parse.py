"""What a feed's entries mean. Pure: no clock, no database, no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from rapport.networks.base import Author, Event, Media, MediaKind, MessageSeen
from rapport.networks.feeds.entries import View, digest, mapping, moment, text_of, view
from rapport.networks.feeds.plain import absolute

KINDS = {
    "entry": "An entry of an RSS or Atom feed.",
    "item": "An item of a JSON Feed.",
}
_MAX_ID = 180
# A feed may date an entry a little ahead; one from next week is dated when we read it.
_AHEAD = timedelta(minutes=10)
_NUMBER = re.compile(r"\s*(\d{1,3}(?:[.,]\d{1,3})?)\s*(?:/\s*(\d{1,3}))?\s*")


def parse_event(kind: str, payload: Any) -> list[Event]:
    """The message in one entry; [] for an app's own description among its reviews.

    Raises ValueError, KeyError or TypeError when it is not understood.
    """
    payload = mapping(payload, "the event")
    read_at = moment(payload["read_at"])
    if read_at is None:
        raise ValueError("read_at is not a time")
    found = view(kind, payload)
    feed, entry = mapping(payload["feed"], "feed"), mapping(payload["entry"], "entry")
    if "im_artist" in entry and "im_rating" not in entry:
        return []
    text = _text(found)
    if not (text or found.pictures or found.files):
        raise ValueError("an entry that says nothing")
    sent_at, edited_at = _times(found, read_at, changed=payload.get("changed") is True)
    return [
        MessageSeen(
            external_id=found.id,
            author=_author(feed, found),
            text=text,
            sent_at=sent_at,
            edited_at=edited_at,
            parent_id=found.replies_to if found.replies_to != found.id and found.replies_to else None,
            url=found.link,
            lang=found.lang[:16],
            media=_media(found),
            facts=_facts(entry, found),
        )
    ]


def _text(found: View) -> str:
    """Title and text; one of them where the other repeats it, as microblogs' feeds do."""
    title, text = found.title, found.text
    opening = " ".join(text.split())
    if not title or opening.startswith(title.rstrip(".…").rstrip()):
        return text or title or found.link
    return f"{title}\n\n{text}" if text else title


def _times(found: View, read_at: datetime, *, changed: bool) -> tuple[datetime, datetime | None]:
    """When it was written and when last changed. An entry without a date is dated when it was first read."""
    latest = read_at + _AHEAD
    published = found.published if found.published and found.published <= latest else None
    updated = found.updated if found.updated and found.updated <= latest else None
    sent_at = published or updated or read_at
    if changed:
        return sent_at, max(updated or read_at, sent_at)
    # Some programs store the two a moment apart.
    edited = published is not None and updated is not None and updated - published > timedelta(minutes=1)
    return sent_at, updated if edited else None


def _author(feed: Mapping[str, Any], found: View) -> Author:
    """Feeds have no ids of people: a page of their own is one, else the name within the feed is.

    An entry without an author is the feed's, or its site's.
    """
    given: Mapping[str, Any] = found.author
    if not (text_of(given, "name") or text_of(given, "email")):
        whole = feed.get("author")
        given = whole if isinstance(whole, Mapping) else {}
    name = " ".join(text_of(given, "name").split())
    email = text_of(given, "email").strip().lower()
    scope = digest(text_of(feed, "address"), 4)
    if not (name or email):
        title = text_of(feed, "title") or text_of(feed, "address")
        return Author(external_id=f"site:{scope}", name=title, url=text_of(feed, "link"))
    home = text_of(feed, "link")
    page = absolute(text_of(given, "url") or text_of(given, "href"), home)
    # Many blogs give their own front page as everybody's.
    own = bool(page) and page.rstrip("/") not in {home.rstrip("/"), text_of(feed, "address").rstrip("/")}
    if own and len(page) <= _MAX_ID and page.count("/") > 2 and page.split("/", 3)[3]:
        external_id = page
    else:
        known_as = f"{name.casefold()}\n{email}"
        external_id = f"name:{scope}:{digest(known_as, 12)}"
    return Author(
        external_id=external_id,
        name=name or email,
        url=page if own else "",
        avatar_url=text_of(given, "avatar"),
    )


def _media(found: View) -> tuple[Media, ...]:
    media = [Media(url=url, kind="image", alt=alt) for url, alt in found.pictures]
    known = {one.url for one in media}
    for url, kind in found.files:
        if url not in known:
            content_type = "" if kind.endswith("/*") else kind.split(";")[0].strip()
            media.append(Media(url=url, kind=_media_kind(kind), content_type=content_type))
    return tuple(media[:50])


def _media_kind(content_type: str) -> MediaKind:
    kinds: dict[str, Literal["image", "video", "audio"]] = {
        "image": "image",
        "video": "video",
        "audio": "audio",
    }
    return kinds.get(content_type.partition("/")[0].strip().lower(), "file")


def _facts(entry: Mapping[str, Any], found: View) -> dict[str, Any]:
    """``kind``; for reviews ``rating``, and ``rating_of`` where the scale is known."""
    rated = _rating(entry)
    if rated:
        return {"kind": "review", **rated}
    return {"kind": "comment" if found.replies_to else "entry"}


def _rating(entry: Mapping[str, Any]) -> dict[str, float]:
    """Stars of an app store's review (``im:rating``, of five), or of a review module."""
    for name in ("im_rating", "review_rating", "rating"):
        given = entry.get(name)
        found = _NUMBER.fullmatch(given) if isinstance(given, str) else None
        if found is None:
            continue
        rating = float(found.group(1).replace(",", "."))
        best = 5.0 if name == "im_rating" else float(found.group(2) or 0)
        if best and rating > best:
            continue
        return {"rating": _whole(rating)} | ({"rating_of": _whole(best)} if best else {})
    return {}


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value
