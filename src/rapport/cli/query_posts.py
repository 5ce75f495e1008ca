"""Posts from a file, for ``rapport query match``: JSON lines, or CSV with our columns or those of ``twcs``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from rapport.imports.lines import Lines
from rapport.imports.records import Record, WrongHeader, csv_records, json_records
from rapport.listening.post import Post
from rapport.networks.files.parse import identifier, truth, twitter_time

_NOT_UTF_8 = re.compile("[\ud800-\udfff]")
# Other names of the same, as exports and networks write them; the first that is there counts.
_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "tweet_id"),
    "author": ("author", "author_handle", "author_id"),
    "is_reply": ("is_reply", "in_response_to_tweet_id", "in_reply_to_id", "parent_id"),
}


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no post, and why."""

    number: int
    reason: str


def posts(file: BinaryIO | Lines) -> Iterator[Post | BadLine]:
    """Every post of a file, and every line that is none.

    It is CSV if its first line names a column ``text`` and is no JSON object, in which any piece may be ``text``.
    """
    lines = file if isinstance(file, Lines) else Lines(file)
    first = next(lines, None)
    if first is None:
        return
    lines.give_back([first])
    is_csv, twitter = form_of(first.text)
    try:
        for record in csv_records(lines, needed=("text",)) if is_csv else json_records(lines):
            yield _post(record, twitter=twitter)
    except WrongHeader as error:
        yield BadLine(1, str(error))


def form_of(first: str) -> tuple[bool, bool]:
    """Whether a file that begins with this line is CSV, and whether its entities and times are Twitter's."""
    columns = [name.strip(' "') for name in first.strip().split(",")]
    return "text" in columns and not first.lstrip().startswith("{"), "tweet_id" in columns


def _post(record: Record, *, twitter: bool) -> Post | BadLine:
    if record.fields is None:
        return BadLine(record.line, record.problem)
    try:
        return post_of(record.fields, twitter=twitter)
    except ValueError as error:
        return BadLine(record.line, str(error))


def post_of(fields: Mapping[str, Any], *, twitter: bool = False) -> Post:
    """One post. Raises ValueError with a reason. ``twitter``: entities are escaped and times are Twitter's."""
    text = _text(fields, "text")
    if text is None:
        raise ValueError("text is missing")
    if twitter:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return Post(
        id=identifier({"id": _first(fields, "id")}, "id", required=True),
        text=text,
        title=_text(fields, "title"),
        author=_author(fields),
        author_name=_text(fields, "author_name"),
        to=_text(fields, "to"),
        created_at=_moment(fields.get("created_at")),
        lang=_text(fields, "lang") or _text(fields, "language"),
        network=_text(fields, "network"),
        channel=_text(fields, "channel"),
        url=_text(fields, "url"),
        country=_text(fields, "country"),
        mentions=_list(fields, "mentions"),
        tags=_list(fields, "tags"),
        links=_list(fields, "links"),
        media=_media(fields),
        is_reply=_is_reply(fields),
        is_repost=truth(fields, "is_repost"),
        is_quote=truth(fields, "is_quote"),
        is_verified=truth(fields, "is_verified"),
        followers=_number(fields, "followers"),
        likes=_number(fields, "likes"),
        reposts=_number(fields, "reposts"),
        replies=_number(fields, "replies"),
    )


def _first(fields: Mapping[str, Any], name: str) -> Any:
    return next((fields[one] for one in _NAMES[name] if fields.get(one) not in (None, "")), None)


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or (value == "" and name != "text"):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    if _NOT_UTF_8.search(value):
        raise ValueError(f"{name} is not UTF-8")
    return value


def _author(fields: Mapping[str, Any]) -> str | None:
    value = _first(fields, "author")
    return None if value is None else identifier({"author": value}, "author").lstrip("@") or None


def _is_reply(fields: Mapping[str, Any]) -> bool | None:
    known = truth(fields, "is_reply")
    if known is not None:
        return known
    answered = [name for name in _NAMES["is_reply"][1:] if name in fields]
    return any(fields[name] not in (None, "") for name in answered) if answered else None


def _moment(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("created_at must be a time like 2026-11-21T09:30:00Z")
    if value[:1].isalpha():
        return twitter_time(value)
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("created_at is not a time like 2026-11-21T09:30:00Z") from None


def _list(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None or value == "":
        return ()
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{name} must be a list of texts")
    return tuple(one.strip() for one in found)


def _media(fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Kinds of media: a list of kinds, or of objects with one, as Rapport's own export has them."""
    value = fields.get("media")
    if value is None or value == "":
        return None
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list):
        raise ValueError("media must be a list")
    kinds = [one.get("kind", "file") if isinstance(one, dict) else one for one in found]
    if not all(isinstance(kind, str) for kind in kinds):
        raise ValueError("media must be a list of kinds, such as image")
    return tuple(kinds)


def _number(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be a whole number")
    return value
