"""Raw events out of Reddit's answers, with only what a desk needs of the some hundred fields of a thing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rapport.networks.base import RawItem
from rapport.networks.reddit.parse import state_of

Json = dict[str, Any]

_KEPT = (
    "author", "author_fullname", "body", "context", "created_utc", "dest", "distinguished", "edited",
    "first_message_name", "is_self", "link_id", "name", "over_18", "parent_id", "permalink", "post_hint",
    "removed_by_category", "score", "selftext", "subject", "subreddit", "title", "type", "url",
)  # fmt: skip
_MOST = 2_000  # things in one comment tree


def thing_item(thing: Json, *, now: datetime, kind: str = "") -> RawItem:
    """A comment, post or private message as an event. The same words have the same key, an edit another."""
    data = thing["data"]
    name, edited = str(data["name"]), data.get("edited")
    state = state_of(data)
    key = f"{state or ('context' if kind == 'context' else 'post')}:{name}"
    if not state and edited and not isinstance(edited, bool):
        key += f":{int(edited)}"
    kept = {name: data[name] for name in _KEPT if name in data}
    return RawItem(
        kind=kind or str(thing["kind"])[:60], payload={"data": kept, "seen_at": now.isoformat()}, key=key
    )


def mail_items(answer: Json, account_id: str) -> Iterator[RawItem]:
    """The messages of one modmail conversation, oldest first."""
    conversation = answer["conversation"]
    kept = {name: conversation.get(name) for name in ("id", "isAuto", "isInternal", "subject")}
    for message in sorted(answer["messages"].values(), key=lambda one: str(one["date"])):
        said = {name: message.get(name) for name in ("author", "bodyMarkdown", "date", "id", "isInternal")}
        yield RawItem(
            kind="modmail",
            payload={"conversation": kept, "message": said, "account": account_id},
            key=f"mail:{message['id']}",
        )


def children(answer: Any) -> list[Json]:
    """The things of a listing that are comments, posts or messages."""
    return [one for one in answer["data"]["children"] if one["kind"] in {"t1", "t3", "t4"}]


def tree(answer: Any) -> tuple[list[Json], list[str]]:
    """The comments of ``/comments/<post>`` in reading order, and the ids that ``more`` things only name.

    Walks with a list of its own: how deep the tree is, is the network's choice.
    """
    comments: list[Json] = []
    more: list[str] = []
    waiting = list(reversed(answer[1]["data"]["children"]))
    while waiting and len(comments) < _MOST:
        thing = waiting.pop()
        if thing["kind"] == "more":
            more += [str(one) for one in thing["data"].get("children") or []]
        elif thing["kind"] == "t1":
            comments.append(thing)
            replies = thing["data"].get("replies")
            if isinstance(replies, dict):
                waiting += reversed(replies["data"]["children"])
    return comments, more
