"""Looking at a page: its posts with their comments, posts that tag it, reviews, Messenger.

https://developers.facebook.com/docs/graph-api/reference/page/feed
https://developers.facebook.com/docs/graph-api/reference/object/comments
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from rapport.networks.base import RawItem
from rapport.networks.meta.graph import node
from rapport.networks.meta.reader import Reader
from rapport.networks.meta.values import data, moment, optional_mapping, text
from rapport.networks.meta.walk import Place, Walk

# Comments on older posts come by webhook only.
POSTS_WATCHED = 50
_POSTS_PAGE = 25
_COMMENTS_INLINE = 25
COMMENT = "id,message,created_time,from,parent{id},permalink_url,attachment"
_ATTACHMENTS = "attachments{media_type,type,url,unshimmed_url,media,subattachments}"
POST = f"id,message,story,created_time,from,permalink_url,{_ATTACHMENTS}"
_REVIEW = "created_time,rating,recommendation_type,review_text,reviewer{id,name},open_graph_story{id}"


class PageReader(Reader):
    """Reads one page."""

    platform = "messenger"
    looks = ("feed", "tagged", "ratings", "dm")
    stages = ("feed", "dm", "ratings", "tagged")
    needs: ClassVar[Mapping[str, str]] = {
        "feed": "pages_read_user_content",
        "comments": "pages_read_user_content",
        "tagged": "pages_read_user_content",
        "ratings": "pages_read_user_content",
        "dm": "pages_messaging",
        "messages": "pages_messaging",
    }
    optional = frozenset({"ratings", "tagged"})

    def _watch(self, edge: str) -> int:
        return POSTS_WATCHED if edge == "feed" else 0

    def _public(self, place: Place) -> Mapping[str, Any]:
        if place.edge == "comments":
            order = {"filter": "stream", "order": "reverse_chronological"}
            path = f"{node(place.of)}/comments"
            return self._graph.get(path, fields=COMMENT, limit=100, **order, **place.params)
        comments = (
            f"comments.filter(stream).order(reverse_chronological).limit({_COMMENTS_INLINE}){{{COMMENT}}}"
        )
        fields = {"feed": f"{POST},{comments}", "tagged": POST, "ratings": _REVIEW}[place.edge]
        return self._graph.get(f"me/{place.edge}", fields=fields, limit=_POSTS_PAGE, **place.params)

    def _public_at(self, one: Mapping[str, Any]) -> datetime:
        return moment(one["created_time"])

    def _public_items(self, place: Place, found: Sequence[Mapping[str, Any]], walk: Walk) -> list[RawItem]:
        if place.edge == "comments":
            recent = [one for one in reversed(found) if walk.recent("comments", one)]
            return [self._raw_comment(one, place.of) for one in recent]
        items: list[RawItem] = []
        for one in found:
            comments = self._comments(one, walk) if place.edge == "feed" else []
            # The post is the thread's first message, so it comes along with what is said below it.
            if comments or walk.recent(place.edge, one):
                items.append(self._raw(place.edge, one))
            items += comments
        return items

    def _comments(self, post: Mapping[str, Any], walk: Walk) -> list[RawItem]:
        """Recent comments under a post at all depths, oldest first."""
        listed, here = optional_mapping(post.get("comments")), Place(edge="comments", of=text(post, "id"))
        found = list(data(listed))
        every = bool(found) and all(walk.recent("comments", one) for one in found)
        if every and optional_mapping(listed.get("paging")).get("next"):
            known = {text(one, "id") for one in found}
            found += [one for one in walk.down(here) if text(one, "id") not in known]
        return self._public_items(here, found, walk)

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
