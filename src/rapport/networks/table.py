"""What every installed network can do, in one table: the command, the docs and the desk read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rapport.networks.base import Capabilities, Connector, Hears, MediaRules, Tested
from rapport.networks.registry import connectors

_HOW: dict[Tested, str] = {
    Tested.SERVER: "real server",
    Tested.DOUBLE: "double by published rules",
    Tested.ITSELF: "part of Rapport",
}

# Column → what it says of a network's capabilities.
COLUMNS: dict[str, Callable[[Capabilities], bool]] = {
    "mentions": lambda can: Hears.MENTIONS in can.hears,
    "comments": lambda can: Hears.COMMENTS in can.hears,
    "private": lambda can: Hears.PRIVATE in can.hears,
    "reviews": lambda can: Hears.REVIEWS in can.hears,
    "listen": lambda can: Hears.LISTEN in can.hears,
    "reply": lambda can: can.send and can.public_reply,
    "private_reply": lambda can: can.send and can.private_reply,
    "read_receipts": lambda can: "read" in can.receipts,
    "media": lambda can: can.media is not None or can.media_private is not None,
    "edit": lambda can: can.edit,
    "delete": lambda can: can.delete,
    "history": lambda can: can.history or can.archive,
    "webhook": lambda can: can.webhook,
    "stream": lambda can: can.stream,
}


def rows() -> list[dict[str, Any]]:
    """One row per network, by label: ``network``, ``label``, the columns as booleans, ``tested`` in words."""
    found = sorted(connectors().values(), key=lambda one: str(one.label).lower())
    return [
        {
            "network": one.network,
            "label": str(one.label),
            **{name: says(one.capabilities) for name, says in COLUMNS.items()},
            "tested": _HOW[one.capabilities.tested],
        }
        for one in found
    ]


def limits(connector: type[Connector]) -> dict[str, str]:
    """A network's limits in words, by what they limit; what is not limited is left out."""
    can = connector.capabilities
    found: dict[str, str] = {}
    if can.send:
        found["length"] = _length_words(can)
    if can.media is not None:
        found["media"] = media_words(can.media)
    if can.media_private is not None and can.media_private != can.media:
        found["private media"] = media_words(can.media_private)
    if can.windows:
        found["private replies"] = "; ".join(
            f"within {duration_words(one.length)} ({one.name}{', written by a person' if one.by_person else ''})"
            for one in can.windows
        )
    if can.budgets:
        found["calls"] = "; ".join(
            f"{one.name}: {one.calls:,} per {duration_words(one.per)}" for one in can.budgets
        )
    if can.profile_writes:
        found["profile"] = "can be changed: " + ", ".join(sorted(can.profile_writes))
    return found


def _length_words(can: Capabilities) -> str:
    """``500 characters (private: 1,000 bytes)``."""
    public = f"{can.max_length:,} {can.counts}"
    private = f"{can.limit('private'):,}" + (f" {can.counts_private}" if can.counts_private else "")
    differs = can.counts_private or can.limit("private") != can.max_length
    return f"{public} (private: {private})" if can.private_reply and differs else public


def media_words(rules: MediaRules) -> str:
    """Rules for files in a sentence's part: ``up to 4: image 1 MB; alt text``."""
    kinds = ", ".join(f"{kind} {size / 1e6:g} MB" for kind, size in rules.max_bytes.items())
    alt = "; alt text" if rules.alt_text else ""
    alt += f" up to {rules.max_alt_length:,}" if rules.alt_text and rules.max_alt_length else ""
    return f"up to {rules.max_count}: {kinds}{alt}"


def duration_words(length: timedelta) -> str:
    """A duration in the largest unit that fits: ``7 days``, ``24 hours``, ``15 minutes``."""
    seconds = int(length.total_seconds())
    for unit, size, least in (("day", 86_400, 2 * 86_400), ("hour", 3_600, 3_600), ("minute", 60, 60)):
        if seconds >= least and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}s" if count != 1 else f"1 {unit}"
    return f"{seconds} seconds"
