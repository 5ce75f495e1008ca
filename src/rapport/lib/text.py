"""Text that came from outside, made safe to store."""

from __future__ import annotations

import math
from typing import Any

# PostgreSQL text cannot hold NUL, and UTF-8 cannot encode lone surrogates. Both become the
# replacement character, so that something visible marks the spot.
_BAD = {0: "\N{REPLACEMENT CHARACTER}"} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


def storable(text: str, *, limit: int | None = None) -> str:
    """``text`` without what PostgreSQL cannot store, cut to ``limit`` characters with an ellipsis."""
    text = text.translate(_BAD)
    if limit is not None and len(text) > limit:
        return text[: limit - 1] + "…"
    return text


def storable_json(value: Any) -> Any:
    """The same for every string and key inside a JSON value."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(
        value
    ):  # Python reads NaN and Infinity; JSON has neither
        return None
    return value


def preview(text: str, *, limit: int = 160) -> str:
    """One line of ``text`` for a list."""
    return storable(" ".join(text.split()), limit=limit)
