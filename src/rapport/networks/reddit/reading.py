"""Reads values out of Reddit's JSON, or says what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Json = Mapping[str, Any]

# A thing's fullname: its kind and its id in base 36. https://www.reddit.com/dev/api/#fullnames
_FULLNAME = re.compile(r"t[1-6]_[0-9a-z]{1,13}")
# Advertisers write in the name of "a:t5_…".
_SHORT = re.compile(r"[0-9A-Za-z_:-]{1,40}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def mapping(value: Any, name: str) -> Json:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is not an object")
    return value


def text(value: Json, key: str, default: str | None = None) -> str:
    found = value[key] if default is None else value.get(key)
    if found is None and default is not None:
        return default
    if not isinstance(found, str):
        raise TypeError(f"{key} is not a string")
    return found


def fullname(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a fullname")
    if not _FULLNAME.fullmatch(value):
        raise ValueError(f"{name} is not a fullname of Reddit")
    return value


def short_id(value: Any, name: str) -> str:
    """An id without its kind, as modmail has them, or a name."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is not an id")
    if not _SHORT.fullmatch(value):
        raise ValueError(f"{name} is not an id of Reddit")
    return value


def base36(number: Any) -> str:
    """Modmail names people by the number that is written in base 36 everywhere else."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError("the number of a person is not a number")
    if not 0 <= number < 36**13:
        raise ValueError("the number of a person is out of range")
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"


def moment(value: Any, name: str) -> datetime:
    """Seconds since 1970, or ISO 8601 with a zone, as modmail has it."""
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
        try:
            return found.astimezone(UTC)
        except OverflowError as error:
            raise ValueError(f"{name} is out of range") from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is not a time")
    if not 0 <= value < 253_402_300_800:  # also keeps out what is no number at all
        raise ValueError(f"{name} is not a time")
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=value)
