"""The past, page by page: first what was said to us, then what we said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rapport.networks.base import Account, Polled
from rapport.networks.mastodon import items
from rapport.networks.mastodon.api import Mastodon
from rapport.networks.mastodon.poll import NOTIFICATIONS


def history(api: Mastodon, account: Account, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
    """One page, newest first. The cursor: ``list`` (``notifications``, then ``own``, then ``done``) and ``max_id``, as the
    server gave it."""
    if cursor.get("list") == "done":
        return Polled(items=[], cursor=dict(cursor))
    own = cursor.get("list") == "own"
    params: dict[str, Any] = {"limit": 40} if own else dict(NOTIFICATIONS)
    if cursor.get("max_id"):
        params["max_id"] = str(cursor["max_id"])
    me = quote(account.external_id, safe="")
    page = api.page(f"/api/v1/accounts/{me}/statuses" if own else "/api/v1/notifications", params)
    make = items.from_status if own else items.from_notification
    found = [entry for entry in page.items if (items.time_of(entry) or since) >= since]
    older = page.older or (items.text_id(page.items[-1]) if page.items else "")
    if older and older != cursor.get("max_id") and len(found) == len(page.items):
        following = {"list": "own" if own else "notifications", "max_id": older}
    elif not own:
        following = {"list": "own"}
    else:
        following = {"list": "done"}
    return Polled(items=[make(entry) for entry in found], cursor=following, more=following["list"] != "done")
