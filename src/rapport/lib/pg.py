"""Small helpers for SQL that is written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


def array(values: Iterable[str | int | bool | datetime | None]) -> str:
    """A PostgreSQL array literal, to be passed as one parameter and cast: ``%s::text[]``.

    Thousands of values at once are several times faster this way than as a list, which the driver
    escapes one by one.
    """
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: str | int | bool | datetime | None) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None:
        return "NULL"
    return f'"{value.isoformat()}"' if isinstance(value, datetime) else str(value)
