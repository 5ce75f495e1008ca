"""What Reddit's things mean: comments (t1), posts (t3), private messages (t4) and modmail. Pure.

Shapes: https://github.com/reddit-archive/reddit/wiki/JSON and https://www.reddit.com/dev/api/. Answers are asked
for with ``raw_json=1``, so bodies hold Markdown as it was written, with the entities that people's editors put
there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from rapport.networks.base import Author, Event, Media, MessageDeleted, MessageHidden, MessageSeen
from rapport.networks.reddit.reading import Json, base36, fullname, mapping, moment, short_id, text

SITE = "https://www.reddit.com"
# What stands where the words were: https://support.reddithelp.com (removed or deleted content)
DELETED, REMOVED = "[deleted]", "[removed]"
CONVERSATION, MAIL = "ModmailConversation_", "ModmailMessage_"
_BOTS = frozenset({"automoderator"})
_BOT_WORDS = ("i am a bot, and this action was performed automatically", "^(i am a bot")
_CONTEXT = re.compile(r"/r/[^/]+/comments/([0-9a-z]{1,13})/")


def parse_event(kind: str, payload: Any) -> list[Event]:
    """Events in one raw event. Raises ValueError, KeyError or TypeError when it is not understood."""
    parser = _PARSERS.get(kind)
    if parser is None:
        raise ValueError(f"unknown kind {kind!r}")
    return parser(mapping(payload, "the event"))


def words(body: str) -> str:
    """Markdown as people wrote it; entities decoded, and the empty characters between paragraphs taken out."""
    return html.unescape(body).replace("\u200b", "").strip()


# Comments and posts -------------------------------------------------------------------------------
def _comment(event: Json) -> list[Event]:
    data = mapping(event["data"], "data")
    name = fullname(data["name"], "name")
    body = text(data, "body")
    if gone := _gone(name, data, event):
        return gone
    parent = text(data, "parent_id", "")
    by = _author(data, name)
    return [
        MessageSeen(
            external_id=name,
            author=by,
            text=words(body),
            sent_at=moment(data["created_utc"], "created_utc"),
            parent_id=fullname(parent, "parent_id") if parent else None,
            url=_address(data),
            edited_at=_edited_at(data),
            automatic=_is_bot(by, body),
            facts=_facts(data),
        )
    ]


def _post(event: Json) -> list[Event]:
    data = mapping(event["data"], "data")
    name = fullname(data["name"], "name")
    title, body = text(data, "title"), text(data, "selftext", "")
    if gone := _gone(name, data, event):
        return gone
    by = _author(data, name)
    picture = data.get("post_hint") == "image"
    link = text(data, "url", "") if data.get("is_self") is not True else ""
    parts = [words(title), words(body), "" if picture else link]
    return [
        MessageSeen(
            external_id=name,
            author=by,
            text="\n\n".join(part for part in parts if part),
            sent_at=moment(data["created_utc"], "created_utc"),
            url=_address(data),
            media=(Media(url=link, kind="image"),) if picture and link else (),
            edited_at=_edited_at(data),
            automatic=_is_bot(by, body),
            facts=_facts(data) | {"subject": words(title)},
        )
    ]


def _context(event: Json) -> list[Event]:
    """A comment or a post that is only there so that a thread can be read."""
    data = mapping(event["data"], "data")
    found = _post(event) if fullname(data["name"], "name").startswith("t3_") else _comment(event)
    return [replace(one, context=True) for one in found if isinstance(one, MessageSeen)]


def state_of(data: Json) -> str:
    """``deleted`` by who wrote it, ``hidden`` by moderators or Reddit, or "" while it is there."""
    body, removed = data.get("body", data.get("selftext")), data.get("removed_by_category")
    if body == DELETED or removed == "deleted":
        return "deleted"
    return "hidden" if body == REMOVED or removed else ""


def _gone(name: str, data: Json, event: Json) -> list[Event]:
    state = state_of(data)
    if not state:
        return []
    seen_at = moment(event["seen_at"], "seen_at")
    if state == "deleted":
        return [MessageDeleted(external_id=name, deleted_at=seen_at)]
    return [MessageHidden(external_id=name, changed_at=seen_at)]


def _author(data: Json, name: str) -> Author:
    """Who wrote it. Names on Reddit are for ever, so where the id is missing the name is one."""
    handle = text(data, "author", "")
    if not handle and data.get("subreddit"):  # a private message in the name of a community
        community = short_id(data["subreddit"], "subreddit")
        return Author(
            external_id=f"r_{community.lower()}", handle=f"r/{community}", url=f"{SITE}/r/{community}"
        )
    if not handle or handle == DELETED:
        return Author(external_id=f"deleted_{name}", handle=DELETED)
    handle = short_id(handle, "author")
    by = data.get("author_fullname")
    return Author(
        external_id=fullname(by, "author_fullname") if by is not None else f"u_{handle.lower()}",
        handle=handle,
        url=f"{SITE}/user/{handle}",
    )


def _edited_at(data: Json) -> datetime | None:
    """``edited`` is false, the time, or true for comments edited long ago, whose time nobody kept."""
    edited = data.get("edited")
    return None if edited is None or isinstance(edited, bool) else moment(edited, "edited")


def _address(data: Json) -> str:
    for key in ("permalink", "context"):
        found = text(data, key, "")
        if found.startswith(("/r/", "/user/")):
            return SITE + found
    return ""


def _facts(data: Json) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if data.get("subreddit") is not None:
        facts["community"] = text(data, "subreddit")
    if isinstance(data.get("score"), int) and not isinstance(data["score"], bool):
        facts["counts"] = {"score": data["score"]}
    found = _CONTEXT.match(text(data, "context", ""))
    link = data.get("link_id") or (f"t3_{found[1]}" if found else None)
    if link is not None:
        facts["post"] = fullname(link, "link_id")
    if data.get("type") == "username_mention":
        facts["kind"] = "mention"
    elif fullname(data["name"], "name").startswith("t1_"):
        facts["kind"] = "comment"
    if data.get("over_18") is True:
        facts["sensitive"] = "NSFW"
    return facts


def _is_bot(by: Author, body: str) -> bool:
    lowered = body.lower()
    return by.handle.lower() in _BOTS or any(one in lowered for one in _BOT_WORDS)


# Private ------------------------------------------------------------------------------------------
def _private(event: Json) -> list[Event]:
    data = mapping(event["data"], "data")
    name = fullname(data["name"], "name")
    body, first, parent = text(data, "body"), data.get("first_message_name"), data.get("parent_id")
    by = _author(data, name)
    return [
        MessageSeen(
            external_id=name,
            author=by,
            text=words(body),
            sent_at=moment(data["created_utc"], "created_utc"),
            visibility="private",
            parent_id=fullname(parent, "parent_id") if parent is not None else None,
            thread_key=fullname(first, "first_message_name") if first is not None else name,
            url=f"{SITE}/message/messages/{name.removeprefix('t4_')}",
            automatic=_is_bot(by, body),
            facts={"subject": words(text(data, "subject", ""))},
        )
    ]


def _mail(event: Json) -> list[Event]:
    """``{"conversation": …, "message": …, "account": our id}``; moderators among themselves are no message."""
    conversation, message = (
        mapping(event["conversation"], "conversation"),
        mapping(event["message"], "message"),
    )
    if conversation.get("isInternal") is True or message.get("isInternal") is True:
        return []
    writer = mapping(message["author"], "author")
    handle = text(writer, "name", "")
    if writer.get("isDeleted") is True or not handle:
        by = Author(external_id=f"deleted_{short_id(message['id'], 'id')}", handle=DELETED)
    else:
        by = Author(
            external_id=f"t2_{base36(writer['id'])}",
            handle=short_id(handle, "name"),
            url=f"{SITE}/user/{handle}",
        )
    facts = {"subject": words(text(conversation, "subject", ""))}
    if writer.get("isMod") is True and writer.get("isParticipant") is not True:
        # Whoever of the team answers, the community speaks: to us that is our own answer.
        facts["by"] = by.handle
        by = Author(external_id=fullname(event["account"], "account"))
    thread = short_id(conversation["id"], "id")
    return [
        MessageSeen(
            external_id=MAIL + short_id(message["id"], "id"),
            author=by,
            text=words(text(message, "bodyMarkdown")),
            sent_at=moment(text(message, "date"), "date"),
            visibility="private",
            thread_key=CONVERSATION + thread,
            url=f"{SITE}/mail/all/{thread}",
            automatic=conversation.get("isAuto") is True and writer.get("isMod") is True,
            facts=facts,
        )
    ]


_PARSERS: Mapping[str, Callable[[Json], list[Event]]] = {
    "t1": _comment,
    "t3": _post,
    "t4": _private,
    "context": _context,
    "modmail": _mail,
}
