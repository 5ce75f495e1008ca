"""Answers of lists, and times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rapport.networks.meta.tests.fields import BadFields


def written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")


def listed(call: Any, things: list[Any], show: Any) -> dict[str, Any]:
    """One answer of a list, by cursor. Cursors are places here, opaque to whoever obeys the rules."""
    limit = int(call.params.get("limit", "25"))
    if not 0 < limit <= 100:
        raise BadFields("(#100) limit must be between 1 and 100")
    start = int(call.params.get("after", "0"))
    page, after = things[start : start + limit], start + limit
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(after)}}
    if after < len(things):
        paging["next"] = (
            f"https://graph.facebook.com/v25.0/{call.path}?access_token=secret&limit={limit}&after={after}"
        )
    return {"data": [show(one) for one in page], "paging": paging}
