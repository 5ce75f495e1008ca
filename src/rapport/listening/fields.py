"""The fields of a query: one table that the parser, the docs and the desk read.

What a field asks of a post, and when that is not known, is in ``facts.py``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.listening.text import handle_name, words
from rapport.listening.tree import Value

MOST_NUMBER = 10**15
_NUMBER = re.compile(r"(\d{1,15})(?:\.(\d))?([kKmM]?)\Z", re.ASCII)
_LANG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}\Z")
_SITE = re.compile(r"[^\s/:@]+\.[^\s/:@.]+\Z")
_NAME = re.compile(r"[^\s]{1,200}\Z")


class Kind(enum.Enum):
    """How the value of a field is written and kept."""

    HANDLE = "handle"
    WORDS = "words"
    NAME = "name"
    LANGUAGE = "language"
    SITE = "site"
    ADDRESS = "address"
    COUNTRY = "country"
    CHOICE = "choice"
    NUMBER = "number"
    DAY = "day"


@dataclass(frozen=True)
class FieldSpec:
    """One field. ``takes`` completes "… takes"; ``values`` are a choice's, with what they mean."""

    name: str
    kind: Kind
    does: Promise
    takes: Promise
    example: str
    aliases: tuple[str, ...] = ()
    values: Mapping[str, Promise] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)  # other ways to write a value


_NUMBERS = _("a number, such as 10, >10, <=5k or 10..20")

FIELDS: tuple[FieldSpec, ...] = (
    FieldSpec(
        "author", Kind.WORDS, _("Who wrote it: the handle, or words of the name"), _("a handle or a name"),
        'author:"ana marić"',
    ),
    FieldSpec("from", Kind.HANDLE, _("Who wrote it, by handle"), _("a handle"), "from:aero_help"),
    FieldSpec("to", Kind.HANDLE, _("Whom it answers, by handle"), _("a handle"), "to:aero_help"),
    FieldSpec(
        "lang", Kind.LANGUAGE, _("Its language; a language includes its regions"),
        _("the code of a language, such as en, th or pt-BR"), "lang:en,hr", ("language",),
    ),
    FieldSpec("network", Kind.NAME, _("The network it is on"), _("the name of a network"), "network:mastodon"),
    FieldSpec(
        "channel", Kind.NAME, _("The channel or stream it came by"), _("the name of a channel"), "channel:aero",
    ),
    FieldSpec(
        "site", Kind.SITE, _("The site of its address, or of one it links to, with what is below it"),
        _("a domain, such as example.com"), "site:example.com", ("domain",),
    ),
    FieldSpec(
        "url", Kind.ADDRESS, _("A piece of its address, or of one it links to"), _("a piece of an address"),
        'url:"example.com/flights"', ("link", "links"),
    ),
    FieldSpec(
        "has", Kind.CHOICE, _("What there is in it"), _("one of its values"), "has:question",
        values={
            "media": _("a picture, video, sound or file"), "image": _("a picture"), "video": _("a video"),
            "link": _("an address"), "question": _("a question mark, of any script"), "emoji": _("an emoji"),
            "tag": _("a hashtag"), "mention": _("a handle"),
        },
        also={
            "images": "image", "videos": "video", "links": "link", "hashtags": "tag", "hashtag": "tag", "tags": "tag",
            "mentions": "mention", "url": "link", "photo": "image", "photos": "image", "picture": "image",
        },
    ),
    FieldSpec(
        "is", Kind.CHOICE, _("What kind of post it is"), _("one of its values"), "is:reply",
        values={
            "reply": _("it answers another"), "repost": _("somebody else's, passed on"),
            "quote": _("somebody else's, passed on with words"), "verified": _("its author is verified by the network"),
        },
        also={"retweet": "repost", "reblog": "repost", "boost": "repost", "share": "repost"},
    ),
    FieldSpec("followers", Kind.NUMBER, _("How many follow its author"), _NUMBERS, "followers:>1000"),
    FieldSpec("likes", Kind.NUMBER, _("How often it was liked"), _NUMBERS, "likes:>10"),
    FieldSpec("reposts", Kind.NUMBER, _("How often it was passed on"), _NUMBERS, "reposts:>=5", ("retweets",)),
    FieldSpec("replies", Kind.NUMBER, _("How many answers it has"), _NUMBERS, "replies:<3"),
    FieldSpec(
        "country", Kind.COUNTRY, _("The country it comes from"), _("two letters, such as HR"), "country:HR,TH",
        ("place_country",),
    ),
    FieldSpec(
        "title", Kind.WORDS, _("Words of its title"), _("words"), 'title:"lost luggage"',
    ),
    FieldSpec(
        "after", Kind.DAY, _("Written on this day or later, or at this time or later (UTC)"),
        _("a day, such as 2026-01-31"), "after:2026-01-31", ("since",),
    ),
    FieldSpec(
        "before", Kind.DAY, _("Written before this day or time (UTC)"), _("a day, such as 2026-01-31"),
        "before:2026-02-28", ("until",),
    ),
)  # fmt: skip

BY_NAME: dict[str, FieldSpec] = {name: spec for spec in FIELDS for name in (spec.name, *spec.aliases)}
# Written like fields, but they are another way to write a leaf.
LEAF_FIELDS = {"raw": "raw", "mentions": "@", "mention": "@", "tag": "#", "tags": "#", "hashtag": "#", "hashtags": "#"}  # fmt: skip
OPTIONS = ("accents", "stem")


def value(spec: FieldSpec, written: str) -> Value | None:
    """What was written, as the field keeps it; None when it takes no such value. Numbers come without operator."""
    written = written.strip()
    folded = written.casefold()
    match spec.kind:
        case Kind.HANDLE:
            name = handle_name(written)
            return name if _NAME.match(name) else None
        case Kind.WORDS:
            return _as_words(spec, written)
        case Kind.NAME:
            return folded or None
        case Kind.LANGUAGE:
            code = folded.replace("_", "-")
            return code if _LANG.match(code) else None
        case Kind.SITE:
            return folded.removeprefix("www.") if _SITE.match(folded) else None
        case Kind.ADDRESS:
            return folded if _NAME.match(folded) else None
        case Kind.COUNTRY:
            return written.upper() if re.fullmatch("[A-Za-z]{2}", written) else None
        case Kind.CHOICE:
            choice = spec.also.get(folded, folded)
            return choice if choice in spec.values else None
        case Kind.NUMBER:
            return _number(written)
        case Kind.DAY:
            return _moment(written)


def _as_words(spec: FieldSpec, written: str) -> str | None:
    if spec.name == "author" and written.startswith("@"):
        return handle_name(written) or None
    return (written.casefold() if spec.name == "author" else words(written)) if words(written) else None


def _number(written: str) -> int | None:
    match = _NUMBER.match(written)
    if match is None or (match[2] and not match[3]):
        return None
    thousand = {"": 1, "k": 1000, "m": 1_000_000}[match[3].lower()]
    found = int(match[1]) * thousand + int(match[2] or 0) * thousand // 10
    return found if found <= MOST_NUMBER else None


def _moment(written: str) -> datetime | None:
    """An ISO day or time; without a zone in UTC."""
    if not re.match(r"\d{4}-\d\d-\d\d", written, re.ASCII):
        return None
    try:
        found = datetime.fromisoformat(written)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
