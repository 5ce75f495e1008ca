"""What an entered letter or call means. Pure: no clock, no database, no network."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Author, Event, Media, MediaKind, MessageSeen

KINDS = {"entered": "A letter, a call or a visit, as an agent entered it."}
WAYS = frozenset({"letter", "call", "visit"})


def parse_event(kind: str, payload: Any) -> list[Event]:
    """The message in an entry. Raises ValueError, KeyError or TypeError when it is not understood."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}")
    if not isinstance(payload, Mapping):
        raise TypeError("the event is not an object")
    way = _text(payload, "way")
    if way not in WAYS:
        raise ValueError(f"unknown way {way!r}")
    facts: dict[str, Any] = {"kind": way}
    for name in ("phone", "address", "recorded_by"):
        if _text(payload, name):
            facts[name] = payload[name]
    files = payload["files"]
    if not isinstance(files, list) or len(files) > 50:
        raise TypeError("files is not a list of at most 50")
    return [
        MessageSeen(
            external_id=_id(payload, "id"),
            author=Author(
                external_id=_id(payload, "author"),
                handle=_text(payload, "phone"),
                name=_text(payload, "name") or _text(payload, "phone"),
            ),
            text=_text(payload, "text"),
            sent_at=_time(payload, "at"),
            visibility="private",
            thread_key=_id(payload, "thread"),
            media=tuple(_media(one) for one in files),
            facts=facts,
        )
    ]


def _media(value: Any) -> Media:
    if not isinstance(value, Mapping):
        raise TypeError("a file is not an object")
    kind = _text(value, "type")
    try:
        content = base64.b64decode(_text(value, "content").encode("ascii", "replace"), validate=True)
    except binascii.Error as error:
        raise ValueError("a file is not base64") from error
    media_kind: MediaKind = "image" if kind.startswith("image/") else "file"
    return Media(kind=media_kind, name=_text(value, "name"), content_type=kind, content=content)


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value[name]
    if not isinstance(found, str):
        raise TypeError(f"{name} is not a string")
    return found


def _id(value: Mapping[str, Any], name: str) -> str:
    found = _text(value, name)
    if not 0 < len(found) <= 200:
        raise ValueError(f"{name} is empty or longer than 200 characters")
    return found


def _time(value: Mapping[str, Any], name: str) -> datetime:
    found = datetime.fromisoformat(_text(value, name))
    if found.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{name} is out of range") from error
