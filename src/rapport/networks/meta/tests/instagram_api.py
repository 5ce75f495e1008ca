"""Instagram with Facebook Login: media, comments, replies, mentions, tags."""

from __future__ import annotations

import re
from typing import Any

from rapport.networks.meta.tests.errors import GraphError, not_permitted
from rapport.networks.meta.tests.fields import Asked, asked, shown
from rapport.networks.meta.tests.lists import listed, written
from rapport.networks.meta.tests.world import IG_ID, Thing, World

_MEDIUM = {"id", "caption", "media_type", "media_url", "permalink", "timestamp", "username", "comments"}
_COMMENT = {"id", "text", "timestamp", "username", "from", "parent_id", "replies"}
_MENTIONED = re.compile(r"mentioned_(comment|media)\.(?:comment|media)_id\((\d+)\)\{(.+)\}")


def answer(world: World, call: Any) -> Any:
    thing = world.things.get(call.parts[0])
    kind = thing.kind if thing else ""
    match (call.method, call.parts[0] == IG_ID, call.parts[1:]):
        case ("GET", True, ["media"]):
            return media(world, call)
        case ("GET", True, ["tags"]):
            return tags(world, call)
        case ("GET", True, []):
            return mentioned(world, call)
        case ("POST", True, ["mentions"]):
            return answer_mention(world, call)
        case ("GET", False, ["comments"]) if kind == "medium":
            return comments(world, call)
        case ("GET", False, ["replies"]) if kind == "ig_comment":
            return comments(world, call)
        case ("POST", False, ["comments"]) if kind == "medium":
            return new_comment(world, call, thing)
        case ("POST", False, ["replies"]) if kind == "ig_comment":
            return new_comment(world, call, thing)
        case ("DELETE", False, []) if kind == "ig_comment":
            world.things.pop(call.parts[0])
            return {"success": True}
    return None


def media(world: World, call: Any) -> dict[str, Any]:
    wanted = asked(call.params["fields"])
    found = [one for one in world.things.values() if one.kind == "medium" and one.author == world.instagram]
    return listed(call, found[::-1], lambda one: show_medium(world, one, wanted))


def tags(world: World, call: Any) -> dict[str, Any]:
    wanted = asked(call.params["fields"])
    found = [one for one in world.things.values() if one.kind == "medium" and one.extra.get("tags_us")]
    return listed(call, found[::-1], lambda one: show_medium(world, one, wanted))


def show_medium(world: World, one: Thing, wanted: dict[str, Asked]) -> dict[str, Any]:
    thing = {
        "id": one.id, "caption": one.text, "media_type": "IMAGE", "media_url": "https://cdn.example/m.jpg",
        "permalink": f"https://www.instagram.com/p/{one.id}/", "timestamp": written(one.created),
        "username": (one.author or {}).get("username"),
    }  # fmt: skip
    found = shown(thing, wanted, _MEDIUM)
    if how := wanted.get("comments"):
        below = _below(world, one.id)
        limit = int(how.arguments.get("limit", "50"))
        if below:
            paging = {"next": f"https://graph.facebook.com/x?after={limit}"} if len(below) > limit else {}
            found["comments"] = {
                "data": [show_comment(world, c, how.fields) for c in below[:limit]],
                "paging": paging,
            }
    return found


def show_comment(world: World, one: Thing, wanted: dict[str, Asked]) -> dict[str, Any]:
    thing = {
        "id": one.id, "text": one.text, "timestamp": written(one.created), "from": one.author,
        "username": (one.author or {}).get("username"),
        "parent_id": one.parent if one.parent != one.root else None,
    }  # fmt: skip
    found = shown(thing, wanted, _COMMENT)
    if how := wanted.get("replies"):
        below = _below(world, one.id)
        if below:
            found["replies"] = {"data": [show_comment(world, c, how.fields) for c in below]}
    return found


def _below(world: World, above: str) -> list[Thing]:
    found = [one for one in world.things.values() if one.kind == "ig_comment" and one.parent == above]
    return sorted(found, key=lambda one: (one.created, one.id), reverse=True)


def comments(world: World, call: Any) -> dict[str, Any]:
    wanted = asked(call.params.get("fields", "id,text,timestamp"))
    return listed(call, _below(world, call.parts[0]), lambda one: show_comment(world, one, wanted))


def new_comment(world: World, call: Any, above: Thing) -> dict[str, Any]:
    if "instagram_manage_comments" not in world.scopes:
        raise not_permitted("instagram_manage_comments")
    words = call.form.get("message", "")
    if not words:
        raise GraphError(100, "(#100) The parameter message is required")
    if len(words) > 2200:
        raise GraphError(100, "(#100) The comment is too long")
    if above.kind == "ig_comment" and above.parent != above.root:
        above = world.things[above.parent]  # answers to an answer are added to the comment of the first level
    made = world.add("ig_comment", world.instagram, words, parent=above.id, root=above.root or above.id)
    world.tell_ig_comment(made)
    return {"id": made.id}


def mentioned(world: World, call: Any) -> dict[str, Any]:
    match = _MENTIONED.fullmatch(call.params.get("fields", ""))
    if match is None:
        return shown({"id": IG_ID}, asked(call.params.get("fields", "id")), {"id"})
    what, found_id, fields = match.groups()
    thing = world.mentioned.get(found_id)
    if thing is None:
        raise GraphError(100, "Invalid parameter: the user is not mentioned there", 2207001)
    if what == "media":
        known = {"id", "caption", "media_type", "media_url", "permalink", "timestamp", "username", "comments"}
        one = show_medium(world, thing, asked(fields))
        assert set(one) <= known
        return {"mentioned_media": one, "id": IG_ID}
    wanted = asked(fields)
    thing_shown = {
        "id": thing.id,
        "text": thing.text,
        "timestamp": written(thing.created),
        "media": {"id": thing.root},
        "username": (thing.author or {}).get("username"),
    }
    return {
        "mentioned_comment": shown(
            thing_shown, wanted, {"id", "text", "timestamp", "media", "username", "like_count"}
        ),
        "id": IG_ID,
    }


def answer_mention(world: World, call: Any) -> dict[str, Any]:
    if call.form.get("media_id") is None or not call.form.get("message"):
        raise GraphError(100, "(#100) media_id and message are required")
    target = call.form.get("comment_id") or call.form["media_id"]
    if target not in world.mentioned:
        raise GraphError(100, "Invalid parameter: the user is not mentioned there", 2207001)
    made = world.add(
        "ig_comment", world.instagram, call.form["message"], parent=target, root=call.form["media_id"]
    )
    return {"id": made.id}
