"""What X's posts, messages and activities mean. Pure: no clock, no database, no network.

Field names: https://docs.x.com/x-api/fundamentals/data-dictionary/reference. The names that say ``tweet`` are
the ones X sends; the newest OpenAPI description says ``post`` instead, so both are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from rapport.networks.base import (
    Event,
    Liked,
    Media,
    MediaKind,
    MessageDeleted,
    MessageSeen,
    Reposted,
)
from rapport.networks.x import older
from rapport.networks.x.reading import (
    Json,
    addresses,
    author,
    entries,
    ident,
    mapping,
    moment,
    moment_ms,
    number,
    optional_mapping,
    text,
    time_of_id,
    users_by_id,
    words,
)

_MEDIA_KINDS: Mapping[str, MediaKind] = {"photo": "image", "video": "video", "animated_gif": "video"}
# Codes X uses where there is no language: https://docs.x.com/x-api/posts/search/integrate/operators (lang:)
_NO_LANGUAGE = frozenset({"und", "qam", "qct", "qht", "qme", "qst", "zxx", "art"})
_GONE = "https://api.x.com/2/problems/resource-not-found"

# Activities that are known and hold nothing for a desk.
OF_NO_INTEREST = frozenset(
    {
        "block.block", "block.unblock", "broadcast.chat", "broadcast.end", "broadcast.start",
        "chat.conversation_join", "chat.received", "chat.sent", "dm.indicate_typing", "dm.read",
        "follow.follow", "follow.unfollow", "mute.mute", "mute.unmute", "news.new", "oauth.revoke",
        "spaces.end", "spaces.start",
    }
)  # fmt: skip
_PROFILE = "profile.update."


def parse_event(kind: str, payload: Any) -> list[Event]:
    """Events in one raw event. Raises ValueError, KeyError or TypeError when it is not understood."""
    event = mapping(payload, "the event")
    parser = _PARSERS.get(kind)
    if parser is not None:
        return parser(event)
    if kind in OF_NO_INTEREST or kind in older.OF_NO_INTEREST or kind.startswith(_PROFILE):
        return []
    raise ValueError(f"unknown kind {kind!r}")


# Posts --------------------------------------------------------------------------------------------
def _post(event: Json) -> list[Event]:
    """``{"data": post, "includes": {…}}``, as the API gives one post."""
    post, includes = mapping(event["data"], "data"), optional_mapping(event.get("includes"), "includes")
    by = author(ident(post["author_id"], "author_id"), users_by_id(includes))
    references = _references(post)
    history = _history(post)
    external_id = history[0]
    if "retweeted" in references:
        return [
            Reposted(
                external_id=external_id,
                original_id=_original(references["retweeted"], includes),
                author=by,
                reposted_at=_sent_at(post),
            )
        ]
    version = ident(post["id"], "id")
    edited = version != external_id
    files = _media(post, includes)
    return [
        MessageSeen(
            external_id=external_id,
            author=by,
            text=_words(post),
            # An edit is a post of its own with a later id; the first one's id holds the time it was sent.
            sent_at=time_of_id(external_id) if edited else _sent_at(post),
            parent_id=_original(references["replied_to"], includes) if "replied_to" in references else None,
            url=f"https://x.com/{by.handle or 'i'}/status/{version}",
            lang="" if text(post, "lang", "") in _NO_LANGUAGE else text(post, "lang", ""),
            media=files,
            edited_at=time_of_id(version) if edited else None,
            facts=_facts(post, includes, references, history),
        )
    ]


def _context(event: Json) -> list[Event]:
    """The same, kept only so that a thread can be read."""
    return [replace(one, context=True) for one in _post(event) if isinstance(one, MessageSeen)]


def _history(post: Json) -> list[str]:
    """Ids of all versions of a post, first one first."""
    found = post.get("edit_history_tweet_ids", post.get("edit_history_post_ids"))
    if found is None:
        return [ident(post["id"], "id")]
    if not isinstance(found, list) or not 0 < len(found) <= 100:
        raise ValueError("the edit history is not a list of ids")
    return [ident(one, "edit_history_tweet_ids") for one in found]


def _references(post: Json) -> dict[str, str]:
    """Id by kind of reference: ``replied_to``, ``quoted``, ``retweeted``."""
    found = {
        text(one, "type"): ident(one["id"], "id")
        for one in entries(post.get("referenced_tweets", post.get("referenced_posts")), "referenced_tweets")
    }
    if "replied_to" not in found and post.get("in_reply_to_tweet_id") is not None:
        found["replied_to"] = ident(post["in_reply_to_tweet_id"], "in_reply_to_tweet_id")
    return found


def _original(external_id: str, includes: Json) -> str:
    """The first version of the post that is referred to, where the answer tells it."""
    for post in entries(includes.get("tweets", includes.get("posts")), "tweets"):
        if external_id in _history(post):
            return _history(post)[0]
    return external_id


def _sent_at(post: Json) -> datetime:
    if post.get("created_at") is not None:
        return moment(post["created_at"], "created_at")
    return time_of_id(ident(post["id"], "id"))


def _words(post: Json) -> str:
    """The whole text: X puts what is longer than 280 units into ``note_tweet``."""
    note = optional_mapping(post.get("note_tweet", post.get("note_post")), "note_tweet")
    whole = note if note.get("text") is not None else post
    entities = optional_mapping(whole.get("entities"), "entities")
    own = [
        text(one, "url", "")
        for one in entries(optional_mapping(post.get("entities"), "entities").get("urls"), "urls")
        if one.get("media_key") is not None or _leads_to_own_media(one, post)
    ]
    return words(text(whole, "text"), addresses(entities, of_media=own))


def _leads_to_own_media(address: Json, post: Json) -> bool:
    parts = text(address, "expanded_url", "").split("/")
    return (
        len(parts) > 3
        and parts[-2] in {"photo", "video"}
        and parts[-4:-2] == ["status", str(post["id"])]
        and parts[2] in {"x.com", "twitter.com"}
    )


def _media(post: Json, includes: Json) -> tuple[Media, ...]:
    attachments = optional_mapping(post.get("attachments"), "attachments")
    keys = attachments.get("media_keys") or []
    if not isinstance(keys, list):
        raise TypeError("media_keys is not a list")
    by_key = {text(one, "media_key"): one for one in entries(includes.get("media"), "media")}
    return tuple(_file(by_key[key]) for key in keys[:20] if isinstance(key, str) and key in by_key)


def _file(value: Json) -> Media:
    kind = _MEDIA_KINDS.get(text(value, "type"))
    if kind is None:
        raise ValueError(f"unknown kind of media {value['type']!r}")
    playable = [
        one
        for one in entries(value.get("variants"), "variants")
        if text(one, "content_type", "") == "video/mp4"
    ]
    playable.sort(key=lambda one: number(one.get("bit_rate") or 0, "bit_rate"))
    address = text(value, "url", "") or (text(playable[-1], "url", "") if playable else "")
    return Media(
        url=address or text(value, "preview_image_url", ""), kind=kind, alt=text(value, "alt_text", "")
    )


def _facts(post: Json, includes: Json, references: Mapping[str, str], history: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if "quoted" in references:
        facts["quotes"] = _original(references["quoted"], includes)
    if history[-1] != history[0]:
        facts["version"] = history[-1]  # a reply is to be sent to the newest one
    polls = entries(includes.get("polls"), "polls")
    wanted = optional_mapping(post.get("attachments"), "attachments").get("poll_ids") or []
    for poll in polls:
        if isinstance(wanted, list) and poll.get("id") in wanted:
            facts["poll"] = {
                "options": [
                    {"title": text(one, "label"), "votes": number(one.get("votes", 0), "votes")}
                    for one in entries(poll.get("options"), "options")
                ],
                "ends_at": text(poll, "end_datetime", ""),
            }
    counts = optional_mapping(post.get("public_metrics"), "public_metrics")
    found = {
        ours: number(counts[theirs], theirs)
        for ours, theirs in (
            ("likes", "like_count"),
            ("reposts", "retweet_count"),
            ("replies", "reply_count"),
            ("quotes", "quote_count"),
        )
        if counts.get(theirs)
    }
    if found:
        facts["counts"] = found
    return facts


# Private messages ---------------------------------------------------------------------------------
def _message(event: Json) -> list[Event]:
    """``{"data": dm_event, "includes": {…}}``; who joins or leaves a group is no message."""
    data, includes = mapping(event["data"], "data"), optional_mapping(event.get("includes"), "includes")
    kind = text(data, "event_type")
    if kind in {"ParticipantsJoin", "ParticipantsLeave"}:
        return []
    if kind != "MessageCreate":
        raise ValueError(f"unknown event type {kind!r}")
    external_id = ident(data["id"], "id")
    references = entries(data.get("referenced_tweets", data.get("referenced_posts")), "referenced_tweets")
    created = data.get("created_at")
    return [
        MessageSeen(
            external_id=external_id,
            author=author(ident(data["sender_id"], "sender_id"), users_by_id(includes)),
            text=words(text(data, "text", ""), addresses(optional_mapping(data.get("entities"), "entities"))),
            sent_at=moment(created, "created_at") if created is not None else time_of_id(external_id),
            visibility="private",
            thread_key=_conversation(data),
            media=_media(data, includes),
            facts={"quotes": ident(references[0]["id"], "id")} if references else {},
        )
    ]


def _conversation(data: Json) -> str:
    found = text(data, "dm_conversation_id")
    if not 0 < len(found) <= 100:
        raise ValueError("dm_conversation_id is not an id")
    return found


# Activities ---------------------------------------------------------------------------------------
def _liked(event: Json) -> list[Event]:
    """``like.create``: the payload names the post, and the one who liked it only among the includes.

    https://docs.x.com/x-api/activity/event-payloads
    """
    payload, includes = (
        mapping(event["payload"], "payload"),
        optional_mapping(event.get("includes"), "includes"),
    )
    owner = ident(payload["liked_tweet_author_id"], "liked_tweet_author_id")
    users = users_by_id(includes)
    others = [one for one in users if one != owner]
    if len(others) != 1:  # our own like of our own post, or nobody to name
        return []
    # created_at is the post's; the like's own time comes "when available".
    at = payload.get("timestamp_ms")
    return [
        Liked(
            external_id=_short(payload, "id"),
            original_id=ident(payload["liked_tweet_id"], "liked_tweet_id"),
            author=author(others[0], users),
            liked_at=moment_ms(at, "timestamp_ms")
            if at is not None
            else moment(payload["created_at"], "created_at"),
        )
    ]


def _deleted(event: Json) -> list[Event]:
    """``post.delete``: of the subscribed account's own posts. The event has no time, so it brings ours."""
    payload = mapping(event["payload"], "payload")
    return [
        MessageDeleted(
            external_id=ident(payload["id"], "id"), deleted_at=moment(event["received_at"], "received_at")
        )
    ]


def _gone(event: Json) -> list[Event]:
    """A post that was looked up again and is not found: deleted, or its author was suspended.

    ``{"problem": …, "seen_at": ISO}``: https://docs.x.com/x-api/fundamentals/response-codes-and-errors
    """
    problem = mapping(event["problem"], "problem")
    if text(problem, "type").replace("api.twitter.com", "api.x.com") != _GONE:
        return []  # protected or withheld: others may still see it
    return [
        MessageDeleted(
            external_id=ident(event["external_id"], "external_id"),
            deleted_at=moment(event["seen_at"], "seen_at"),
        )
    ]


def _short(value: Json, key: str) -> str:
    found = text(value, key)
    if not 0 < len(found) <= 200:
        raise ValueError(f"{key} is empty or longer than 200 characters")
    return found


_PARSERS: Mapping[str, Callable[[Json], list[Event]]] = {
    "post": _post,
    "context": _context,
    "dm": _message,
    "gone": _gone,
    "like.create": _liked,
    "post.delete": _deleted,
    "dm.received": older.private,
    "dm.sent": older.private,
    "tweet_create_events": older.status,
    "favorite_events": older.favourite,
    "direct_message_events": older.private,
    "tweet_delete_events": older.deleted,
}
