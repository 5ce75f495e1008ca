"""Private messages of Messenger and Instagram as events, from webhooks and from conversations. Pure.

https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/messages
https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/message-reads
https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/message-deliveries
https://developers.facebook.com/docs/graph-api/reference/conversation
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rapport.networks.base import (
    Author,
    Event,
    Liked,
    Media,
    MediaKind,
    MessageDeleted,
    MessageSeen,
    RawItem,
    Receipt,
    Withdrawn,
)
from rapport.networks.events import ReceiptKind
from rapport.networks.meta.values import (
    MAX_PARTS,
    client_ref,
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

# What stands for words when Meta shows none: agents must see that something was said.
UNSHOWN = "[A message of a kind that Meta does not show to other programs]"
# Known, and nothing for a desk in them.
_OF_NO_INTEREST = frozenset(
    {
        "account_linking", "app_roles", "game_play", "optin", "pass_thread_control", "policy_enforcement",
        "pre_checkout", "referral", "request_thread_control", "take_thread_control",
    }
)  # fmt: skip
_RECEIPTS: Mapping[str, ReceiptKind] = {"read": "read", "delivery": "delivered"}
_MEDIA_KINDS: Mapping[str, MediaKind] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "file",
    "reel": "video",
    "ig_reel": "video",
    "story_mention": "image",
    "animated_image_url": "image",
}


def thread_key(customer_id: str) -> str:
    """One conversation for each customer: webhooks do not name conversations otherwise."""
    return f"dm:{customer_id}"


# From webhooks: what is stored ------------------------------------------------------------------
def raw_messaging(event: Mapping[str, Any], account: Mapping[str, str], time: Any) -> RawItem | None:
    """A messaging event to store, under the key that the conversation gives the same message.

    None for what holds nothing for a desk.
    """
    if any(name in event for name in _OF_NO_INTEREST):
        return None
    payload = {"account": dict(account), "time": time, "event": dict(event)}
    known_names = ("message", "message_edit", "reaction", "postback", *_RECEIPTS)
    name = next((one for one in known_names if one in event), "")
    body = optional_mapping(event.get(name))
    mid, at = body.get("mid"), event.get("timestamp")
    if not name:
        known = {"sender", "recipient", "timestamp"}
        kind = next((one for one in event if one not in known), "messaging")
        return RawItem(kind=f"unknown:{kind}"[:60], payload=payload)
    sender = optional_mapping(event.get("sender")).get("id")
    key = {
        "message": f"message:{mid}:deleted" if body.get("is_deleted") is True else f"message:{mid}",
        "message_edit": f"message:{mid}:edit:{body.get('num_edit')}:{at}",
        "reaction": f"reaction:{mid}:{sender}:{body.get('action')}:{at}",
        "postback": f"message:{mid}" if mid else f"postback:{sender}:{at}",
        "read": f"read:{sender}:{mid or body.get('watermark')}",
        "delivery": f"delivery:{sender}:{body.get('watermark')}:{body.get('mids')}",
    }[name]
    return RawItem(kind="messaging", payload=payload, key=key)


# From webhooks: what it means -------------------------------------------------------------------
def parse_messaging(payload: Any) -> list[Event]:
    """``payload``: ``{"account": {"id", "handle"}, "time", "event": …}``, ``event`` as the webhook had it.

    Raises ValueError, KeyError or TypeError when it is not understood.
    """
    whole = mapping(payload, "the payload")
    account, event = mapping(whole["account"], "account"), mapping(whole["event"], "event")
    if any(name in event for name in ("message", "message_edit", "reaction", "postback")):
        return _spoken(account, event)
    for name, kind in _RECEIPTS.items():
        if name in event:
            return _receipts(account, event, kind, mapping(event[name], name), whole.get("time"))
    if any(name in event for name in _OF_NO_INTEREST):
        return []
    raise ValueError("a messaging event of an unknown kind")


def _receipts(
    account: Mapping[str, Any],
    event: Mapping[str, Any],
    kind: ReceiptKind,
    body: Mapping[str, Any],
    told: Any,
) -> list[Event]:
    """Messenger says until which time, and of deliveries sometimes which messages as well; Instagram says until
    which message. A delivery has no time of its own: the notification's, which follows at once.
    """
    reader = identifier(mapping(event["sender"], "sender"), "id")
    if reader == identifier(account, "id"):
        return []  # what we read ourselves
    listed = body.get("mids")
    mids = [{"mid": one} for one in listed[:MAX_PARTS]] if isinstance(listed, list) else [body]
    named = [one for one in (optional_identifier(each, "mid") for each in mids) if one]
    until = moment(body["watermark"], "watermark") if body.get("watermark") is not None else None
    if not named and until is None:
        raise ValueError("a receipt of nothing")
    at = moment(event.get("timestamp", told), "timestamp")
    given: dict[str, Any] = {"kind": kind, "thread_key": thread_key(reader), "reader_id": reader, "at": at}
    covered = [Receipt(**given, message_id=one) for one in named]
    return [*covered, Receipt(**given, until=until)] if until else [*covered]


def _spoken(account: Mapping[str, Any], event: Mapping[str, Any]) -> list[Event]:
    sender = identifier(mapping(event["sender"], "sender"), "id")
    recipient = identifier(mapping(event["recipient"], "recipient"), "id")
    own = identifier(account, "id")
    at = moment(event["timestamp"], "timestamp")
    key = thread_key(recipient if sender == own else sender)
    author = _author(account) if sender == own else Author(external_id=sender)
    if "reaction" in event:
        return [_reaction(mapping(event["reaction"], "reaction"), author, at)]
    if "postback" in event:
        pressed = mapping(event["postback"], "postback")
        mid = optional_identifier(pressed, "mid") or f"postback:{sender}:{int(at.timestamp() * 1000)}"
        return [
            MessageSeen(
                external_id=mid,
                author=author,
                text=text(pressed, "title") or text(pressed, "payload"),
                sent_at=at,
                visibility="private",
                thread_key=key,
            )
        ]
    if "message_edit" in event:
        edit = mapping(event["message_edit"], "message_edit")
        return [
            MessageSeen(
                external_id=identifier(edit, "mid"),
                author=author,
                text=text(edit, "text"),
                sent_at=at,  # when it was first said is not told; the core keeps what it knows
                edited_at=at,
                visibility="private",
                thread_key=key,
            )
        ]
    return [_message(mapping(event["message"], "message"), author, at, key)]


def _message(message: Mapping[str, Any], author: Author, at: datetime, key: str) -> Event:
    mid = identifier(message, "mid")
    if message.get("is_deleted") is True:
        return MessageDeleted(external_id=mid, deleted_at=at)
    words, files, facts = text(message, "text"), list[Media](), dict[str, Any]()
    for attachment in list(data(message.get("attachments")))[:MAX_PARTS]:
        kind, payload = text(attachment, "type"), optional_mapping(attachment.get("payload"))
        url = payload.get("url") or attachment.get("url")
        if kind in _MEDIA_KINDS:
            files += media(_MEDIA_KINDS[kind], url)
        elif kind == "location":
            words = _with_place(words, payload)
        elif kind != "template":
            # Shares, fallbacks for links, posts, and kinds to come: the address says most.
            words = link_line(words, url)
        if kind == "story_mention":
            facts["kind"] = "story_mention"
    answered = optional_mapping(message.get("reply_to"))
    story = optional_mapping(answered.get("story"))
    if story:
        facts["kind"] = "story_reply"
        files += media("image", story.get("url"), name="story")
    if message.get("is_unsupported") is True and not words:
        words = UNSHOWN
    return MessageSeen(
        external_id=mid,
        author=author,
        text=words,
        sent_at=at,
        visibility="private",
        parent_id=optional_identifier(answered, "mid"),
        thread_key=key,
        media=tuple(files),
        facts=facts,
        client_ref=client_ref(message),
    )


def _reaction(reaction: Mapping[str, Any], author: Author, at: datetime) -> Event:
    mid = identifier(reaction, "mid")
    mark = f"reaction:{author.external_id}:{mid}"[:200]
    if text(reaction, "action") == "unreact":
        return Withdrawn(external_id=mark, original_id=mid, withdrawn_at=at)
    name = text(reaction, "emoji") or text(reaction, "reaction") or "like"
    return Liked(external_id=mark, original_id=mid, author=author, liked_at=at, reaction=name)


def _with_place(words: str, payload: Mapping[str, Any]) -> str:
    place = optional_mapping(payload.get("coordinates"))
    lat, long = place.get("lat"), place.get("long")
    if isinstance(lat, (int, float)) and isinstance(long, (int, float)):
        return f"{words}\n{lat}, {long}".strip()
    return words


# From conversations -------------------------------------------------------------------------------
def parse_message(payload: Any) -> list[Event]:
    """``payload``: ``{"account": {"id", "handle"}, "message": …}``, ``message`` as the Graph API gives it.

    Raises ValueError, KeyError or TypeError when it is not understood.
    """
    whole = mapping(payload, "the payload")
    account, message = mapping(whole["account"], "account"), mapping(whole["message"], "message")
    writer = mapping(message["from"], "from")
    readers = list(data(message.get("to")))
    own = identifier(account, "id")
    writer_id = identifier(writer, "id")
    if writer_id != own:
        customer = writer_id
    elif readers:
        customer = identifier(readers[0], "id")
    else:
        raise ValueError("an own message to nobody")
    words, files, facts = text(message, "message"), list[Media](), dict[str, Any]()
    for attachment in list(data(message.get("attachments")))[:MAX_PARTS]:
        files += _attachment(attachment)
    files += media("image", message.get("sticker"), name="sticker")
    for share in list(data(message.get("shares")))[:MAX_PARTS]:
        words = link_line(words, share.get("link"))
    story = optional_mapping(message.get("story"))
    for part, kind in (("mention", "story_mention"), ("reply_to", "story_reply")):
        if found := optional_mapping(story.get(part)):
            facts["kind"] = kind
            files += media("image", found.get("link"), name="story")
    if message.get("is_unsupported") is True and not words:
        words = UNSHOWN
    return [
        MessageSeen(
            external_id=identifier(message, "id"),
            author=_author(account) if writer_id == own else _writer(writer, writer_id),
            text=words,
            sent_at=moment(message["created_time"], "created_time"),
            visibility="private",
            parent_id=optional_identifier(optional_mapping(message.get("reply_to")), "mid"),
            thread_key=thread_key(customer),
            media=tuple(files),
            facts=facts,
        )
    ]


def _attachment(attachment: Mapping[str, Any]) -> tuple[Media, ...]:
    name, content_type = text(attachment, "name")[:200], text(attachment, "mime_type")[:100]
    for part, kind in (("image_data", "image"), ("video_data", "video")):
        if found := optional_mapping(attachment.get(part)):
            chosen: MediaKind = "video" if kind == "video" else "image"
            url = found.get("url") or found.get("animated_gif_url")
            return media(chosen, url, name=name, content_type=content_type)
    major = content_type.partition("/")[0]
    kinds: Mapping[str, MediaKind] = {"audio": "audio", "video": "video", "image": "image"}
    return media(kinds.get(major, "file"), attachment.get("file_url"), name=name, content_type=content_type)


def _author(account: Mapping[str, Any]) -> Author:
    return Author(external_id=identifier(account, "id"), handle=text(account, "handle"))


def _writer(writer: Mapping[str, Any], external_id: str) -> Author:
    # Instagram names people by username, Messenger by name.
    return Author(external_id=external_id, handle=text(writer, "username"), name=text(writer, "name"))
