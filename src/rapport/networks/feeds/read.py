"""A fetched document as a feed: what it says of itself, and its entries as plain JSON."""

from __future__ import annotations

import io
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser

from rapport.networks.feeds.decode import as_utf8, decoded
from rapport.networks.feeds.plain import absolute

MAX_BYTES = 6_000_000
MAX_ENTRIES = 1000
# No feed nests so deep or leaves so many tags open; reading one that does takes time without end.
_DEPTH = 500
_UNENDED = 5000
_MAX_TEXT = 500_000
_MARKUP = re.compile(r"<!\[CDATA\[|<!--|<(/?)([A-Za-z_][^\s<>/]*)[^<>]*?(/?)>")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}


class NotAFeed(ValueError):
    """The document is something else, such as a web page. ``html``: it is one."""

    def __init__(self, reason: str, *, html: str = "") -> None:
        super().__init__(reason)
        self.html = html


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """``about``: title, link, lang and author, stored with each entry. ``entries``: at most 1000, each
    ``(kind, entry)`` as :func:`~.parse.parse_event` wants it. ``older``: where the entries before these
    are. ``pace``: how often the feed says it changes."""

    about: dict[str, Any]
    entries: list[tuple[str, dict[str, Any]]] = field(repr=False)
    description: str = ""
    picture: str = ""
    older: str = ""
    pace: timedelta | None = None
    expired: bool = False


def read(content: bytes, *, content_type: str, address: str) -> Feed:
    """Read a document that came from ``address``. Raises :class:`NotAFeed`, and nothing else."""
    if len(content) > MAX_BYTES:
        raise NotAFeed("too large")
    text = decoded(content, content_type)
    head = text[:1000].lstrip("\ufeff \t\r\n")
    if head.startswith("{"):
        return _json_feed(text, address)
    if re.match(r"(?is)(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html)", head):
        raise NotAFeed("a web page", html=text)
    _guard(text)
    try:
        found = feedparser.parse(
            io.BytesIO(as_utf8(text)),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:  # it reads what anybody wrote, in a thousand lines of old code
        raise NotAFeed("unreadable") from error
    if not found.get("version") and not found.entries:
        page = "<html" in head.lower() or "<body" in text[:5000].lower()
        raise NotAFeed("a web page" if page else "no feed", html=text if page else "")
    return _xml_feed(found, address)


def _guard(text: str) -> None:
    """Raises :class:`NotAFeed` for markup that a parser would be busy with for minutes."""
    depth = deepest = tags = position = 0
    while (found := _MARKUP.search(text, position)) is not None:
        position = found.end()
        start = found.group()
        if start in {"<![CDATA[", "<!--"}:
            end = text.find("]]>" if start == "<![CDATA[" else "-->", position)
            if end < 0:
                raise NotAFeed("cut off")
            tags += text.count("<", found.start(), end)
            position = end + 3
            continue
        tags += 1
        if found.group(1):
            depth = max(0, depth - 1)
        elif not found.group(3) and found.group(2).lower() not in _VOID:
            depth += 1
            deepest = max(deepest, depth)
    if deepest > _DEPTH:
        raise NotAFeed("nested too deep")
    if text.count("<") - tags > _UNENDED:
        raise NotAFeed("tags that never end")


def _xml_feed(found: Any, address: str) -> Feed:
    feed = found.feed
    link = absolute(_str(feed.get("link")), address)
    about = {
        "title": _str(feed.get("title"))[:500],
        "link": link,
        "lang": _str(feed.get("language"))[:16],
        "author": _plain_json(feed.get("author_detail")) or {},
    }
    image = feed.get("image")
    return Feed(
        about=about,
        entries=[("entry", _entry(one)) for one in found.entries[:MAX_ENTRIES]],
        description=_str(feed.get("subtitle"))[:2000],
        picture=absolute(_str(image.get("href")), address) if isinstance(image, Mapping) else "",
        older=_older(feed, address),
        pace=_pace(feed),
    )


def _older(feed: Any, address: str) -> str:
    """RFC 5005: a paged feed links ``next`` (section 3), an archived one ``prev-archive`` (section 4)."""
    for rel in ("prev-archive", "next"):
        for link in feed.get("links") or []:
            if link.get("rel") == rel:
                return absolute(_str(link.get("href")), address)
    return ""


def _pace(feed: Any) -> timedelta | None:
    """RSS's ``ttl`` in minutes, or the syndication module's period and frequency."""
    ttl = _str(feed.get("ttl")).strip()
    if ttl.isascii() and ttl.isdecimal():
        return timedelta(minutes=min(int(ttl[:6]), 100_000))
    period = _PERIODS.get(_str(feed.get("sy_updateperiod")).strip().lower())
    if period is None:
        return None
    often = _str(feed.get("sy_updatefrequency")).strip()
    return period / (int(often[:4]) or 1) if often.isascii() and often.isdecimal() else period


def _entry(entry: Any) -> dict[str, Any]:
    """What feedparser read of an entry, as JSON; its broken-down times as ISO 8601."""
    kept: dict[str, Any] = {}
    for name, value in dict.items(entry):
        if name.endswith("_parsed"):
            kept[name] = _iso(value)
        elif name not in {"guidislink", "title_detail", "summary_detail", "authors", "links"}:
            kept[name] = _plain_json(value)
    for name in ("title_detail", "summary_detail"):
        detail = entry.get(name)
        if isinstance(detail, Mapping):
            kept[f"{name.removesuffix('_detail')}_type"] = _str(detail.get("type"))[:100]
    kept["links"] = _plain_json(entry.get("links") or [])
    return {name: value for name, value in kept.items() if value not in (None, "", [], {})}


def _iso(value: Any) -> str | None:
    if not isinstance(value, time.struct_time):
        return None
    try:
        return datetime(*value[:6], tzinfo=UTC).isoformat()
    except (ValueError, TypeError, OverflowError):
        return None


def _plain_json(value: Any, depth: int = 0) -> Any:
    """Strings, numbers, lists and objects of at most four levels; the rest is left out."""
    if isinstance(value, str):
        return value[:_MAX_TEXT]
    if isinstance(value, bool | int) or value is None or (isinstance(value, float) and math.isfinite(value)):
        return value
    if depth >= 4:
        return None
    if isinstance(value, Mapping):
        return {str(name)[:100]: _plain_json(one, depth + 1) for name, one in dict.items(dict(value))}
    if isinstance(value, list | tuple) and not isinstance(value, time.struct_time):
        return [_plain_json(one, depth + 1) for one in value[:100]]
    return None


def _json_feed(text: str, address: str) -> Feed:
    """https://www.jsonfeed.org/version/1.1/"""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAFeed("unreadable") from error
    if not isinstance(found, dict) or "jsonfeed.org/version/" not in _str(found.get("version")):
        raise NotAFeed("no feed")
    items = found.get("items")
    if not isinstance(items, list):
        raise NotAFeed("no feed")
    authors = found.get("authors")
    author = authors[0] if isinstance(authors, list) and authors else found.get("author")
    about = {
        "title": _str(found.get("title"))[:500],
        "link": absolute(_str(found.get("home_page_url")), address),
        "lang": _str(found.get("language"))[:16],
        "author": _plain_json(author) if isinstance(author, dict) else {},
    }
    return Feed(
        about=about,
        entries=[("item", _plain_json(one)) for one in items[:MAX_ENTRIES] if isinstance(one, dict)],
        description=_str(found.get("description"))[:2000],
        picture=absolute(_str(found.get("icon")), address),
        older=absolute(_str(found.get("next_url")), address),
        expired=found.get("expired") is True,
    )


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
