"""What an account's webhooks bring, as raw events with the keys that polling gives the same things.

https://developers.facebook.com/docs/instagram-platform/webhooks
"""

from __future__ import annotations

from collections.abc import Mapping

from rapport.networks.base import RawItem
from rapport.networks.meta.messages import raw_messaging
from rapport.networks.meta.webhooks import Happening


def raw_item(happening: Happening, account: Mapping[str, str]) -> RawItem | None:
    """An event to store; None for what holds nothing for a desk. A mention comes as ids alone, so it is to be looked up."""
    value = happening.value
    if happening.field == "messaging":
        return raw_messaging(value, account, happening.time)
    payload = {"account": dict(account), "time": happening.time, "value": dict(value)}
    if happening.field in {"comments", "live_comments"}:
        return RawItem(kind=happening.field, payload=payload, key=f"comment:{value.get('id')}")
    if happening.field == "mentions":
        key = f"mention:{value.get('comment_id') or value.get('media_id')}"
        return RawItem(kind="mentions", payload=payload, key=key, look_up=True)
    return RawItem(kind=f"unknown:{happening.field}"[:60], payload=payload)
