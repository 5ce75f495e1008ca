"""One entry of any kind of feed, seen the same way: what :mod:`.poll` compares and :mod:`.parse` tells.

Pure: all that is known comes from the stored payload ``{"feed": {…}, "entry": {…}, "read_at": …,
"changed": …}``, whose entry is feedparser's (kind ``entry``) or a JSON Feed's item (kind ``item``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from rapport.networks.feeds.plain import absolute, plain, tidy

_MAX_ID = 180
_ADDRESS_AND_NAME = re.compile(r"\s*([^\s@()<>]+@[^\s@()<>]+)\s*\(([^()]+)\)\s*")
# The first feeds are of 1997; an earlier date, or the first second of 1970, is a clock that was never set.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An entry. ``id`` names it within the channel. Times are None where the feed gives none, or nonsense.

    ``pictures``: (address, alt) in the text. ``files``: (address, content type) beside it. ``author``: as
    the feed has it, with ``name``, ``url``, ``email``, ``avatar``. ``replies_to``: an id like ``id``.
    """

    id: str
    link: str
    title: str
    text: str
    published: datetime | None
    updated: datetime | None
    stamp: str  # ``updated`` as the feed writes it: enough to see that it is another one
    author: Mapping[str, str]
    lang: str
    pictures: Sequence[tuple[str, str]] = ()
    files: Sequence[tuple[str, str]] = ()
    replies_to: str = ""

    def fingerprint(self) -> str:
        """Differs when what people read does."""
        return digest(f"{self.title}\n{self.text}", 6)


def view(kind: str, payload: Any) -> View:
    """The entry in a payload. Raises ValueError, KeyError or TypeError when there is none."""
    feed, entry = mapping(payload["feed"], "feed"), mapping(payload["entry"], "entry")
    if kind == "entry":
        return _xml(feed, entry)
    if kind == "item":
        return _json(feed, entry)
    raise ValueError(f"unknown kind {kind!r}")


def _xml(feed: Mapping[str, Any], entry: Mapping[str, Any]) -> View:
    link = _link(feed, entry)
    base = link or _base(feed)
    title = _inline(text_of(entry, "title"), text_of(entry, "title_type"))
    body, kind = _body(entry)
    text, pictures = (tidy(body), []) if kind == "text/plain" else plain(body, base=base)
    reply = entry.get("thr_in-reply-to")
    ref = text_of(reply, "ref") if isinstance(reply, Mapping) else ""
    files = _files(entry, base)
    said = (title, text_of(entry, "published") or text, *(url for url, _kind in [*pictures, *files]))
    return View(
        id=entry_id(feed, text_of(entry, "id") or text_of(entry, "link"), said),
        link=link,
        title=title,
        text=text,
        published=_time(entry, "published") or _time(entry, "created"),
        updated=_time(entry, "updated"),
        stamp=text_of(entry, "updated"),
        author=_person(entry),
        lang=text_of(entry, "language") or text_of(feed, "lang"),
        pictures=pictures,
        files=files,
        # RFC 4685, section 3: the id of what an entry of a comments feed answers.
        replies_to=_scoped(feed, ref) if ref else "",
    )


def _link(feed: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """The entry's page. RSS takes an id for a link unless told otherwise, so a bare id is none."""
    given = text_of(entry, "link")
    found = absolute(given, "" if given == text_of(entry, "id") else _base(feed))
    for one in _list(entry, "links"):
        found = found or absolute(text_of(one, "href") if one.get("rel") == "related" else "", _base(feed))
    return found


def _person(entry: Mapping[str, Any]) -> dict[str, str]:
    """Who wrote it. RSS wants ``address (name)`` (https://www.rssboard.org/rss-specification#ltauthor)."""
    detail = entry.get("author_detail")
    detail = detail if isinstance(detail, Mapping) else {}
    both = _ADDRESS_AND_NAME.fullmatch(text_of(entry, "author")[:300])
    return {
        "name": both.group(2) if both else text_of(detail, "name") or text_of(entry, "author"),
        "url": text_of(detail, "href"),
        "email": both.group(1) if both else text_of(detail, "email"),
    }


def _body(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The fullest text of an entry and its type; HTML where both kinds are given."""
    contents = entry.get("content")
    found = [
        (text_of(one, "value"), text_of(one, "type") or "text/html")
        for one in (contents if isinstance(contents, list) else [])
        if isinstance(one, Mapping) and text_of(one, "value")
    ]
    # App stores give a review as text and, with pictures and links around it, as HTML: the text is the review.
    if "im_rating" in entry:
        found.sort(key=lambda one: one[1] != "text/plain")
    else:
        found.sort(key=lambda one: "html" not in one[1])
    found.append((text_of(entry, "summary"), text_of(entry, "summary_type") or "text/html"))
    return found[0]


def _files(entry: Mapping[str, Any], base: str) -> list[tuple[str, str]]:
    """Enclosures, and the media module's contents (https://www.rssboard.org/media-rss)."""
    found: dict[str, str] = {}
    links = [one for one in _list(entry, "links") if one.get("rel") == "enclosure"]
    for one in links:
        found.setdefault(absolute(text_of(one, "href"), base), text_of(one, "type"))
    for one in _list(entry, "media_content"):
        kind = text_of(one, "type") or f"{text_of(one, 'medium') or 'file'}/*"
        found.setdefault(absolute(text_of(one, "url"), base), kind)
    if not any(kind.startswith("image") for kind in found.values()):
        for one in _list(entry, "media_thumbnail")[:1]:
            found.setdefault(absolute(text_of(one, "url"), base), "image/*")
    return [(url, kind) for url, kind in found.items() if url]


def _json(feed: Mapping[str, Any], entry: Mapping[str, Any]) -> View:
    base = absolute(text_of(entry, "url"), _base(feed)) or _base(feed)
    html = _string(entry, "content_html")
    if html:
        text, pictures = plain(html, base=base)
    else:
        text, pictures = tidy(_string(entry, "content_text") or _string(entry, "summary")), []
    title = " ".join(_string(entry, "title").split())
    authors = _list(entry, "authors") or [one for one in [entry.get("author")] if isinstance(one, Mapping)]
    author = authors[0] if authors else {}
    # Version 1 said that an id may be a number.
    given = entry.get("id")
    number = str(given) if isinstance(given, int | float) and not isinstance(given, bool) else ""
    image = absolute(text_of(entry, "image"), base)
    files = {
        absolute(text_of(one, "url"), base): text_of(one, "mime_type") for one in _list(entry, "attachments")
    }
    if image and image not in {url for url, _alt in pictures}:
        pictures = [(image, ""), *pictures]
    said = (title, text_of(entry, "date_published") or text, *(url for url, _alt in pictures), *files)
    return View(
        id=entry_id(feed, number or text_of(entry, "id") or text_of(entry, "url"), said),
        link=absolute(text_of(entry, "url") or text_of(entry, "external_url"), _base(feed)),
        title=title,
        text=text,
        published=moment(entry.get("date_published")),
        updated=moment(entry.get("date_modified")),
        stamp=text_of(entry, "date_modified"),
        author={
            "name": text_of(author, "name"),
            "url": text_of(author, "url"),
            "avatar": absolute(text_of(author, "avatar"), base),
        },
        lang=text_of(entry, "language") or text_of(feed, "lang"),
        pictures=pictures,
        files=[(url, kind) for url, kind in files.items() if url],
    )


# Names --------------------------------------------------------------------------------------------
def entry_id(feed: Mapping[str, Any], given: str, said: Sequence[str]) -> str:
    """The entry's own id or link; else a hash of what it says. At most 200 characters.

    Raises ValueError for an entry that has nothing of all that.
    """
    if given.strip():
        return _scoped(feed, given.strip())
    if not any(said):
        raise ValueError("an entry without an id, a link, a title and a text")
    return _scoped(feed, "said:" + digest("\n".join(said), 12))


def _scoped(feed: Mapping[str, Any], given: str) -> str:
    """An id that is unique in the channel.

    Ids that the feed's own site gives are the same in all its feeds, so an entry in two of them is one
    message. Others are kept to their feed: so no feed can speak for another's entries.
    """
    authority = ""
    if given.startswith(("http://", "https://")):
        authority = _host(given)
    elif given.startswith("tag:"):  # RFC 4151: tag:authority,date:specific
        authority = given[4:].partition(",")[0].rpartition("@")[2].lower()
    known = bool(authority) and authority.removeprefix("www.") == _host(text_of(feed, "address"))
    scope = "" if known else f"{digest(text_of(feed, 'address'), 4)}:"
    return scope + (given if len(given) <= _MAX_ID else f"hash:{digest(given, 20)}")


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def digest(value: str, size: int) -> str:
    """``2 * size`` hexadecimal digits."""
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


# Values -------------------------------------------------------------------------------------------
def moment(value: Any) -> datetime | None:
    """A time in UTC; None for one that is missing, unreadable or was never set. Without a zone it is UTC."""
    if not isinstance(value, str) or len(value) > 60:
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found >= EARLIEST else None


def _time(entry: Mapping[str, Any], name: str) -> datetime | None:
    """A time of Atom to its fraction of a second, any other as feedparser read it, to the second."""
    written = text_of(entry, name)
    exact = moment(written) if "T" in written and len(written) >= 19 else None
    return exact or moment(entry.get(f"{name}_parsed"))


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """``value`` if it is an object. Raises TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not an object")
    return value


def text_of(value: Mapping[str, Any], name: str) -> str:
    """A string, "" for anything else."""
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _string(value: Mapping[str, Any], name: str) -> str:
    """A string, "" when it is missing. Raises TypeError for anything else."""
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise TypeError(f"{name} is not a string")
    return found or ""


def _list(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = value.get(name)
    return [one for one in found[:100] if isinstance(one, Mapping)] if isinstance(found, list) else []


def _inline(value: str, kind: str) -> str:
    if "html" in kind:
        value = plain(value)[0]
    return " ".join(value.split())


def _base(feed: Mapping[str, Any]) -> str:
    return text_of(feed, "link") or text_of(feed, "address")
