"""Reading Meta's JSON: every value is somebody else's, so each is checked for what it claims to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Media, MediaKind

# Ids of Rapport's outgoing messages, which Messenger hands back as metadata.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Above this a number counts milliseconds: seconds would be a date after the year 5000.
_MILLISECONDS_FROM = 100_000_000_000
MAX_PARTS = 100  # attachments, pictures of an album: more than any client allows


def mapping(value: Any, name: str = "the value") -> Mapping[str, Any]:
    """``value`` if it is an object. Raises TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not an object")
    return value


def optional_mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def text(value: Mapping[str, Any], key: str) -> str:
    """A string that may be missing; missing and null are empty. Raises TypeError for something else."""
    found = value.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise TypeError(f"{key} is not a string")
    return found


def identifier(value: Mapping[str, Any], key: str) -> str:
    """An id, which Meta sends as a string or as a number. Raises KeyError, TypeError, ValueError."""
    found = value[key]
    if isinstance(found, int) and not isinstance(found, bool):
        if not 0 <= found < 10**30:
            raise ValueError(f"{key} is no id")
        found = str(found)
    if not isinstance(found, str):
        raise TypeError(f"{key} is no id")
    if not found.strip() or len(found) > 400:
        raise ValueError(f"{key} is empty or too long")
    return found


def optional_identifier(value: Mapping[str, Any], key: str) -> str | None:
    return None if value.get(key) in (None, "") else identifier(value, key)


def moment(value: Any, name: str = "the time") -> datetime:
    """A time as Meta writes it: ISO 8601 with a zone, or Unix seconds or milliseconds.

    Raises ValueError or TypeError.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"{name} is not a time")
    try:
        if isinstance(value, str) and not value.isdecimal():
            found = datetime.fromisoformat(value)
            if found.tzinfo is None:
                raise ValueError(f"{name} has no time zone")
            return found.astimezone(UTC)
        seconds = float(value)
        if abs(seconds) >= _MILLISECONDS_FROM:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{name} is out of range") from error


def data(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a list, or of an edge (``{"data": […]}``), as far as they are objects."""
    if isinstance(value, Mapping):
        value = value.get("data")
    if isinstance(value, list):
        yield from (one for one in value[:1000] if isinstance(one, Mapping))


def client_ref(value: Mapping[str, Any]) -> str:
    """Our own reference in a message's ``metadata``; empty when another program wrote it."""
    found = value.get("metadata")
    if isinstance(found, str) and _UUID.fullmatch(found[:36]):
        return found[:36].lower() if len(found) == 36 else ""
    return ""


def media(kind: MediaKind, url: Any, *, name: str = "", content_type: str = "") -> tuple[Media, ...]:
    """A file at an address, or nothing when the address is none."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return ()
    return (Media(url=url, kind=kind, name=name, content_type=content_type),)


def link_line(words: str, url: Any) -> str:
    """``words`` with ``url`` on a line of its own, unless it is there already."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")) or url in words:
        return words
    return f"{words}\n{url}" if words else url
