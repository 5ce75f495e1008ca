"""Reads values out of X's JSON, or says what is wrong with them: what the parsers of posts and messages share."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Author

Json = Mapping[str, Any]

# Milliseconds of 2010-11-04T01:42:54.657Z, from which ids count: https://docs.x.com/fundamentals/x-ids
_EPOCH_MS = 1288834974657
_FIRST_SNOWFLAKE = 29_700_000_000  # ids below were counted one by one and hold no time
_TCO = re.compile(r"https?://t\.co/[A-Za-z0-9]{1,40}")
_LONGEST_ADDRESS = 4_000
MANY = 200  # more things in a list than any answer of X has


def mapping(value: Any, name: str) -> Json:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not an object")
    return value


def optional_mapping(value: Any, name: str) -> Json:
    """An object, or an empty one for None."""
    return {} if value is None else mapping(value, name)


def entries(value: Any, name: str) -> list[Json]:
    """The objects of a list; [] for None."""
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} is not a list")
    if len(value) > MANY:
        raise ValueError(f"{name} has more than {MANY} entries")
    return [mapping(one, name) for one in value]


def text(value: Json, key: str, default: str | None = None) -> str:
    found = value[key] if default is None else value.get(key)
    if found is None and default is not None:
        return default
    if not isinstance(found, str):
        raise TypeError(f"{key} is not a string")
    return found


def ident(value: Any, name: str) -> str:
    """An id: 1 to 19 digits, as a string (numbers lose their last digits in some languages, not here)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise TypeError(f"{name} is not an id")
    if not (value.isascii() and value.isdecimal() and 0 < len(value) <= 19):
        raise ValueError(f"{name} is not an id of X")
    return value


def number(value: Any, name: str) -> int:
    """A count. XAA sends some as strings too; those are not read."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is not a number")
    if not 0 <= value < 2**63:
        raise ValueError(f"{name} is not a count")
    return value


def moment(value: Any, name: str) -> datetime:
    """ISO 8601 with a zone."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a time")
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    return in_utc(found, name)


def moment_ms(value: Any, name: str) -> datetime:
    """Milliseconds since 1970, as a string or a number."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{name} is not a time")
    milliseconds = int(value) if len(str(value)) <= 16 else -1
    if not 0 <= milliseconds < 253_402_300_800_000:
        raise ValueError(f"{name} is not a time")
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def in_utc(value: datetime, name: str) -> datetime:
    """The same moment in UTC. Raises ValueError at the ends of the calendar."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{name} is out of range") from error


def time_of_id(external_id: str) -> datetime:
    """When a post or message of this id was made: ids hold the millisecond. Raises ValueError for old ones."""
    value = int(external_id)
    if value < _FIRST_SNOWFLAKE:
        raise ValueError("the id is older than ids that hold a time")
    return moment_ms((value >> 22) + _EPOCH_MS, "the time in the id")


def id_at(at: datetime) -> int:
    """The lowest id that a post of this moment can have."""
    return max(0, int(at.timestamp() * 1000) - _EPOCH_MS) << 22


def users_by_id(includes: Json) -> dict[str, Json]:
    """``includes.users`` by id; XAA wraps some of them in ``data``."""
    found = {}
    for user in entries(includes.get("users"), "users"):
        user = mapping(user["data"], "data") if "data" in user and "id" not in user else user
        found[ident(user["id"], "id")] = user
    return found


def author(external_id: str, users: Mapping[str, Json]) -> Author:
    """Whoever has this id, with what the answer says of them."""
    user = users.get(external_id, {})
    handle = text(user, "username", "")
    metrics = optional_mapping(user.get("public_metrics"), "public_metrics")
    followers = metrics.get("followers_count")
    return Author(
        external_id=external_id,
        handle=handle,
        name=text(user, "name", ""),
        avatar_url=text(user, "profile_image_url", ""),
        url=f"https://x.com/{handle}" if handle else "",
        followers=None if followers is None else number(followers, "followers_count"),
    )


def words(body: str, addresses: Iterator[tuple[str, str]]) -> str:
    """What people read: X's entities decoded, short addresses replaced by where they lead ("" drops one).

    X escapes ``&``, ``<`` and ``>`` in texts, and nothing else.
    """
    known = dict(addresses)
    body = _TCO.sub(lambda short: known.get(short[0], short[0]), body)
    return html.unescape(body).strip()


def addresses(entities: Json, *, of_media: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """(short, long) of the addresses in a text; those of its own pictures (``of_media``) lead to ""."""
    for one in entries(entities.get("urls"), "urls"):
        short, expanded = text(one, "url", ""), text(one, "expanded_url", "")
        if short and short in of_media:
            yield short, ""
        elif short and expanded.startswith(("https://", "http://")) and len(expanded) <= _LONGEST_ADDRESS:
            # Escaped, because the text around it still is.
            yield short, html.escape(expanded, quote=False)
