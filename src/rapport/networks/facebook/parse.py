"""What a Facebook page's raw events mean. Pure: no clock, no database, no network.

Changes from webhooks are ``{"account": {"id", "handle"}, "time", "value"}``; objects that were polled are
``{"account": …, "comment" | "post" | "review": …}``.

https://developers.facebook.com/docs/graph-api/webhooks/reference/page
https://developers.facebook.com/docs/graph-api/reference/comment
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rapport.networks.base import (
    Author,
    Event,
    Liked,
    Media,
    MessageDeleted,
    MessageHidden,
    MessageSeen,
    Withdrawn,
)
from rapport.networks.meta.messages import parse_message, parse_messaging
from rapport.networks.meta.values import (
    MAX_PARTS,
    data,
    identifier,
    link_line,
    mapping,
    media,
    moment,
    optional_identifier,
    optional_mapping,
    text,
)

# Things on a page's feed that are posts, whatever they are called.
_POSTS = frozenset({"album", "event", "link", "note", "photo", "post", "share", "status", "story", "video"})
_REACTIONS = frozenset({"like", "reaction"})
_SAID = frozenset({"add", "edited", "edit", "update"})


def parse_event(kind: str, payload: Any) -> list[Event]:
    """Events in one raw event. Raises ValueError, KeyError or TypeError when it is not understood."""
    if kind.startswith("unknown:"):
        return []
    read = _KINDS.get(kind)
    if read is None:
        raise ValueError(f"unknown kind {kind!r}")
    return read(payload)


# Webhooks -----------------------------------------------------------------------------------------
def _feed(payload: Any) -> list[Event]:
    whole, value, at = _change(payload)
    item, verb = text(value, "item"), text(value, "verb")
    if item == "comment":
        target = identifier(value, "comment_id")
    elif item in _POSTS:
        target = identifier(value, "post_id")
    elif item in _REACTIONS:
        return _reaction(value, verb, at)
    else:
        return []
    if verb in {"remove", "delete"}:
        return [MessageDeleted(external_id=target, deleted_at=at)]
    if verb in {"hide", "unhide"}:
        return [MessageHidden(external_id=target, changed_at=at, hidden=verb == "hide")]
    if verb not in _SAID:
        return []
    account = mapping(whole["account"], "account")
    if item != "comment" and value.get("published") == 0:
        return []  # planned, not posted
    edited_at = None if verb == "add" else at
    if item == "comment":
        return [_told_comment(value, account, target, at, edited_at)]
    return [_told_post(value, account, target, at, edited_at)]


def _told_comment(
    value: Mapping[str, Any],
    account: Mapping[str, Any],
    target: str,
    at: datetime,
    edited_at: datetime | None,
) -> MessageSeen:
    post = identifier(value, "post_id")
    parent = optional_identifier(value, "parent_id") or post
    return MessageSeen(
        external_id=target,
        author=_author(value.get("from"), target, account),
        text=text(value, "message"),
        sent_at=_told_at(value, at),
        parent_id=parent,
        url=_address(value, target),
        media=(*media("image", value.get("photo")), *media("video", value.get("video"))),
        edited_at=edited_at,
        facts=_comment_facts(parent, post),
    )


def _told_post(
    value: Mapping[str, Any],
    account: Mapping[str, Any],
    target: str,
    at: datetime,
    edited_at: datetime | None,
) -> MessageSeen:
    pictures = value.get("photos")
    urls = pictures[:MAX_PARTS] if isinstance(pictures, list) else [value.get("photo") or value.get("link")]
    is_picture = text(value, "item") in {"photo", "album"} or isinstance(pictures, list)
    words, files = text(value, "message"), list[Media]()
    if is_picture:
        for url in urls:
            files += media("image", url)
    elif text(value, "item") == "video":
        files += media("video", value.get("video") or value.get("link"))
    else:
        words = link_line(words, value.get("link"))
    return MessageSeen(
        external_id=target,
        author=_author(value.get("from"), target, account),
        text=words,
        sent_at=_told_at(value, at),
        url=_address(value, target),
        media=tuple(files),
        edited_at=edited_at,
        facts={"kind": "post"},
    )


def _reaction(value: Mapping[str, Any], verb: str, at: datetime) -> list[Event]:
    target = optional_identifier(value, "comment_id") or identifier(value, "post_id")
    at = _told_at(value, at)
    gone = verb in {"remove", "delete"}
    if not optional_mapping(value.get("from")).get("id"):
        if gone:
            return []  # whose it was is hidden, so none of those we know can be meant
        author = Author(external_id=f"hidden:{target}:{int(at.timestamp())}"[:200])
    else:
        author = _author(value.get("from"), target, {})
    # Somebody has one reaction to a thing at a time, so the two ids name it.
    mark = f"reaction:{author.external_id}:{target}"[:200]
    if gone:
        return [Withdrawn(external_id=mark, original_id=target, withdrawn_at=at)]
    name = text(value, "reaction_type") or "like"
    return [Liked(external_id=mark, original_id=target, author=author, liked_at=at, reaction=name.lower())]


def _mention(payload: Any) -> list[Event]:
    """A post or comment elsewhere on Facebook that names the page."""
    whole, value, at = _change(payload)
    comment = optional_identifier(value, "comment_id")
    target = comment or identifier(value, "post_id")
    verb = text(value, "verb") or "add"
    if verb in {"remove", "delete"}:
        return [MessageDeleted(external_id=target, deleted_at=at)]
    if verb not in _SAID:
        return []
    who = {"id": value.get("sender_id"), "name": value.get("sender_name")}
    return [
        MessageSeen(
            external_id=target,
            author=_author(
                who if value.get("sender_id") else None, target, mapping(whole["account"], "account")
            ),
            text=text(value, "message"),
            sent_at=_told_at(value, at),
            parent_id=identifier(value, "post_id") if comment else None,
            url=_address(value, target),
            edited_at=None if verb == "add" else at,
            facts={"kind": "mention"},
        )
    ]


def _ratings(payload: Any) -> list[Event]:
    whole, value, at = _change(payload)
    story = identifier(value, "open_graph_story_id")
    item, verb = text(value, "item"), text(value, "verb")
    account = mapping(whole["account"], "account")
    if item in _REACTIONS:
        return _reaction({**value, "post_id": story}, verb, at)
    if item == "comment":
        target = identifier(value, "comment_id")
        if verb in {"remove", "delete"}:
            return [MessageDeleted(external_id=target, deleted_at=at)]
        told = {**value, "post_id": story, "parent_id": value.get("parent_id") or story}
        told["from"] = value.get("from") or _reviewer(value)
        return [_told_comment(told, account, target, at, None if verb == "add" else at)]
    if item != "rating":
        return []
    if verb in {"remove", "delete"}:
        return [MessageDeleted(external_id=story, deleted_at=at)]
    return [
        MessageSeen(
            external_id=story,
            author=_author(_reviewer(value), story, account),
            text=text(value, "review_text"),
            sent_at=_told_at(value, at),
            edited_at=None if verb == "add" else at,
            facts=_review_facts(value),
        )
    ]


def _reviewer(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not value.get("reviewer_id"):
        return None
    return {"id": value["reviewer_id"], "name": value.get("reviewer_name")}


# Polled objects -----------------------------------------------------------------------------------
def _comment(payload: Any) -> list[Event]:
    whole = mapping(payload, "the payload")
    comment = mapping(whole["comment"], "comment")
    post = identifier(whole, "post_id")
    target = identifier(comment, "id")
    parent = optional_identifier(optional_mapping(comment.get("parent")), "id") or post
    words, files = _attached(text(comment, "message"), [optional_mapping(comment.get("attachment"))])
    return [
        MessageSeen(
            external_id=target,
            author=_author(comment.get("from"), target, mapping(whole["account"], "account")),
            text=words,
            sent_at=moment(comment["created_time"], "created_time"),
            parent_id=parent,
            url=_address(comment, target),
            media=files,
            facts=_comment_facts(parent, post),
        )
    ]


def _post(payload: Any, *, kind: str = "post") -> list[Event]:
    whole = mapping(payload, "the payload")
    post = mapping(whole["post"], "post")
    target = identifier(post, "id")
    words = text(post, "message") or text(post, "story")
    words, files = _attached(words, list(data(post.get("attachments"))))
    return [
        MessageSeen(
            external_id=target,
            author=_author(post.get("from"), target, mapping(whole["account"], "account")),
            text=words,
            sent_at=moment(post["created_time"], "created_time"),
            url=_address(post, target),
            media=files,
            facts={"kind": kind},
        )
    ]


def _tagged(payload: Any) -> list[Event]:
    return _post(payload, kind="mention")


def _review(payload: Any) -> list[Event]:
    whole = mapping(payload, "the payload")
    review = mapping(whole["review"], "review")
    target = identifier(mapping(review["open_graph_story"], "open_graph_story"), "id")
    return [
        MessageSeen(
            external_id=target,
            author=_author(review.get("reviewer"), target, mapping(whole["account"], "account")),
            text=text(review, "review_text"),
            sent_at=moment(review["created_time"], "created_time"),
            facts=_review_facts(review),
        )
    ]


# Parts --------------------------------------------------------------------------------------------
def _change(payload: Any) -> tuple[Mapping[str, Any], Mapping[str, Any], datetime]:
    """The payload, the change's value, and when the network told it."""
    whole = mapping(payload, "the payload")
    return whole, mapping(whole["value"], "value"), moment(whole["time"], "time")


def _told_at(value: Mapping[str, Any], at: datetime) -> datetime:
    return moment(value["created_time"], "created_time") if value.get("created_time") else at


def _author(who: Any, target: str, account: Mapping[str, Any]) -> Author:
    """Who wrote it. Meta hides people from apps that lack the permission, and some always: those are
    nobody twice, so each of their messages has an author of its own."""
    if not isinstance(who, Mapping) or not who.get("id"):
        return Author(external_id=f"hidden:{target}"[:200])
    found = identifier(who, "id")
    handle = text(account, "handle") if account and found == account.get("id") else ""
    return Author(external_id=found, name=text(who, "name"), handle=handle)


def _comment_facts(parent: str, post: str) -> dict[str, Any]:
    # Facebook nests answers one deep: an answer to an answer goes under the same comment.
    return {"kind": "comment"} if parent == post else {"kind": "comment", "reply_under": parent}


def _review_facts(review: Mapping[str, Any]) -> dict[str, Any]:
    """Stars (older reviews) or a recommendation, which is one of one or none of one."""
    stars = review.get("rating")
    if isinstance(stars, (int, float)) and not isinstance(stars, bool) and 1 <= stars <= 5:
        return {"kind": "review", "rating": stars, "rating_of": 5}
    said = text(review, "recommendation_type").lower()
    if said in {"positive", "negative"}:
        return {"kind": "review", "rating": int(said == "positive"), "rating_of": 1}
    return {"kind": "review"}


def _attached(words: str, attachments: list[Mapping[str, Any]]) -> tuple[str, tuple[Media, ...]]:
    """Pictures and films as media, links as a line of the text."""
    files: list[Media] = []
    for attachment in attachments[:MAX_PARTS]:
        parts = list(data(attachment.get("subattachments"))) or [attachment]
        for part in parts[:MAX_PARTS]:
            kind = text(part, "media_type") or text(part, "type")
            shown = optional_mapping(part.get("media"))
            if "video" in kind:
                files += media("video", shown.get("source") or part.get("url"))
            elif kind in {"photo", "sticker", "album"} or "image" in kind:
                files += media("image", optional_mapping(shown.get("image")).get("src"))
            elif kind:
                words = link_line(words, part.get("unshimmed_url") or part.get("url"))
    return words, tuple(files)


def _address(value: Mapping[str, Any], target: str) -> str:
    found = value.get("permalink_url") or optional_mapping(value.get("post")).get("permalink_url")
    if isinstance(found, str) and found.startswith("https://"):
        return found
    return f"https://www.facebook.com/{target}"


_KINDS: Mapping[str, Callable[[Any], list[Event]]] = {
    "feed": _feed,
    "mention": _mention,
    "ratings": _ratings,
    "messaging": parse_messaging,
    "comment": _comment,
    "post": _post,
    "tagged": _tagged,
    "review": _review,
    "message": parse_message,
}
