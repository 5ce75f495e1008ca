"""What an account's webhooks bring, as raw events with the keys that polling gives the same things.

https://developers.facebook.com/docs/instagram-platform/webhooks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rapport.networks.base import RawItem
from rapport.networks.meta.messages import raw_messaging
from rapport.networks.meta.webhooks import Happening

Lookup = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def raw_item(happening: Happening, account: Mapping[str, str], look_up: Lookup) -> RawItem | None:
    """An event to store; None for receipts.

    ``look_up`` completes a mention, which comes as ids alone and cannot be listed later; it may raise
    TryAgain, and the delivery is then to be sent again.
    """
    value = happening.value
    if happening.field == "messaging":
        return raw_messaging(value, account, happening.time)
    payload = {"account": dict(account), "time": happening.time, "value": dict(value)}
    if happening.field in {"comments", "live_comments"}:
        return RawItem(kind=happening.field, payload=payload, key=f"comment:{value.get('id')}")
    if happening.field == "mentions":
        key = f"mention:{value.get('comment_id') or value.get('media_id')}"
        return RawItem(kind="mentions", payload={**payload, **look_up(value)}, key=key)
    return RawItem(kind=f"unknown:{happening.field}"[:60], payload=payload)
