"""X as far as the connector speaks to it, by its published rules. Strict: what X refuses, it refuses.

Endpoints, parameters and bodies: https://docs.x.com/x-api (OpenAPI description 2.167, August 2026).
"""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any

from rapport.networks.doubles import Answer, Request
from rapport.networks.x.tests.doorman import RateLimited, Refuse, body_of, only
from rapport.networks.x.tests.streaming import Streaming
from rapport.networks.x.tests.world import (
    EPOCH_MS,
    PROBLEMS,
    Person,
    Post,
    Private,
    conversation,
    file_json,
    not_found,
    shorten,
)
from rapport.networks.x.text import weighted_length

QUARTER_S = 15 * 60
LIMITS = {
    "GET /2/users/me": 75,
    "GET /2/users/:id/mentions": 300,
    "GET /2/users/:id/tweets": 900,
    "GET /2/tweets": 5000,
    "GET /2/tweets/search/recent": 300,
    "GET /2/dm_events": 15,
    "GET /2/dm_conversations/with/:id/dm_events": 15,
    "GET /2/dm_conversations/:id/dm_events": 15,
    "POST /2/tweets": 100,
    "POST /2/dm_conversations/with/:id/messages": 15,
    "POST /2/dm_conversations/:id/messages": 15,
    "DELETE /2/tweets/:id": 50,
}
POST_PARAMS = {"tweet.fields", "expansions", "user.fields", "media.fields", "poll.fields"}
PAGING = {"max_results", "pagination_token", "since_id", "until_id", "start_time", "end_time"}


class XDouble(Streaming):
    """One app, one brand, some people. Enterprise access is off: answers need a mention or a quote."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = dict(LIMITS)

    def answer(self, request: Request) -> Answer:
        try:
            for method, pattern, limited, handle in ROUTES:
                found = re.fullmatch(pattern, request.path)
                if found and method == request.method:
                    headers = self._spend(request, limited) if limited else {}
                    answer = handle(self, request, **found.groupdict())
                    return Answer(answer.status, answer.body, {**answer.headers, **headers}, answer.lines)
            raise Refuse(404, "Not Found", f"no such address: {request.path}")
        except Refuse as refusal:
            return refusal.answer
        except RateLimited as limited_error:
            return limited_error.answer

    def _spend(self, request: Request, name: str) -> dict[str, str]:
        who = self._who(request).id
        if self.no_credits:
            raise Refuse(
                402,
                "CreditsDepleted",
                "Your enrolled account does not have any credits.",
                PROBLEMS + "credits",
            )
        now = self.now()
        used = self.used.setdefault(f"{name} {who}", [])
        used[:] = [one for one in used if now - one < QUARTER_S]
        limit = self.limits[name]
        reset = int((used[0] if used else now) + QUARTER_S)
        if len(used) >= limit:
            raise RateLimited(limit, reset)
        used.append(now)
        return {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(limit - len(used)),
            "x-rate-limit-reset": str(reset),
        }

    def _me(self, request: Request) -> Answer:
        only(request.query, {"user.fields", "expansions", "tweet.fields"})
        return Answer(200, {"data": self.user_json(self._who(request), request)})

    def _mentions(self, request: Request, user: str) -> Answer:
        only(request.query, PAGING | POST_PARAMS)
        whose = self._own(request, user)
        name = re.compile(rf"@{whose.username}\b", re.IGNORECASE)
        return self._page(
            request, [one for one in self.newest() if one.by != user and name.search(self.text_of(one))]
        )

    def _timeline(self, request: Request, user: str) -> Answer:
        only(request.query, PAGING | POST_PARAMS | {"exclude"})
        self._own(request, user)
        return self._page(request, [one for one in self.newest() if one.by == user])

    def _search(self, request: Request) -> Answer:
        only(request.query, PAGING | POST_PARAMS | {"query", "next_token", "sort_order"})
        query = request.query.get("query", "")
        if not 0 < len(query) <= 512:
            raise Refuse(
                400, "Invalid Request", "The query parameter is invalid.", PROBLEMS + "invalid-request"
            )
        if query.count("(") != query.count(")") or query.count('"') % 2:
            raise Refuse(
                400, "Invalid Request", "There were errors processing your request: no viable alternative"
            )
        since = request.query.get("since_id")
        if since and (self.now() * 1000 - ((int(since) >> 22) + EPOCH_MS)) > 7 * 86400 * 1000:
            raise Refuse(400, "Invalid Request", "'since_id' must be a tweet id created after 7 days ago")
        return self._page(request, [one for one in self.newest() if self._matches(one, query)])

    def _matches(self, post: Post, query: str) -> bool:
        """Enough of the query language for what the connector asks."""
        if found := re.search(r"conversation_id:(\d+)", query):
            return self.root_of(post).id == found[1]
        for handle in re.findall(r"-from:(\w+)", query):
            if self.people[post.by].username.lower() == handle.lower():
                return False
        if "is:quote" in query:
            quoted = self.posts.get(post.quotes or "")
            return quoted is not None and f"x.com/{self.people[quoted.by].username}" in query
        words = re.sub(r'-?\w+:\S+|[()"]', " ", query).lower().split()
        return all(word in post.text.lower() for word in words)

    def _page(self, request: Request, posts: list[Post]) -> Answer:
        query = request.query
        size = int(query.get("max_results", "10"))
        if not 5 <= size <= 100:
            raise Refuse(
                400,
                "Invalid Request",
                f"The `max_results` query parameter value [{size}] is not between 5 and 100",
            )
        if since := query.get("since_id"):
            posts = [one for one in posts if int(one.id) > int(since)]
        if start := query.get("start_time"):
            posts = [one for one in posts if one.at >= datetime.fromisoformat(start)]
        offset = _token(query.get("pagination_token"))
        return Answer(200, self.page_json(request, posts[offset : offset + size], _meta(posts, offset, size)))

    def _lookup(self, request: Request) -> Answer:
        only(request.query, POST_PARAMS | {"ids"})
        ids = request.query.get("ids", "").split(",")
        if not 0 < len(ids) <= 100 or not all(one.isdecimal() for one in ids):
            raise Refuse(
                400,
                "Invalid Request",
                "The `ids` query parameter value is not valid",
                PROBLEMS + "invalid-request",
            )
        found = [self.posts[one] for one in ids if one in self.posts and not self.posts[one].deleted]
        missing = [one for one in ids if one not in {post.id for post in found}]
        body = self.page_json(request, found, None)
        body["errors"] = body.get("errors", []) + [not_found(one, "ids") for one in missing]
        return Answer(200, {name: value for name, value in body.items() if value})

    def _own(self, request: Request, user: str) -> Person:
        if self._who(request).id != user:
            raise Refuse(403, "Forbidden", "You are not permitted to perform this action.")
        return self.people[user]

    def _create(self, request: Request) -> Answer:
        who, body = self._who(request), body_of(request)
        only(body, {"text", "reply", "media", "quote_tweet_id", "reply_settings"})
        text, media = body.get("text", ""), (body.get("media") or {}).get("media_ids") or []
        if not text and not media:
            raise Refuse(400, "Invalid Request", "Your Post must have text or media.")
        if weighted_length(text) > 280:
            raise Refuse(
                403,
                "Forbidden",
                "Your Tweet text is too long. For more information, see counting characters.",
            )
        parent = (body.get("reply") or {}).get("in_reply_to_tweet_id")
        if parent:
            self._may_answer(who, parent)
        if (
            any(one.text == text and one.by == who.id and not one.deleted for one in self.posts.values())
            and text
        ):
            raise Refuse(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        self._check_media(media, 4, "tweet")
        found = self.post(who, text, parent=parent, media=list(media))
        return Answer(201, {"data": {"id": found.id, "text": text, "edit_history_tweet_ids": [found.id]}})

    def _may_answer(self, who: Person, parent: str) -> None:
        """Since 23 February 2026: https://docs.x.com/changelog"""
        post = self.posts.get(parent)
        if post is None or post.deleted:
            raise Refuse(
                400,
                "Invalid Request",
                "You attempted to reply to a Tweet that is deleted or not visible to you.",
            )
        quoted = self.posts.get(post.quotes or "")
        summoned = f"@{who.username}" in self.text_of(post).lower() or (
            quoted is not None and quoted.by == who.id
        )
        if not (self.enterprise or summoned or post.by == who.id):
            raise Refuse(
                403,
                "Forbidden",
                "You can only reply to or quote posts where you are mentioned or are the author.",
            )

    def _delete(self, request: Request, post: str) -> Answer:
        who, found = self._who(request), self.posts.get(post)
        if found is None or found.deleted:
            raise Refuse(
                404,
                "Not Found Error",
                f"Could not find tweet with id: [{post}].",
                PROBLEMS + "resource-not-found",
            )
        if found.by != who.id:
            raise Refuse(403, "Forbidden", "You are not permitted to perform this action.")
        self.delete(post)
        return Answer(200, {"data": {"deleted": True}})

    def _dm_events(self, request: Request, other: str = "", group: str = "") -> Answer:
        only(
            request.query,
            {
                "max_results",
                "pagination_token",
                "event_types",
                "dm_event.fields",
                "expansions",
                "user.fields",
                "media.fields",
                "tweet.fields",
            },
        )
        who = self._who(request)
        mine = [one for one in reversed(self.private) if who.id in {one.by, one.to}]
        if other:
            mine = [one for one in mine if other in {one.by, one.to}]
        if group:
            mine = [one for one in mine if conversation(one) == group]
        size, offset = (
            int(request.query.get("max_results", "100")),
            _token(request.query.get("pagination_token")),
        )
        if not 1 <= size <= 100:
            raise Refuse(400, "Invalid Request", "max_results is not between 1 and 100")
        page = mine[offset : offset + size]
        body: dict[str, Any] = {"meta": _meta(mine, offset, size)}
        if page:
            body["data"] = [self._dm_json(one, request) for one in page]
            senders = {one.by: self.people[one.by] for one in page}
            body["includes"] = {"users": [self.user_json(one, request) for one in senders.values()]}
            files = [self.uploads[key] for one in page for key in one.media]
            if files:
                body["includes"]["media"] = [file_json(one) for one in files]
        return Answer(200, body)

    def _dm_json(self, one: Private, request: Request) -> dict[str, Any]:
        wanted = set(request.query.get("dm_event.fields", "").split(","))
        text, addresses = shorten(html.escape(one.text, quote=False))
        optional = {
            "dm_conversation_id": conversation(one),
            "created_at": one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "sender_id": one.by,
            "entities": {"urls": addresses} if addresses else None,
            "attachments": {"media_keys": [f"3_{key}" for key in one.media]} if one.media else None,
        }
        shown = {name: value for name, value in optional.items() if name in wanted and value}
        return {"id": one.id, "event_type": "MessageCreate", "text": text, **shown}

    def _dm_send(self, request: Request, other: str = "", group: str = "") -> Answer:
        who, body = self._who(request), body_of(request)
        only(body, {"text", "attachments"})
        text, attachments = body.get("text"), body.get("attachments") or []
        if (text is not None and not 0 < len(text) <= 10_000) or (not text and not attachments):
            raise Refuse(400, "Invalid Request", "text: length must be between 1 and 10000")
        if len(attachments) > 1:
            raise Refuse(400, "Invalid Request", "attachments: at most 1")
        self._check_media([one["media_id"] for one in attachments], 1, "dm")
        if group:
            other = next(one for one in group.split("-") if one != who.id)
        to = self.people.get(other)
        if to is None:
            raise Refuse(400, "Invalid Request", "participant_id: no such user")
        wrote = any(one.by == to.id and one.to == who.id for one in self.private)
        if not (to.messages_from_anyone or wrote):
            raise Refuse(403, "Forbidden", "You do not have permission to DM one or more participants.")
        found = self.message(who, to, text or "", [one["media_id"] for one in attachments])
        return Answer(201, {"data": {"dm_conversation_id": conversation(found), "dm_event_id": found.id}})


ROUTES: tuple[tuple[str, str, str, Any], ...] = (
    ("GET", "/i/oauth2/authorize", "", XDouble._authorize),
    ("POST", "/2/oauth2/token", "", XDouble._token),
    ("GET", "/2/users/me", "GET /2/users/me", XDouble._me),
    ("GET", r"/2/users/(?P<user>\d+)/mentions", "GET /2/users/:id/mentions", XDouble._mentions),
    ("GET", r"/2/users/(?P<user>\d+)/tweets", "GET /2/users/:id/tweets", XDouble._timeline),
    ("GET", "/2/tweets", "GET /2/tweets", XDouble._lookup),
    ("GET", "/2/tweets/search/recent", "GET /2/tweets/search/recent", XDouble._search),
    ("POST", "/2/tweets", "POST /2/tweets", XDouble._create),
    ("GET", "/2/tweets/search/stream", "", XDouble._stream),
    ("GET", "/2/tweets/search/stream/rules", "", XDouble._rules),
    ("POST", "/2/tweets/search/stream/rules", "", XDouble._change_rules),
    ("DELETE", r"/2/tweets/(?P<post>\d+)", "DELETE /2/tweets/:id", XDouble._delete),
    ("GET", "/2/dm_events", "GET /2/dm_events", XDouble._dm_events),
    ("GET", r"/2/dm_conversations/with/(?P<other>\d+)/dm_events", "GET /2/dm_conversations/with/:id/dm_events", XDouble._dm_events),
    ("GET", r"/2/dm_conversations/(?P<group>[\d-]+)/dm_events", "GET /2/dm_conversations/:id/dm_events", XDouble._dm_events),
    ("POST", r"/2/dm_conversations/with/(?P<other>\d+)/messages", "POST /2/dm_conversations/with/:id/messages", XDouble._dm_send),
    ("POST", r"/2/dm_conversations/(?P<group>[\d-]+)/messages", "POST /2/dm_conversations/:id/messages", XDouble._dm_send),
    ("POST", "/2/media/upload/initialize", "", XDouble._media_start),
    ("POST", r"/2/media/upload/(?P<media>\d+)/append", "", XDouble._media_piece),
    ("POST", r"/2/media/upload/(?P<media>\d+)/finalize", "", XDouble._media_end),
    ("GET", "/2/media/upload", "", XDouble._media_status),
    ("POST", "/2/media/metadata", "", XDouble._media_metadata),
)  # fmt: skip


def _token(given: str | None) -> int:
    if given is None:
        return 0
    if not re.fullmatch(r"7140w[0-9]{16}", given):
        raise Refuse(400, "Invalid Request", "The `pagination_token` query parameter value is not valid")
    return int(given[5:])


def _meta(things: list[Any], offset: int, size: int) -> dict[str, Any]:
    page = things[offset : offset + size]
    meta: dict[str, Any] = {"result_count": len(page)}
    if page:
        meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
    if offset + size < len(things):
        meta["next_token"] = f"7140w{offset + size:016d}"
    return meta
