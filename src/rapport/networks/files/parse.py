"""Rows of imported files → events. Pure; a ValueError's text is shown to the person who imports.

``twcs`` is the "Customer Support on Twitter" data set (https://www.kaggle.com/datasets/thoughtvector/
customer-support-on-twitter): companies are named by their handle, customers by a number.
``jsonl`` is Rapport's own canonical row, described in ``docs/how-to/import.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

from rapport.networks.base import Author, Event, Media, MessageDeleted, MessageSeen, Visibility

MAX_ID = 200
MAX_TEXT = 100_000
MAX_NAME = 200
MAX_URL = 1000
MAX_LANG = 16
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

TWCS_COLUMNS = ("tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id")

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_TWEET_ID = re.compile(r"(?:0|[1-9][0-9]{0,17}|[1-8][0-9]{18})\Z")  # fits 64 bits; one way to write each
_TWITTER_TIME = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) (\d{1,2}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d) (\d{4})\Z",
    re.ASCII,
)
_COMPANY = re.compile(r"[A-Za-z0-9_]{1,50}\Z")
# What PostgreSQL cannot store, and what marks bytes that were not UTF-8.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


def twitter_time(value: str) -> datetime:
    """``Tue Oct 31 22:10:47 +0000 2017`` → a time with a zone. Raises ValueError.

    By hand because ``strptime`` takes eight times as long and reads month names in the user's language.
    """
    match = _TWITTER_TIME.match(value)
    if match is None:
        raise ValueError(f"created_at is not a time like 'Tue Oct 31 22:10:47 +0000 2017': {_shown(value)}")
    month, day, hour, minute, second, sign, zone_hours, zone_minutes, year = match.groups()
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        zone = UTC if not offset else timezone(-offset if sign == "-" else offset)
        return _sane(
            datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=zone),
            "created_at",
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"created_at is no real date: {_shown(value)}") from error


def is_company(author_id: str) -> bool:
    """Whether an author of a ``twcs`` file is a company: those have a handle, customers a number."""
    return not author_id.isdigit()


def twcs_account(author_id: str) -> str:
    """External id of the identity (and, for a company, of the channel)."""
    return f"twcs:{author_id}"


def twcs_events(payload: Mapping[str, Any]) -> list[Event]:
    """The message in one row. Raises ValueError with a reason for a row that cannot be used.

    Twitter escapes exactly ``&``, ``<`` and ``>`` in texts; here they are what people wrote.
    """
    for column in TWCS_COLUMNS:
        if not isinstance(payload.get(column), str):
            raise ValueError(f"the column {column} is missing")
    if not _TWEET_ID.match(payload["tweet_id"]):
        raise ValueError(f"tweet_id is not a tweet's number: {_shown(payload['tweet_id'])}")
    author = payload["author_id"]
    if not _COMPANY.match(author):
        raise ValueError(f"author_id is neither a number nor a handle: {_shown(author)}")
    parent = payload["in_response_to_tweet_id"]
    if parent and not _TWEET_ID.match(parent):
        raise ValueError(f"in_response_to_tweet_id is not a tweet's number: {_shown(parent)}")
    if parent == payload["tweet_id"]:
        raise ValueError("the message answers itself")
    if payload["inbound"] not in {"True", "False"}:
        _truth(payload["inbound"], "inbound")
    text = _bounded(_storable(payload["text"], "text"), "text", MAX_TEXT)
    company = is_company(author)
    return [
        MessageSeen(
            external_id=payload["tweet_id"],
            author=Author(external_id=twcs_account(author), handle=author, name=author if company else ""),
            text=text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"),
            sent_at=twitter_time(payload["created_at"]),
            parent_id=parent or None,
        )
    ]


def canonical_events(payload: Mapping[str, Any]) -> list[Event]:
    """The message in one canonical row, and its deletion if it has one. Raises ValueError with a reason."""
    message_id = identifier(payload, "id", required=True)
    if payload.get("text") is None:  # it may be empty: a picture alone is a message too
        _missing("text")
    parent = identifier(payload, "parent_id")
    if parent == message_id:
        raise ValueError("the message answers itself")
    visibility = _string(payload, "visibility", 10) or "public"
    if visibility not in {"public", "private"}:
        raise ValueError(f"visibility must be public or private, not {_shown(visibility)}")
    deleted_at = _moment(payload, "deleted_at")
    message = MessageSeen(
        external_id=message_id,
        author=Author(
            external_id=identifier(payload, "author_id", required=True),
            handle=_string(payload, "author_handle", MAX_NAME),
            name=_string(payload, "author_name", MAX_NAME),
        ),
        text=_string(payload, "text", MAX_TEXT),
        sent_at=_moment(payload, "created_at") or _missing("created_at"),
        visibility=cast(Visibility, visibility),
        parent_id=parent or None,
        thread_key=identifier(payload, "thread_key") or None,
        url=_string(payload, "url", MAX_URL),
        lang=_string(payload, "lang", MAX_LANG),
        media=_media(payload.get("media")),
        edited_at=_moment(payload, "edited_at"),
        automatic=truth(payload, "automatic") or False,
    )
    if deleted_at is None:
        return [message]
    return [message, MessageDeleted(external_id=message_id, deleted_at=deleted_at)]


def truth(payload: Mapping[str, Any], column: str) -> bool | None:
    """A yes-or-no column as true or false, None when it is absent. Raises ValueError."""
    value = payload.get(column)
    if value is None or value == "":
        return None
    return value if isinstance(value, bool) else _truth(str(value), column)


def _truth(value: str, column: str) -> bool:
    lowered = value.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError(f"{column} must be true or false, not {_shown(value)}")


def _string(payload: Mapping[str, Any], column: str, limit: int) -> str:
    value = payload.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{column} must be text, not {_shown(value)}")
    return _bounded(_storable(value, column), column, limit)


def identifier(payload: Mapping[str, Any], column: str, *, required: bool = False) -> str:
    """An id: text, or a whole number as some exports write them; "" when absent. Raises ValueError."""
    value = payload.get(column)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        if required:
            _missing(column)
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{column} must be text or a whole number, not {_shown(value)}")
    if value != value.strip():
        raise ValueError(f"{column} begins or ends with a space: {_shown(value)}")
    return _bounded(_storable(value, column), column, MAX_ID)


def _moment(payload: Mapping[str, Any], column: str) -> datetime | None:
    value = payload.get(column)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"{column} must be a time like 2026-11-21T09:30:00Z, not {_shown(value)}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{column} is not a time like 2026-11-21T09:30:00Z: {_shown(value)}") from None
    # Without a zone it is taken as UTC: response times only need all rows of a file to agree.
    return _sane(moment if moment.tzinfo else moment.replace(tzinfo=UTC), column)


def _sane(moment: datetime, column: str) -> datetime:
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{column} is no real date") from error
    if in_utc < EARLIEST:
        raise ValueError(f"{column} lies before 1970")
    return moment


def _media(value: Any) -> tuple[Media, ...]:
    if value is None or value == "":
        return ()
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("media must be a list of objects with url, kind and alt")
    return tuple(
        Media(
            url=_string(one, "url", 2000) or _missing("media url"),
            kind=one["kind"] if one.get("kind") in ("image", "video", "audio") else "file",
            alt=_string(one, "alt", MAX_TEXT),
        )
        for one in value
    )


def _bounded(value: str, column: str, limit: int) -> str:
    if len(value) > limit:
        raise ValueError(f"{column} has {len(value)} characters; {limit} are possible")
    return value


def _storable(value: str, column: str) -> str:
    bad = _UNSTORABLE.search(value)
    if bad is None:
        return value
    if bad.group() == "\0":
        raise ValueError(f"{column} holds a NUL character")
    raise ValueError(f"{column} is not UTF-8")


def _missing(column: str) -> Any:
    raise ValueError(f"{column} is missing")


def _shown(value: Any) -> str:
    """A value for a message: short, and printable whatever it is."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
