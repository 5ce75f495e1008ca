"""Raw events out of the API's answers: one for each post and message, with only what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rapport.networks.base import RawItem

Json = dict[str, Any]

POST_FIELDS = {
    "tweet.fields": "attachments,author_id,conversation_id,created_at,entities,in_reply_to_user_id,lang,"
    "note_tweet,public_metrics,referenced_tweets",
    "expansions": "author_id,attachments.media_keys,attachments.poll_ids,referenced_tweets.id,"
    "referenced_tweets.id.author_id",
    "user.fields": "name,profile_image_url,public_metrics,username",
    "media.fields": "alt_text,preview_image_url,type,url,variants",
    "poll.fields": "end_datetime,options",
}
MESSAGE_FIELDS = {
    "dm_event.fields": "attachments,created_at,dm_conversation_id,entities,event_type,id,referenced_tweets,"
    "sender_id,text",
    "expansions": "sender_id,attachments.media_keys",
    "user.fields": "name,profile_image_url,public_metrics,username",
    "media.fields": "alt_text,preview_image_url,type,url,variants",
}


def history_of(post: Json) -> list[str]:
    """Ids of a post's versions, first one first."""
    found = post.get("edit_history_tweet_ids") or post.get("edit_history_post_ids")
    return [str(one) for one in found] if isinstance(found, list) and found else [str(post["id"])]


def references_of(post: Json) -> dict[str, str]:
    found = post.get("referenced_tweets") or post.get("referenced_posts") or []
    return {str(one["type"]): str(one["id"]) for one in found}


def post_item(post: Json, includes: Json, *, kind: str = "post") -> RawItem:
    """One post as an event. Its key is the same whichever way it comes; an edit has one of its own."""
    first, newest = history_of(post)[0], str(post["id"])
    return RawItem(
        kind=kind,
        payload={"data": post, "includes": _belonging(post, includes)},
        key=f"{kind}:{first}" if newest == first else f"{kind}:{first}:{newest}",
    )


def message_item(event: Json, includes: Json) -> RawItem:
    return RawItem(
        kind="dm", payload={"data": event, "includes": _belonging(event, includes)}, key=f"dm:{event['id']}"
    )


def posts_of(page: Json, *, now: datetime, kind: str = "post") -> list[RawItem]:
    """A page of posts, oldest first, each after the post it answers (as context, where X sent it along)."""
    includes = page.get("includes") or {}
    posts = sorted(page.get("data") or [], key=lambda post: int(post["id"]))
    told = {str(post["id"]) for post in posts}
    referenced = {str(post["id"]): post for post in includes.get("tweets") or includes.get("posts") or []}
    items: list[RawItem] = []
    for post in posts:
        parent = references_of(post).get("replied_to")
        if parent in referenced and parent not in told and "author_id" in referenced[parent]:
            told.add(parent)
            items.append(post_item(referenced[parent], includes, kind="context"))
        items.append(post_item(post, includes, kind=kind))
    return items + list(gone_of(page, now=now))


def gone_of(page: Json, *, now: datetime) -> Iterator[RawItem]:
    """The partial errors of an answer that say that a post is not there any more.

    https://docs.x.com/x-api/fundamentals/response-codes-and-errors (partial errors)
    """
    for problem in page.get("errors") or []:
        external_id = str(problem.get("resource_id") or problem.get("value") or "")
        if problem.get("resource_type", "tweet") in {"tweet", "post"} and external_id.isdecimal():
            kind = str(problem.get("type", "")).rsplit("/", 1)[-1][:30]
            yield RawItem(
                kind="gone",
                payload={"external_id": external_id, "problem": problem, "seen_at": now.isoformat()},
                key=f"gone:{external_id}:{kind}",
            )


def _belonging(thing: Json, includes: Json) -> Json:
    """Of what came along, what this post or message needs: payloads are stored, each by itself."""
    people = {str(thing.get("author_id")), str(thing.get("sender_id"))}
    wanted = thing.get("attachments") or {}
    keys, polls = wanted.get("media_keys") or [], wanted.get("poll_ids") or []
    referenced = set(references_of(thing).values()) if "author_id" in thing else set()
    found = {
        "users": [one for one in includes.get("users") or [] if str(_user_id(one)) in people],
        "media": [one for one in includes.get("media") or [] if one.get("media_key") in keys],
        "polls": [one for one in includes.get("polls") or [] if one.get("id") in polls],
        # Only which version it is of which post.
        "tweets": [
            {"id": one["id"], "edit_history_tweet_ids": history_of(one)}
            for one in includes.get("tweets") or includes.get("posts") or []
            if str(one["id"]) in referenced
        ],
    }
    return {name: things for name, things in found.items() if things}


def _user_id(user: Json) -> Any:
    return user.get("id") or (user.get("data") or {}).get("id")
