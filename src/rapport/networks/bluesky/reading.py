"""Typed looks into what the network sent: everything in it may be missing, of another type, or hostile. Pure.

Each raises ValueError, KeyError or TypeError, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,190}")
_LONGEST_TEXT = 100_000
_LONGEST_ID = 200


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not an object")
    return value


def within(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under ``key``."""
    return mapping(value[key], key)


def within_or_empty(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under ``key``; {} when there is nothing or something else."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def items(value: Mapping[str, Any], key: str, limit: int) -> list[Mapping[str, Any]]:
    """The objects in a list, at most ``limit``; [] when there is no list."""
    found = value.get(key)
    if not isinstance(found, list):
        return []
    return [one for one in found[:limit] if isinstance(one, Mapping)]


def text(value: Mapping[str, Any], key: str) -> str:
    """A string, possibly empty."""
    found = value[key]
    if not isinstance(found, str):
        raise TypeError(f"{key} is not a string")
    if len(found) > _LONGEST_TEXT:
        raise ValueError(f"{key} is longer than any post can be")
    return found


def text_or_empty(value: Mapping[str, Any], key: str, limit: int = 2000) -> str:
    """A string of at most ``limit`` characters, or "": for what is nice to have."""
    found = value.get(key)
    return found if isinstance(found, str) and len(found) <= limit else ""


def identifier(value: Mapping[str, Any], key: str) -> str:
    """A string that can be stored as an id."""
    found = text(value, key)
    if not 0 < len(found) <= _LONGEST_ID:
        raise ValueError(f"{key} is empty or longer than {_LONGEST_ID} characters")
    return found


def did(value: Mapping[str, Any], key: str = "did") -> str:
    """A decentralised identifier, the stable id of an account."""
    found = identifier(value, key)
    if _DID.fullmatch(found) is None:
        raise ValueError(f"{key} is not a DID")
    return found


def when(value: Mapping[str, Any], key: str) -> datetime:
    """A moment, in UTC. Some clients leave the zone out; it is UTC then."""
    found = datetime.fromisoformat(text(value, key))
    return utc(found)


def utc(value: datetime) -> datetime:
    """The same moment in UTC. Raises ValueError where that cannot be told."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time out of range") from error


def kind_of(value: Mapping[str, Any]) -> str:
    """The ``$type`` of an object of the network, "" where it has none."""
    return text_or_empty(value, "$type", 300)
