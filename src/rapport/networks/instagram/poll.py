"""Looking at an account: its media with their comments, media that tag it, direct messages, mentions.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
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

OVERLAP = timedelta(minutes=10)
FIRST_LOOK = timedelta(hours=1)
# Comments on older media come by webhook only.
MEDIA_WATCHED = 50
_MEDIA_PAGE = 25
_COMMENTS_INLINE = 50
_COMMENTS_PAGES = 20
_PLAIN = "id,text,timestamp,username,from,parent_id"
COMMENT = f"{_PLAIN},replies.limit(50){{{_PLAIN}}}"
MEDIUM = "id,caption,media_type,media_url,permalink,timestamp,username"
_NEEDS = {
    "media": "instagram_manage_comments",
    "tags": "instagram_manage_comments",
    "dm": "instagram_manage_messages",
}
_STAGES = ("media", "dm", "tags")


class AccountReader:
    """Reads one account. ``account``: ``{"id", "handle"}``; ``scopes``: what the token may, None if unknown."""

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
            items: list[RawItem] = []
            if self._may("media"):
                items += self._media(since)
            if self._may("tags"):
                items += self._tagged(since)
            if self._may("dm"):
                items += conversations.messages_since(
                    self._graph, platform="instagram", account=self._account, since=since
                )
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

    def mention(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """What a mention's ids stand for: ``{"found": …}``, or ``{"refused": reason}``. Raises TryAgain.

        https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/mentioned_comment
        """
        try:
            if value.get("comment_id"):
                what, of, fields = (
                    "mentioned_comment",
                    node(str(value["comment_id"])),
                    "id,text,timestamp,username",
                )
                asked = f"{what}.comment_id({of}){{{fields}}}"
            else:
                what, of = "mentioned_media", node(str(value.get("media_id")))
                asked = f"{what}.media_id({of}){{{MEDIUM}}}"
            found = self._graph.get(node(self._account["id"]), fields=asked).get(what)
        except Refused as error:
            return {"refused": str(error)}
        return {"found": dict(found)} if isinstance(found, Mapping) else {"refused": "empty answer"}

    def _past(
        self, stage: str, since: datetime, params: Mapping[str, str]
    ) -> tuple[list[RawItem], dict[str, str] | None]:
        if stage not in _NEEDS or not self._may(stage):
            return [], None
        try:
            if stage == "dm":
                items, page = conversations.page_of_past(
                    self._graph, platform="instagram", account=self._account, since=since, params=params
                )
                ended = any(moment(one["updated_time"]) < since for one in data(page))
                return items, None if ended else following_page(page)
            page = self._page(stage, params)
        except NotPermitted:
            return [], None
        media = list(data(page))
        recent = [one for one in media if moment(one["timestamp"]) >= since]
        items = []
        for one in recent:
            items.append(self._raw("tagged" if stage == "tags" else "medium", one))
            if stage == "media":
                items += self._comments(one, since)
        return items, following_page(page) if media and len(recent) == len(media) else None

    def _page(self, stage: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        comments = f",comments.limit({_COMMENTS_INLINE}){{{COMMENT}}}" if stage == "media" else ""
        path = f"{node(self._account['id'])}/{stage}"
        return self._graph.get(path, fields=MEDIUM + comments, limit=_MEDIA_PAGE, **params)

    def _media(self, since: datetime) -> Iterator[RawItem]:
        params: dict[str, str] = {}
        for _count in range(MEDIA_WATCHED // _MEDIA_PAGE):
            page = self._page("media", params)
            for medium in data(page):
                comments = self._comments(medium, since)
                # The medium is the thread's first message, so it comes along with what is said below it.
                if comments or moment(medium["timestamp"]) >= since:
                    yield self._raw("medium", medium)
                yield from comments
            following = following_page(page)
            if following is None:
                return
            params = following

    def _tagged(self, since: datetime) -> Iterator[RawItem]:
        try:
            page = self._page("tags", {})
        except Refused as error:
            # What is only nice to know must not keep comments and messages from being heard.
            log.warning("account %s does not show its tags: %s", self._account["id"], error)
            return
        for medium in data(page):
            if moment(medium["timestamp"]) >= since:
                yield self._raw("tagged", medium)

    def _comments(self, medium: Mapping[str, Any], since: datetime) -> list[RawItem]:
        """Comments and answers to them, written at ``since`` or later, oldest first."""
        listed = optional_mapping(medium.get("comments"))
        first = list(data(listed))
        medium_id = text(medium, "id")
        all_new = bool(first) and all(moment(one["timestamp"]) >= since for one in first)
        if all_new and optional_mapping(listed.get("paging")).get("next"):
            first = self._all_comments(medium_id, since)
        found = []
        for comment in reversed(first):
            above = {"parent_id": comment.get("id")}
            answers = [{**above, **one} for one in reversed(list(data(comment.get("replies"))))]
            bare = {key: value for key, value in comment.items() if key != "replies"}
            found += [one for one in (bare, *answers) if moment(one["timestamp"]) >= since]
        found.sort(key=lambda one: moment(one["timestamp"]))
        return [self._raw_comment(one, medium_id) for one in found]

    def _all_comments(self, medium_id: str, since: datetime) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in self._graph.pages(
            f"{node(medium_id)}/comments", most=_COMMENTS_PAGES, fields=COMMENT, limit=_COMMENTS_INLINE
        ):
            comments = list(data(page))
            found += comments
            if any(moment(one["timestamp"]) < since for one in comments):
                break
        return found

    def _raw(self, kind: str, medium: Mapping[str, Any]) -> RawItem:
        bare = {key: value for key, value in medium.items() if key != "comments"}
        prefix = "mention" if kind == "tagged" else "post"
        payload = {"account": dict(self._account), "medium": bare}
        return RawItem(kind=kind, payload=payload, key=f"{prefix}:{text(medium, 'id')}")

    def _raw_comment(self, comment: Mapping[str, Any], medium_id: str) -> RawItem:
        payload = {"account": dict(self._account), "medium_id": medium_id, "comment": dict(comment)}
        return RawItem(kind="comment", payload=payload, key=f"comment:{text(comment, 'id')}")

    def _may(self, stage: str) -> bool:
        return self._scopes is None or _NEEDS[stage] in self._scopes
