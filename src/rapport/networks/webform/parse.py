"""What a submitted form means. Pure: no clock, no database, no network."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Author, Event, Media, MediaKind, MessageSeen

KINDS = {
    "submitted": "Somebody sent the form.",
    "added": "Somebody wrote again on the page of their conversation.",
}


def parse_event(kind: str, payload: Any) -> list[Event]:
    """The message in a form. Raises ValueError, KeyError or TypeError when it is not understood."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}")
    if not isinstance(payload, Mapping):
        raise TypeError("the event is not an object")
    thread, email = _text(payload, "thread"), _text(payload, "email")
    facts: dict[str, Any] = {"kind": "form"}
    for name in ("subject", "link", "consent"):
        if _text(payload, name):
            facts[name] = payload[name]
    return [
        MessageSeen(
            external_id=_id(payload, "id"),
            author=Author(
                external_id=_id(payload, "author"),
                handle=email,
                name=_text(payload, "name") or email,
                unproven=bool(email),
            ),
            text=_text(payload, "message"),
            sent_at=_time(payload, "at"),
            visibility="private",
            thread_key=_id({"thread": thread}, "thread"),
            lang=_text(payload, "lang")[:16],
            media=tuple(_media(one) for one in _files(payload)),
            facts=facts,
        )
    ]


def _files(payload: Mapping[str, Any]) -> list[Any]:
    found = payload["files"]
    if not isinstance(found, list) or len(found) > 20:
        raise TypeError("files is not a list of at most 20")
    return found


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
    if not found or len(found) > 300:
        raise ValueError(f"{name} is empty or too long")
    return found if len(found) <= 200 else f"{found[:199]}…"


def _time(value: Mapping[str, Any], name: str) -> datetime:
    found = datetime.fromisoformat(_text(value, name))
    if found.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{name} is out of range") from error
