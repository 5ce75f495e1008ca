"""Messenger and Instagram messages: conversations, sending, windows, private replies, files."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from rapport.networks.meta.tests.errors import GraphError, not_permitted
from rapport.networks.meta.tests.fields import Asked, BadFields, asked, shown
from rapport.networks.meta.tests.lists import listed, written
from rapport.networks.meta.tests.world import PAGE_ID, PERSON_ID, Conversation, World

_MESSENGER = {"id", "created_time", "from", "to", "message", "attachments", "sticker", "shares"}
_INSTAGRAM = {
    "id",
    "created_time",
    "from",
    "to",
    "message",
    "attachments",
    "shares",
    "story",
    "is_unsupported",
}
_LIMITS = {
    "image": 8 * 1024 * 1024,
    "video": 25 * 1024 * 1024,
    "audio": 25 * 1024 * 1024,
    "file": 25 * 1024 * 1024,
}


def answer(world: World, call: Any) -> Any:
    match (call.method, call.parts):
        case ("GET", [page, "conversations"]) if page == PAGE_ID:
            return conversations(world, call)
        case ("POST", [page, "messages"]) if page == PAGE_ID:
            return send(world, call)
        case ("POST", [page, "message_attachments"]) if page == PAGE_ID:
            return upload(world, call)
        case ("GET", [conversation, "messages"]):
            wanted = asked(call.params["fields"])
            found = next((one for one in world.conversations.values() if one.id == conversation), None)
            if found is not None:
                return listed(call, found.messages, lambda m: show(m, wanted, found.platform))
    return None


def conversations(world: World, call: Any) -> dict[str, Any]:
    platform = call.params.get("platform", "messenger")
    _needs(world, platform)
    wanted = asked(call.params["fields"])
    if set(wanted) - {"id", "updated_time", "messages"}:
        raise BadFields("(#100) Tried accessing nonexisting field")
    person = call.params.get("user_id")
    found = [
        one for (place, who), one in world.conversations.items()
        if place == platform and person in {None, who} and one.messages
    ]  # fmt: skip
    found.sort(key=lambda one: one.messages[0]["created_time"], reverse=True)

    def show_one(one: Conversation) -> dict[str, Any]:
        made: dict[str, Any] = {"id": one.id, "updated_time": written(one.messages[0]["created_time"])}
        how = wanted.get("messages")
        if how is not None:
            if platform == "instagram" and int(how.arguments.get("limit", "25")) > 20:
                raise GraphError(100, "(#100) Only the 20 most recent messages can be queried")
            made["messages"] = newest(one, how)
        return made

    return listed(call, found, show_one)


def newest(conversation: Conversation, how: Asked) -> dict[str, Any]:
    limit = int(how.arguments.get("limit", "25"))
    paging = (
        {"next": f"https://graph.facebook.com/x?after={limit}"} if len(conversation.messages) > limit else {}
    )
    shown_now = [show(one, how.fields, conversation.platform) for one in conversation.messages[:limit]]
    return {"data": shown_now, "paging": paging}


def show(message: dict[str, Any], wanted: dict[str, Asked], platform: str) -> dict[str, Any]:
    known = _INSTAGRAM if platform == "instagram" else _MESSENGER
    files = [
        {"id": "1", "mime_type": one["mime"], "name": one["name"], f"{one['type']}_data": {"url": one["url"]}}
        if one["type"] in {"image", "video"}
        else {"id": "1", "mime_type": one["mime"], "name": one["name"], "file_url": one["url"]}
        for one in message["attachments"]
    ]
    thing = {
        **message, "created_time": written(message["created_time"]),
        "attachments": {"data": files} if files else None,
    }  # fmt: skip
    return shown(thing, wanted, known)


def upload(world: World, call: Any) -> dict[str, Any]:
    platform = call.form.get("platform", "messenger")
    _needs(world, platform)
    wanted = json.loads(call.form["message"])["attachment"]
    name, content, kind = call.files["filedata"]
    if len(content) > _LIMITS[wanted["type"]] or not content:
        raise GraphError(100, "(#100) Upload attachment failure.", 2018047)
    n = f"{500000 + world.number()}"
    world.uploads[n] = {
        "type": wanted["type"],
        "mime": kind,
        "name": name,
        "url": f"https://cdn.example/{n}",
        "content": content,
    }
    return {"attachment_id": n}


def send(world: World, call: Any) -> dict[str, Any]:
    body = call.form
    recipient, message = body["recipient"], body["message"]
    if ("text" in message) == ("attachment" in message):
        raise GraphError(100, "(#100) A message has either text or an attachment", 2018006)
    if "comment_id" in recipient:
        return _private_reply(world, recipient["comment_id"], message)
    platform = "instagram" if _is_instagram(world, recipient["id"], body) else "messenger"
    _needs(world, platform)
    _check_text(platform, message)
    conversation = world.conversations.get((platform, recipient["id"]))
    if conversation is None:
        raise GraphError(100, "(#100) No matching user found", 2018001)
    _window(world, platform, conversation, body)
    files = []
    if "attachment" in message:
        given = message["attachment"]["payload"].get("attachment_id")
        if given not in world.uploads:
            raise GraphError(100, "(#100) Invalid attachment_id", 2018074)
        files = [world.uploads[given]]
    mid = world.say(
        platform, message.get("text", ""), own=True, attachments=files, metadata=message.get("metadata", "")
    )
    return {"recipient_id": recipient["id"], "message_id": mid}


def _is_instagram(world: World, person: str, body: dict[str, Any]) -> bool:
    # The double has one person, who writes on one of the two only in each test.
    return ("messenger", person) not in world.conversations and ("instagram", person) in world.conversations


def _check_text(platform: str, message: dict[str, Any]) -> None:
    text = message.get("text", "")
    if platform == "instagram":
        if "metadata" in message:
            raise GraphError(100, "(#100) Invalid keys metadata were found in param message")
        if len(text.encode()) > 1000:
            raise GraphError(
                100, "(#100) Length of param message[text] must be less than or equal to 1000", 2534038
            )
    elif len(text) > 2000:
        raise GraphError(
            100, "(#100) Length of param message[text] must be less than or equal to 2000", 2018027
        )


def _window(world: World, platform: str, conversation: Conversation, body: dict[str, Any]) -> None:
    closed = GraphError(
        10,
        "(#10) This message is sent outside of allowed window.",
        2018278 if platform == "messenger" else 2534022,
        403,
    )
    if conversation.heard_at is None:
        raise closed
    since = world.now() - conversation.heard_at
    kind = body.get("messaging_type")
    if kind == "RESPONSE":
        if since > timedelta(hours=24):
            raise closed
    elif kind == "MESSAGE_TAG" and body.get("tag") == "HUMAN_AGENT":
        if not world.human_agent:
            raise GraphError(
                10,
                "(#10) To use 'Human Agent', your use of this endpoint must be reviewed and approved",
                0,
                403,
            )
        if since > timedelta(days=7):
            raise closed
    else:
        raise GraphError(100, "(#100) Invalid messaging_type or tag", 2018042)


def _private_reply(world: World, comment_id: str, message: dict[str, Any]) -> dict[str, Any]:
    comment = world.things.get(comment_id)
    if comment is None or comment.kind not in {"comment", "ig_comment"}:
        raise GraphError(100, "(#100) The comment is invalid", 33)
    platform = "messenger" if comment.kind == "comment" else "instagram"
    _needs(world, platform)
    _check_text(platform, message)
    if "attachment" in message:
        raise GraphError(100, "(#100) A private reply holds text only")
    if comment.privately_answered:
        raise GraphError(10900, "(#10900) Activity already replied to")
    if world.now() - comment.created > timedelta(days=7):
        raise GraphError(10901, "(#10901) Activity is too old to be replied to")
    comment.privately_answered = True
    mid = world.say(platform, message["text"], own=True, metadata=message.get("metadata", ""))
    return {"recipient_id": PERSON_ID, "message_id": mid}


def _needs(world: World, platform: str) -> None:
    permission = "instagram_manage_messages" if platform == "instagram" else "pages_messaging"
    if permission not in world.scopes:
        raise not_permitted(permission)
