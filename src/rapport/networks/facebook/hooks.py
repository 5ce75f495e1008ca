"""What a page's webhooks bring, as raw events with the keys that polling gives the same things.

https://developers.facebook.com/docs/graph-api/webhooks/reference/page
"""

from __future__ import annotations

from collections.abc import Mapping

from rapport.networks.base import RawItem
from rapport.networks.meta.messages import raw_messaging
from rapport.networks.meta.values import optional_mapping
from rapport.networks.meta.webhooks import Happening

_KNOWN = frozenset({"feed", "mention", "ratings"})


def raw_item(happening: Happening, account: Mapping[str, str]) -> RawItem | None:
    """An event to store; None for what holds nothing for a desk."""
    if happening.field == "messaging":
        return raw_messaging(happening.value, account, happening.time)
    payload = {"account": dict(account), "time": happening.time, "value": dict(happening.value)}
    if happening.field not in _KNOWN:
        return RawItem(kind=f"unknown:{happening.field}"[:60], payload=payload)
    return RawItem(kind=happening.field, payload=payload, key=_key(happening))


def _key(happening: Happening) -> str:
    """Something new has the key of its object, so that polling finds the same; a change has its time too."""
    value = happening.value
    item, verb = value.get("item"), value.get("verb")
    comment, post = value.get("comment_id"), value.get("post_id")
    if item in {"reaction", "like"}:
        target = comment or post or value.get("open_graph_story_id")
        who = optional_mapping(value.get("from")).get("id")
        at = value.get("created_time") or happening.time
        return f"reaction:{target}:{who}:{verb}:{value.get('reaction_type')}:{at}"
    if happening.field == "mention":
        made = f"mention:{comment or post}"
    elif item == "comment":
        made = f"comment:{comment}"
    elif happening.field == "ratings":
        made = f"review:{value.get('open_graph_story_id')}"
    else:
        made = f"post:{post}"
    if verb in {"add", None}:
        # A page's own plan for a post is told as an addition before the post is there.
        return f"{made}:planned:{happening.time}" if value.get("published") == 0 else made
    return f"{made}:{verb}:{happening.time}"
