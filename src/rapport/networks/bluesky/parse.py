"""What Bluesky's events mean. Pure: no clock, no database, no network.

Kinds of raw events, and their payloads:

- ``notification``: one of app.bsky.notification.listNotifications
- ``post``: ``{"post": <app.bsky.feed.defs#postView>, "context": bool}``, found by reading feeds and threads
- ``gone``: ``{"uri", "seen_at"}``, a post that the AppView no longer has
- ``commit``: ``{"event": <a Jetstream commit>, "author": <profile or null>}``
- ``chat``: ``{"log": <an entry of chat.bsky.convo.getLog>, "convo": <convoView or null>}``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Author, Event, Liked, MessageDeleted, MessageSeen, Reposted, Withdrawn
from rapport.networks.bluesky import richtext
from rapport.networks.bluesky.embeds import card_address, media_of, quoted
from rapport.networks.bluesky.reading import (
    did,
    identifier,
    items,
    kind_of,
    mapping,
    text,
    text_or_empty,
    utc,
    when,
    within,
    within_or_empty,
)
from rapport.networks.bluesky.recordkeys import POST, split_uri, uri_of, web_address

KINDS: Mapping[str, str] = {
    "notification": "somebody mentioned, answered, quoted, liked or passed on (app.bsky.notification)",
    "post": "a post read from our feed or from a thread (app.bsky.feed)",
    "gone": "a post that was there and is not any more",
    "commit": "a record from the stream (Jetstream, or the firehose)",
    "chat": "an entry of the direct messages' log (chat.bsky.convo)",
}

_MESSAGES = frozenset({"mention", "reply", "quote"})
# Known, and nothing for a desk in them: they are about us, but nobody says anything.
_OF_NO_INTEREST = frozenset(
    {
        "follow", "starterpack-joined", "verified", "unverified", "subscribed-post", "contact-match",
        # About the post of somebody else that we had passed on.
        "like-via-repost", "repost-via-repost",
    }
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_event(kind: str, payload: Any) -> list[Event]:
    """Events in one raw event. Raises ValueError, KeyError or TypeError when it is not understood."""
    found = mapping(payload, "the event")
    match kind:
        case "notification":
            return _notification(found)
        case "post":
            return [_post_view(within(found, "post"), context=found.get("context") is True)]
        case "gone":
            return [MessageDeleted(external_id=_uri(found, "uri"), deleted_at=when(found, "seen_at"))]
        case "commit":
            return _commit(found)
        case "chat":
            return _chat(found)
    raise ValueError(f"unknown kind {kind!r}")


def _notification(found: Mapping[str, Any]) -> list[Event]:
    reason = text(found, "reason")
    if reason in _OF_NO_INTEREST:
        return []
    uri, author = _uri(found, "uri"), _author(within(found, "author"))
    if reason in _MESSAGES:
        return [_message(uri, author, within(found, "record"), indexed_at=when(found, "indexedAt"))]
    if reason == "like":
        return [
            Liked(
                external_id=uri,
                original_id=_uri(found, "reasonSubject"),
                author=author,
                liked_at=when(found, "indexedAt"),
            )
        ]
    if reason == "repost":
        return [
            Reposted(
                external_id=uri,
                original_id=_uri(found, "reasonSubject"),
                author=author,
                reposted_at=when(found, "indexedAt"),
            )
        ]
    raise ValueError(f"unknown reason {reason!r}")


def _post_view(view: Mapping[str, Any], *, context: bool) -> MessageSeen:
    return _message(
        _uri(view, "uri"),
        _author(within(view, "author")),
        within(view, "record"),
        indexed_at=when(view, "indexedAt"),
        view=within_or_empty(view, "embed"),
        context=context,
    )


def _commit(found: Mapping[str, Any]) -> list[Event]:
    event = within(found, "event")
    if text(event, "kind") != "commit":
        return []  # a handle or a status changed
    commit = within(event, "commit")
    if text(commit, "collection") != POST:
        return []
    account = did(event)
    uri = uri_of(account, POST, identifier(commit, "rkey"))
    split_uri(uri)
    micros = event["time_us"]
    if type(micros) is not int or not 0 <= micros < 2**53:
        raise ValueError("time_us is not a time")
    at = _EPOCH + timedelta(microseconds=micros)
    match text(commit, "operation"):
        case "create":
            author = (
                _author(within(found, "author")) if found.get("author") is not None else _bare_author(account)
            )
            if author.external_id != account:
                raise ValueError("the author is somebody else")
            return [_message(uri, author, within(commit, "record"), indexed_at=at)]
        case "delete":
            return [MessageDeleted(external_id=uri, deleted_at=at)]
        case "update":
            return []  # the AppView shows posts as they were first
        case other:
            raise ValueError(f"unknown operation {other!r}")


def _chat(found: Mapping[str, Any]) -> list[Event]:
    log = within(found, "log")
    kind = kind_of(log).partition("#")[2]
    if kind not in {"logCreateMessage", "logAddReaction", "logRemoveReaction"}:
        if not kind.startswith("log"):
            raise ValueError(f"unknown entry {kind_of(log)!r}")
        return []  # opened, accepted, muted, read, left; deleteMessageForSelf deletes for oneself only
    convo, message = identifier(log, "convoId"), within(log, "message")
    if kind_of(message).endswith(("#deletedMessageView", "#systemMessageView")):
        return []
    external_id = _chat_id(convo, identifier(message, "id"))
    people = items(within_or_empty(found, "convo"), "members", 50) + items(log, "relatedProfiles", 50)
    if kind == "logCreateMessage":
        said = richtext.plain(text(message, "text"), message.get("facets"))
        record = within_or_empty(within_or_empty(message, "embed"), "record")
        quotes = text_or_empty(record, "uri", 200)
        address = web_address(quotes)
        return [
            MessageSeen(
                external_id=external_id,
                author=_member(did(within(message, "sender")), people),
                text=f"{said}\n{address}".strip() if address else said,
                sent_at=when(message, "sentAt"),
                visibility="private",
                thread_key=convo,
                facts={"quotes": quotes} if address else {},
            )
        ]
    reaction = within(log, "reaction")
    who, value = did(within(reaction, "sender")), text(reaction, "value")
    if not 0 < len(value) <= 64:
        raise ValueError("a reaction without a sign")
    at = when(reaction, "createdAt")
    reaction_id = f"{external_id}/{who}/{value}"[:200]
    if kind == "logRemoveReaction":
        return [Withdrawn(external_id=reaction_id, original_id=external_id, withdrawn_at=at)]
    return [
        Liked(
            external_id=reaction_id,
            original_id=external_id,
            author=_member(who, people),
            liked_at=at,
            reaction=value,
        )
    ]


def _message(
    uri: str,
    author: Author,
    record: Mapping[str, Any],
    *,
    indexed_at: datetime,
    view: Mapping[str, Any] | None = None,
    context: bool = False,
) -> MessageSeen:
    """A post. ``view``: its embed as the AppView shows it, if it does."""
    if split_uri(uri)[0] != author.external_id:
        raise ValueError("the author is somebody else")
    parent = within_or_empty(within_or_empty(record, "reply"), "parent")
    parent_id = _uri(parent, "uri") if parent else None
    facets, embed = record.get("facets"), within_or_empty(record, "embed")
    said = richtext.plain(text(record, "text"), facets)
    card = card_address(embed)
    if card and card not in said:
        said = f"{said}\n{card}".strip()
    facts: dict[str, Any] = {}
    if quote := quoted(embed):
        facts["quotes"] = quote
    if warnings := _warnings(record):
        facts["sensitive"] = warnings
    if parent_id is not None:
        facts["kind"] = "comment"
    elif quote or richtext.mentions(facets):
        facts["kind"] = "mention"
    langs = record.get("langs")
    lang = langs[0] if isinstance(langs, list) and langs and isinstance(langs[0], str) else ""
    return MessageSeen(
        external_id=uri,
        author=author,
        text=said,
        sent_at=_said_at(record, indexed_at),
        parent_id=parent_id,
        url=web_address(uri),
        lang=lang if len(lang) <= 16 else "",
        media=media_of(author.external_id, embed, view or {}),
        context=context,
        facts=facts,
    )


def _said_at(record: Mapping[str, Any], indexed_at: datetime) -> datetime:
    """When it was said: what the client claims, but never later than the network first saw it.

    The AppView sorts by the same rule. https://docs.bsky.app/docs/advanced-guides/timestamps
    """
    try:
        claimed = utc(datetime.fromisoformat(text(record, "createdAt")))
    except (ValueError, KeyError, TypeError):
        return indexed_at
    return min(claimed, indexed_at)


def _author(profile: Mapping[str, Any]) -> Author:
    account = did(profile)
    return Author(
        external_id=account,
        handle=text_or_empty(profile, "handle", 253),
        name=text_or_empty(profile, "displayName", 640),
        avatar_url=text_or_empty(profile, "avatar"),
        url=f"https://bsky.app/profile/{account}",
    )


def _bare_author(account: str) -> Author:
    return Author(external_id=account, url=f"https://bsky.app/profile/{account}")


def _member(account: str, people: list[Mapping[str, Any]]) -> Author:
    """The author of a direct message, with name and handle where the conversation tells them."""
    for one in people:
        if one.get("did") == account:
            return _author(one)
    return _bare_author(account)


def _warnings(record: Mapping[str, Any]) -> str:
    """The author's own content warnings."""
    labels = items(within_or_empty(record, "labels"), "values", 10)
    return ", ".join(found for one in labels if (found := text_or_empty(one, "val", 128)))


def _chat_id(convo: str, message: str) -> str:
    """Ids of direct messages are only told apart within their conversation."""
    found = f"{convo}/{message}"
    if len(found) > 120:  # a reaction's id has a DID and a sign behind it
        raise ValueError("an id of a direct message that is too long")
    return found


def _uri(value: Mapping[str, Any], key: str) -> str:
    found = identifier(value, key)
    split_uri(found)
    return found
