"""Looking at a page: its posts with their comments, posts that tag it, reviews, Messenger.

https://developers.facebook.com/docs/graph-api/reference/page/feed
https://developers.facebook.com/docs/graph-api/reference/object/comments
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Polled, RawItem
from rapport.networks.errors import Refused
from rapport.networks.meta import conversations
from rapport.networks.meta.errors import NotPermitted
from rapport.networks.meta.graph import Graph, following_page, node, reading, stamp
from rapport.networks.meta.limits import pace
from rapport.networks.meta.values import data, moment, optional_mapping, text

log = logging.getLogger(__name__)

# A comment may show in lists a while after it was written.
OVERLAP = timedelta(minutes=10)
FIRST_LOOK = timedelta(hours=1)
# Comments on older posts come by webhook only.
POSTS_WATCHED = 50
_POSTS_PAGE = 25
_COMMENTS_INLINE = 25
_COMMENTS_PAGES = 20
COMMENT = "id,message,created_time,from,parent{id},permalink_url,attachment"
_ATTACHMENTS = "attachments{media_type,type,url,unshimmed_url,media,subattachments}"
POST = f"id,message,story,created_time,from,permalink_url,{_ATTACHMENTS}"
_REVIEW = "created_time,rating,recommendation_type,review_text,reviewer{id,name},open_graph_story{id}"
# The parts of a page and the permission that each needs.
_NEEDS = {
    "feed": "pages_read_user_content",
    "tagged": "pages_read_user_content",
    "ratings": "pages_read_user_content",
    "dm": "pages_messaging",
}
_STAGES = ("feed", "dm", "ratings", "tagged")


class PageReader:
    """Reads one page. ``account``: ``{"id", "handle"}``; ``scopes``: what the token may, None if unknown."""

    def __init__(self, graph: Graph, account: Mapping[str, str], scopes: frozenset[str] | None) -> None:
        self._graph = graph
        self._account = account
        self._scopes = scopes

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        """Everything since the last look, with overlap. ``cursor``: ``{"seen": ISO time}``."""
        now = datetime.now(UTC)
        with reading():
            last = moment(cursor["seen"]) if cursor.get("seen") else now - FIRST_LOOK + OVERLAP
            since = last - OVERLAP
            items = [
                *self._allowed("feed", lambda: self._feed(since)),
                *self._allowed("tagged", lambda: self._tagged(since)),
                *self._allowed("ratings", lambda: self._ratings(since)),
                *self._allowed(
                    "dm",
                    lambda: conversations.messages_since(
                        self._graph, platform="messenger", account=self._account, since=since
                    ),
                ),
            ]
        # What was written while we looked is found again by the overlap.
        return Polled(items=items, cursor={"seen": stamp(now)}, next_after=pace(self._graph.usage))

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        """One answer's worth of the past. ``cursor``: ``{"stage", "params"}``, a stage after the other."""
        stage = str(cursor.get("stage") or _STAGES[0])
        params = {str(k): str(v) for k, v in optional_mapping(cursor.get("params")).items()}
        with reading():
            items, following = self._past(stage, since, params)
        if following is not None:
            return Polled(items=items, cursor={"stage": stage, "params": following}, more=True)
        later = _STAGES[_STAGES.index(stage) + 1 :] if stage in _STAGES else ()
        return Polled(items=items, cursor={"stage": later[0] if later else "done"}, more=bool(later))

    def _past(
        self, stage: str, since: datetime, params: Mapping[str, str]
    ) -> tuple[list[RawItem], dict[str, str] | None]:
        if stage not in _NEEDS or not self._may(stage):
            return [], None
        try:
            if stage == "dm":
                items, page = conversations.page_of_past(
                    self._graph, platform="messenger", account=self._account, since=since, params=params
                )
                ended = any(moment(one["updated_time"]) < since for one in data(page))
                return items, None if ended else following_page(page)
            page = self._page(stage, params)
        except NotPermitted:
            return [], None
        objects = list(data(page))
        recent = [one for one in objects if moment(one["created_time"]) >= since]
        items = []
        for one in recent:
            items.append(self._raw(stage, one))
            if stage == "feed":
                items += self._comments(one, since)
        return items, following_page(page) if len(recent) == len(objects) and objects else None

    def _page(self, stage: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        comments = (
            f"comments.filter(stream).order(reverse_chronological).limit({_COMMENTS_INLINE}){{{COMMENT}}}"
        )
        fields = {"feed": f"{POST},{comments}", "tagged": POST, "ratings": _REVIEW}[stage]
        return self._graph.get(f"me/{stage}", fields=fields, limit=_POSTS_PAGE, **params)

    def _feed(self, since: datetime) -> Iterator[RawItem]:
        params: dict[str, str] = {}
        for _count in range(POSTS_WATCHED // _POSTS_PAGE):
            page = self._page("feed", params)
            for post in data(page):
                comments = self._comments(post, since)
                # The post is the thread's first message, so it comes along with what is said below it.
                if comments or moment(post["created_time"]) >= since:
                    yield self._raw("feed", post)
                yield from comments
            following = following_page(page)
            if following is None:
                return
            params = following

    def _tagged(self, since: datetime) -> Iterator[RawItem]:
        for post in data(self._page("tagged", {})):
            if moment(post["created_time"]) >= since:
                yield self._raw("tagged", post)

    def _ratings(self, since: datetime) -> Iterator[RawItem]:
        for review in data(self._page("ratings", {})):
            if moment(review["created_time"]) >= since:
                yield self._raw("ratings", review)

    def _comments(self, post: Mapping[str, Any], since: datetime) -> list[RawItem]:
        """Comments under a post at all depths, written at ``since`` or later, oldest first."""
        listed = optional_mapping(post.get("comments"))
        inline = list(data(listed))
        found = [one for one in inline if moment(one["created_time"]) >= since]
        if inline and len(found) == len(inline) and optional_mapping(listed.get("paging")).get("next"):
            found = self._all_comments(text(post, "id"), since)
        return [self._raw_comment(one, text(post, "id")) for one in reversed(found)]

    def _all_comments(self, post_id: str, since: datetime) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        path = f"{node(post_id)}/comments"
        order = {"filter": "stream", "order": "reverse_chronological", "fields": COMMENT, "limit": 100}
        for page in self._graph.pages(path, most=_COMMENTS_PAGES, **order):
            comments = list(data(page))
            recent = [one for one in comments if moment(one["created_time"]) >= since]
            found += recent
            if len(recent) < len(comments):
                break
        return found

    def _raw(self, stage: str, one: Mapping[str, Any]) -> RawItem:
        bare = {key: value for key, value in one.items() if key != "comments"}
        if stage == "ratings":
            story = text(optional_mapping(one.get("open_graph_story")), "id")
            key = f"review:{story}" if story else ""
            return RawItem(kind="review", payload={"account": dict(self._account), "review": bare}, key=key)
        kind, prefix = ("tagged", "mention") if stage == "tagged" else ("post", "post")
        payload = {"account": dict(self._account), "post": bare}
        return RawItem(kind=kind, payload=payload, key=f"{prefix}:{text(one, 'id')}")

    def _raw_comment(self, comment: Mapping[str, Any], post_id: str) -> RawItem:
        payload = {"account": dict(self._account), "post_id": post_id, "comment": dict(comment)}
        return RawItem(kind="comment", payload=payload, key=f"comment:{text(comment, 'id')}")

    def _may(self, stage: str) -> bool:
        return self._scopes is None or _NEEDS[stage] in self._scopes

    def _allowed(self, stage: str, read: Callable[[], Any]) -> list[RawItem]:
        """What a part of the page brings; nothing where the token has no right to it, as check() has said.

        Some pages have no reviews or no tags to show and refuse the question: that must not keep comments
        and messages from being heard.
        """
        if not self._may(stage):
            return []
        try:
            return list(read())
        except Refused as error:
            if stage in {"feed", "dm"}:
                raise
            log.warning("page %s does not show its %s: %s", self._account["id"], stage, error)
            return []
