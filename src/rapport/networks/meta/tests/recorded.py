"""Recorded Graph API answers, as raw events of our networks; and why some hold nothing for us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rapport.lib.tests.shared_data import shared_data

# Beginnings of paths, and why such a file has no message of anybody.
NOTHING_IN = {
    "base/": "answers about no message: errors, profiles, and posts of strangers without ids",
    "error.json": "an error",
    "facebook/apidata/albums": "albums, which are no messages",
    "facebook/apidata/applications": "the app itself",
    "facebook/apidata/business": "businesses",
    "facebook/apidata/conversations": "conversations without their messages",
    "facebook/apidata/events": "events of a page",
    "facebook/apidata/groups": "groups, which no program may read since 2024",
    "facebook/apidata/likes": "pages that a page likes",
    "facebook/apidata/live_videos": "live videos",
    "facebook/apidata/pages": "profiles of pages; read by the test of the profile",
    "facebook/apidata/photos": "photos apart from their posts",
    "facebook/apidata/pictures": "addresses of pictures",
    "facebook/apidata/users": "people and their pages",
    "facebook/apidata/videos": "videos apart from their posts",
    "facebook/models/album": "an album", "facebook/models/business": "a business",
    "facebook/models/conversation": "a conversation without its messages",
    "facebook/models/event": "an event", "facebook/models/live_video": "a live video",
    "facebook/models/photo": "a photo apart from its post", "facebook/models/video": "a video apart from its post",
    "instagram/apidata/discovery": "posts of strangers, looked up by name",
    "instagram/apidata/hashtags": "posts of strangers, by hashtag, without times or authors",
    "instagram/apidata/medias/children": "pictures of an album", "instagram/apidata/medias/insights": "figures",
    "instagram/apidata/medias/product_tags": "products", "instagram/apidata/publish": "posts being made",
    "instagram/apidata/stories": "our own stories, which are not listed with posts",
    "instagram/apidata/users/user_": "profiles and figures", "instagram/apidata/users/recently": "hashtags",
    "instagram/apidata/users/hashtag": "hashtags", "instagram/apidata/users/product": "products",
    "instagram/apidata/users/catalog": "products", "instagram/apidata/users/available": "products",
    "instagram/apidata/users/live_medias": "live videos",
    "instagram/models/ig_insight": "figures", "instagram/models/ig_story": "a story of our own",
    "instagram/models/ig_container": "a post being made",
    "instagram_basic/": "the Instagram Basic Display API, shut down in December 2024",
}  # fmt: skip
# Beginnings of paths: network, kind, and what the object is called in the raw event.
HOLDS = {
    "facebook/apidata/messages": ("facebook", "message", "message"),
    "facebook/models/message": ("facebook", "message", "message"),
    "facebook/apidata/comments": ("facebook", "comment", "comment"),
    "facebook/apidata/posts": ("facebook", "post", "post"),
    "facebook/models/post": ("facebook", "post", "post"),
    "instagram/apidata/comments": ("instagram", "comment", "comment"),
    "instagram/apidata/medias/comments_p1": ("instagram", "comment", "comment"),
    "instagram/models/ig_comment": ("instagram", "comment", "comment"),
    "instagram/models/ig_reply": ("instagram", "comment", "comment"),
    "instagram/apidata/users/mentioned_comment": ("instagram", "comment", "comment"),
    "instagram/apidata/medias/medias_fields": ("instagram", "medium", "medium"),
    "instagram/apidata/users/medias_p2": ("instagram", "medium", "medium"),
    "instagram/apidata/users/tagged_medias": ("instagram", "tagged", "medium"),
    "instagram/models/ig_media": ("instagram", "medium", "medium"),
}
ACCOUNT = {"id": "100", "handle": "nobody"}


def folder() -> Path:
    """Skips the test when the recorded payloads are not here."""
    return shared_data("payloads/facebook_instagram_graph")


def objects(network: str) -> Iterator[tuple[str, str, Any]]:
    """File, kind and payload of each recorded object of a network that has an id, a time and, where it is
    private, a sender: the others were asked for with fewer fields than we ask for."""
    for path in sorted(folder().rglob("*.json")):
        name = str(path.relative_to(folder()))
        of = next((what for beginning, what in HOLDS.items() if name.startswith(beginning)), None)
        if of is None or of[0] != network:
            continue
        _network, kind, called = of
        for one in _listed(json.loads(path.read_text(encoding="utf-8"))):
            if "id" in one and ("created_time" in one or "timestamp" in one):
                ids = {"post_id": "100_1"} if network == "facebook" else {"medium_id": "1"}
                yield name, kind, {"account": ACCOUNT, **ids, called: one}


def unexplained() -> list[str]:
    """Files that are neither read nor listed with a reason."""
    names = [str(path.relative_to(folder())) for path in folder().rglob("*.json")]
    known = (*HOLDS, *NOTHING_IN)
    return [name for name in names if not name.startswith(known)]


def _listed(found: Any) -> list[Any]:
    if "mentioned_comment" in found:
        return [found["mentioned_comment"]]
    if isinstance(found.get("data"), list):
        return list(found["data"])
    if "id" in found:
        return [found]
    return [one for one in found.values() if isinstance(one, dict)]
