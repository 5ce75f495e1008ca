"""What Meta's headers say of our budgets: percentages used, and when a blocked one opens again.

https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from rapport.networks.base import SeenLimit

APP_USAGE = "X-App-Usage"
PAGE_USAGE = "X-Page-Usage"
BUSINESS_USAGE = "X-Business-Use-Case-Usage"
_PARTS = ("call_count", "total_time", "total_cputime")
# An app may make at least 200 calls an hour (200 for each of its users), so one percent is two calls.
_CALLS_PER_PERCENT = 2
_WINDOW = timedelta(hours=1)
LONGEST = timedelta(hours=24)


def seen_limits(response: httpx.Response, *, now: datetime | None = None) -> list[SeenLimit]:
    """What is left of the tightest budget, for reading and writing alike: Meta counts both together."""
    now = now or datetime.now(UTC)
    used = max(_used(response), default=None)
    if used is None:
        return []
    left = int(max(0.0, 100.0 - used) * _CALLS_PER_PERCENT)
    reset_at = now + (regain(response) or _WINDOW)
    return [SeenLimit(budget=name, remaining=left, reset_at=reset_at) for name in ("read", "write")]


def busiest(response: httpx.Response) -> float:
    """The highest percentage used of any budget, 0 when the answer does not say."""
    return max(_used(response), default=0.0)


def regain(response: httpx.Response) -> timedelta | None:
    """How long a budget that is used up stays closed (``estimated_time_to_regain_access``, minutes)."""
    minutes = [
        found
        for one in _business(response)
        if (found := _number(one.get("estimated_time_to_regain_access"))) is not None and found > 0
    ]
    return min(timedelta(minutes=min(max(minutes), 10_000)), LONGEST) if minutes else None


def pace(usage: float) -> timedelta | None:
    """How long to leave an account alone, by the percentage used of its tightest budget; None: as usual."""
    if usage >= 90:
        return timedelta(minutes=15)
    return timedelta(minutes=5) if usage >= 60 else None


def _used(response: httpx.Response) -> Iterator[float]:
    for budget in (_json(response, APP_USAGE), _json(response, PAGE_USAGE), *_business(response)):
        if isinstance(budget, Mapping):
            yield from (found for part in _PARTS if (found := _number(budget.get(part))) is not None)


def _business(response: httpx.Response) -> list[Mapping[str, Any]]:
    found = _json(response, BUSINESS_USAGE)
    if not isinstance(found, Mapping):
        return []
    lists = [one for one in found.values() if isinstance(one, list)]
    return [budget for one in lists for budget in one if isinstance(budget, Mapping)]


def _json(response: httpx.Response, header: str) -> Any:
    try:
        return json.loads(response.headers.get(header, "") or "null")
    except (ValueError, RecursionError):
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < 1e9 else None
