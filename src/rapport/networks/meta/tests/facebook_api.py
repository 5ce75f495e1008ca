"""Pages: feed, comments, reviews, pictures, profile."""

from __future__ import annotations

import json
from typing import Any

from rapport.networks.meta.tests import messages_api
from rapport.networks.meta.tests.errors import GraphError, no_object, not_permitted
from rapport.networks.meta.tests.fields import Asked, asked, shown
from rapport.networks.meta.tests.lists import listed, written
from rapport.networks.meta.tests.world import IG_HANDLE, IG_ID, PAGE_HANDLE, PAGE_ID, PAGE_NAME, Thing, World

_PAGE = {
    "id",
    "name",
    "username",
    "about",
    "link",
    "website",
    "hours",
    "picture",
    "followers_count",
    "category",
    "instagram_business_account",
}
_COMMENT = {"id", "message", "created_time", "from", "parent", "permalink_url", "attachment"}
_POST = {"id", "message", "story", "created_time", "from", "permalink_url", "attachments", "comments"}
_REVIEW = {"created_time", "rating", "recommendation_type", "review_text", "reviewer", "open_graph_story"}


def answer(world: World, call: Any) -> Any:
    own = call.parts[0] == PAGE_ID
    match (call.method, own, call.parts[1:]):
        case ("GET", True, []):
            return page(world, call)
        case ("POST", True, []):
            return change_page(world, call)
        case (_, True, ["subscribed_apps"]):
            return subscribed_apps(world, call)
        case ("GET", True, ["feed"]):
            return posts(world, call, lambda one: one.kind == "post")
        case ("GET", True, ["tagged"]):
            return posts(world, call, lambda one: one.kind == "tagged_post")
        case ("GET", True, ["ratings"]):
            return ratings(world, call)
        case ("POST", True, ["feed"]):
            return new_post(world, call)
        case ("POST", True, ["photos"]):
            return new_photo(world, call)
        case ("GET", False, ["comments"]) if _is_facebook(world, call):
            return comments(world, call)
        case ("GET", False, []) if call.parts[0] in world.things and _is_facebook(world, call):
            return one_comment(world, call)
        case ("POST", False, ["comments"]) if _is_facebook(world, call):
            return new_comment(world, call)
        case ("POST", False, []) if _is_facebook(world, call):
            return edit(world, call)
        case ("DELETE", False, []) if _is_facebook(world, call):
            return remove(world, call)
    return None


def page(world: World, call: Any) -> dict[str, Any]:
    found = {
        "id": PAGE_ID, "name": PAGE_NAME, "username": PAGE_HANDLE, "category": "Airline",
        "link": f"https://www.facebook.com/{PAGE_HANDLE}", "followers_count": 8123, **world.page,
        "picture": {"data": {"url": "https://scontent.example/logo.png"}},
        "instagram_business_account": {
            "id": IG_ID, "username": IG_HANDLE, "name": PAGE_NAME, "biography": "Up there.",
            "website": "https://alvara.example", "followers_count": 4021,
            "profile_picture_url": "https://scontent.example/ig.png",
        },
    }  # fmt: skip
    return shown(found, asked(call.params.get("fields", "id,name")), _PAGE)


def change_page(world: World, call: Any) -> dict[str, Any]:
    for name, value in call.form.items():
        if name not in {"about", "website", "hours"}:
            raise GraphError(100, f"(#100) Invalid parameter {name}")
        world.page[name] = json.loads(value) if name == "hours" else value
    return {"success": True}


def subscribed_apps(world: World, call: Any) -> dict[str, Any]:
    if "pages_manage_metadata" not in world.scopes:
        raise not_permitted("pages_manage_metadata")
    if call.method == "GET":
        from rapport.networks.meta.tests.world import APP_ID

        return {
            "data": [{"id": APP_ID, "name": "Desk", "subscribed_fields": world.subscribed}]
            if world.subscribed
            else []
        }
    world.subscribed = sorted({*world.subscribed, *call.form["subscribed_fields"].split(",")})
    return {"success": True}


def posts(world: World, call: Any, which: Any) -> dict[str, Any]:
    _needs(world, "pages_read_user_content")
    wanted = asked(call.params["fields"])
    found = sorted((one for one in world.things.values() if which(one)), key=lambda one: one.id, reverse=True)
    return listed(call, found, lambda one: show_post(world, one, wanted))


def show_post(world: World, post: Thing, wanted: dict[str, Asked]) -> dict[str, Any]:
    thing = {
        "id": post.id, "message": post.text or None, "created_time": written(post.created), "from": post.author,
        "permalink_url": f"https://www.facebook.com/{post.id.replace('_', '/posts/')}",
        "attachments": {"data": [_picture(url) for url in post.pictures]} if post.pictures else None,
    }  # fmt: skip
    found = shown(thing, wanted, _POST)
    if "comments" in wanted:
        how = wanted["comments"]
        below = _below(world, post.id, how.arguments)
        limit = int(how.arguments.get("limit", "25"))
        shown_now = [show_comment(one, how.fields) for one in below[:limit]]
        if shown_now:
            paging = {"next": f"https://graph.facebook.com/x?after={limit}"} if len(below) > limit else {}
            found["comments"] = {"data": shown_now, "paging": paging}
    return found


def show_comment(comment: Thing, wanted: dict[str, Asked]) -> dict[str, Any]:
    thing = {
        "id": comment.id, "message": comment.text, "created_time": written(comment.created), "from": comment.author,
        "permalink_url": f"https://www.facebook.com/{comment.root}?comment_id={comment.id}",
        "parent": {"id": comment.parent} if comment.parent != comment.root else None,
        "attachment": _picture(comment.pictures[0]) if comment.pictures else None,
    }  # fmt: skip
    return shown(thing, wanted, _COMMENT)


def _picture(url: str) -> dict[str, Any]:
    return {
        "media_type": "photo",
        "type": "photo",
        "url": url,
        "media": {"image": {"src": url, "height": 100, "width": 100}},
    }


def _below(world: World, above: str, how: dict[str, str]) -> list[Thing]:
    comment = above in world.things and world.things[above].kind == "comment"
    if how.get("filter") == "stream" and not comment:
        found = [one for one in world.things.values() if one.kind == "comment" and one.root == above]
    else:
        found = [one for one in world.things.values() if one.kind == "comment" and one.parent == above]
    return sorted(
        found, key=lambda one: (one.created, one.id), reverse=how.get("order") == "reverse_chronological"
    )


def comments(world: World, call: Any) -> dict[str, Any]:
    wanted = asked(call.params.get("fields", "created_time,from,message,id"))
    return listed(call, _below(world, call.parts[0], call.params), lambda one: show_comment(one, wanted))


def one_comment(world: World, call: Any) -> dict[str, Any]:
    """A comment, with the conversation that a private reply to it opened."""
    wanted = asked(call.params.get("fields", "id"))
    how = wanted.pop("private_reply_conversation", None)
    found = show_comment(world.things[call.parts[0]], wanted)
    if how is not None and world.things[call.parts[0]].privately_answered:
        messages = messages_api.newest(world.conversation("messenger"), how.fields["messages"])
        found["private_reply_conversation"] = {"id": world.conversation("messenger").id, "messages": messages}
    return found


def ratings(world: World, call: Any) -> dict[str, Any]:
    _needs(world, "pages_read_user_content")
    wanted = asked(call.params["fields"])
    found = [one for one in world.things.values() if one.kind == "review"]

    def show(one: Thing) -> dict[str, Any]:
        thing = {
            "created_time": written(one.created),
            "review_text": one.text,
            "reviewer": one.author,
            "open_graph_story": {"id": one.id},
            **one.extra,
        }
        return {k: v for k, v in shown(thing, wanted, _REVIEW).items() if k != "id"}

    return listed(call, found[::-1], show)


def new_post(world: World, call: Any) -> dict[str, Any]:
    _needs(world, "pages_manage_posts")
    if not call.form.get("message") and "attached_media[0]" not in call.form:
        raise GraphError(100, "(#100) Missing message or attachment")
    made = world.add_post(call.form.get("message", ""))
    if attached := call.form.get("attached_media[0]"):
        _attach(world, made, json.loads(attached)["media_fbid"])
    return {"id": made.id}


def new_photo(world: World, call: Any) -> dict[str, Any]:
    if call.form.get("published") != "false":
        raise GraphError(100, "(#100) this double takes unpublished photos only")
    name, content, kind = call.files["source"]
    if not content or not kind.startswith("image/"):
        raise GraphError(324, "Missing or invalid image file")
    n = f"{600000 + world.number()}"
    world.uploads[n] = {
        "alt": call.form.get("alt_text_custom", ""),
        "url": f"https://scontent.example/{n}.jpg",
        "name": name,
    }
    return {"id": n}


def new_comment(world: World, call: Any) -> dict[str, Any]:
    _needs(world, "pages_manage_engagement")
    above = world.things[call.parts[0]]
    words = call.form.get("message", "")
    if not words and "attachment_id" not in call.form:
        raise GraphError(100, "(#100) Param message must be set")
    if len(words) > 8000:
        raise GraphError(100, "(#100) Param message is too long")
    if above.kind == "comment" and above.parent != above.root:
        raise GraphError(100, "(#100) Comments nest one deep", 33)
    before = [
        one for one in world.things.values() if one.kind == "comment" and one.author == world.page_author
    ]
    if before and before[-1].text == words and before[-1].parent == above.id and words:
        raise GraphError(506, "Duplicate status message")
    made = world.add("comment", world.page_author, words, parent=above.id, root=above.root or above.id)
    if attached := call.form.get("attachment_id"):
        _attach(world, made, attached)
    world.tell_comment(made, "add")
    return {"id": made.id}


def _attach(world: World, thing: Thing, upload: str) -> None:
    if upload not in world.uploads:
        raise GraphError(100, "(#100) Invalid attachment_id")
    thing.pictures.append(world.uploads[upload]["url"])
    thing.alts.append(world.uploads[upload]["alt"])


def edit(world: World, call: Any) -> dict[str, Any]:
    thing = world.things[call.parts[0]]
    if thing.author != world.page_author:
        raise GraphError(200, "(#200) You do not have permission to edit this comment")
    thing.text = call.form["message"]
    if thing.kind == "comment":
        world.tell_comment(thing, "edited")
    return {"success": True}


def remove(world: World, call: Any) -> dict[str, Any]:
    thing = world.things.pop(call.parts[0])
    if thing.kind == "comment":
        world.tell_comment(thing, "remove")
    return {"success": True}


def _is_facebook(world: World, call: Any) -> bool:
    thing = world.things.get(call.parts[0])
    if thing is None:
        raise no_object(call)
    return thing.kind in {"post", "comment", "review", "tagged_post"}


def _needs(world: World, permission: str) -> None:
    if permission not in world.scopes:
        raise not_permitted(permission)
