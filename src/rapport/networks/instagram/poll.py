"""Looking at an account: its media with their comments, media that tag it, direct messages, mentions.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from rapport.networks.base import RawItem
from rapport.networks.errors import Refused
from rapport.networks.meta.graph import node
from rapport.networks.meta.reader import Reader
from rapport.networks.meta.values import data, moment, optional_mapping, text
from rapport.networks.meta.walk import Place, Walk

# Comments on older media come by webhook only.
MEDIA_WATCHED = 50
_MEDIA_PAGE = 25
_COMMENTS_INLINE = 50
_PLAIN = "id,text,timestamp,username,from,parent_id"
COMMENT = f"{_PLAIN},replies.limit(50){{{_PLAIN}}}"
MEDIUM = "id,caption,media_type,media_url,permalink,timestamp,username"


class AccountReader(Reader):
    """Reads one account."""

    platform = "instagram"
    looks = ("media", "tags", "dm")
    stages = ("media", "dm", "tags")
    needs: ClassVar[Mapping[str, str]] = {
        "media": "instagram_manage_comments",
        "comments": "instagram_manage_comments",
        "tags": "instagram_manage_comments",
        "dm": "instagram_manage_messages",
        "messages": "instagram_manage_messages",
    }
    optional = frozenset({"tags"})

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

    def _watch(self, edge: str) -> int:
        return MEDIA_WATCHED if edge == "media" else 0

    def _public(self, place: Place) -> Mapping[str, Any]:
        if place.edge == "comments":
            path, fields, limit = f"{node(place.of)}/comments", COMMENT, _COMMENTS_INLINE
        else:
            comments = f",comments.limit({_COMMENTS_INLINE}){{{COMMENT}}}" if place.edge == "media" else ""
            path, fields, limit = f"{node(self._account['id'])}/{place.edge}", MEDIUM + comments, _MEDIA_PAGE
        return self._graph.get(path, fields=fields, limit=limit, **place.params)

    def _public_at(self, one: Mapping[str, Any]) -> datetime:
        return moment(one["timestamp"])

    def _public_items(self, place: Place, found: Sequence[Mapping[str, Any]], walk: Walk) -> list[RawItem]:
        if place.edge == "comments":
            return self._with_answers(found, place.of, walk)
        items: list[RawItem] = []
        for one in found:
            comments = self._comments(one, walk) if place.edge == "media" else []
            # The medium is the thread's first message, so it comes along with what is said below it.
            if comments or walk.recent(place.edge, one):
                items.append(self._raw("tagged" if place.edge == "tags" else "medium", one))
            items += comments
        return items

    def _comments(self, medium: Mapping[str, Any], walk: Walk) -> list[RawItem]:
        """Recent comments and answers under a medium, oldest first."""
        listed, here = optional_mapping(medium.get("comments")), Place(edge="comments", of=text(medium, "id"))
        found = list(data(listed))
        every = bool(found) and all(walk.recent("comments", one) for one in found)
        if every and optional_mapping(listed.get("paging")).get("next"):
            known = {text(one, "id") for one in found}
            found += [one for one in walk.down(here) if text(one, "id") not in known]
        return self._with_answers(found, here.of, walk)

    def _with_answers(
        self, comments: Sequence[Mapping[str, Any]], medium_id: str, walk: Walk
    ) -> list[RawItem]:
        found: list[Mapping[str, Any]] = []
        for comment in reversed(comments):
            above = {"parent_id": comment.get("id")}
            answers = [{**above, **one} for one in reversed(list(data(comment.get("replies"))))]
            bare = {key: value for key, value in comment.items() if key != "replies"}
            found += [one for one in (bare, *answers) if walk.recent("comments", one)]
        found.sort(key=self._public_at)
        return [self._raw_comment(one, medium_id) for one in found]

    def _raw(self, kind: str, medium: Mapping[str, Any]) -> RawItem:
        bare = {key: value for key, value in medium.items() if key != "comments"}
        prefix = "mention" if kind == "tagged" else "post"
        payload = {"account": dict(self._account), "medium": bare}
        return RawItem(kind=kind, payload=payload, key=f"{prefix}:{text(medium, 'id')}")

    def _raw_comment(self, comment: Mapping[str, Any], medium_id: str) -> RawItem:
        payload = {"account": dict(self._account), "medium_id": medium_id, "comment": dict(comment)}
        return RawItem(kind="comment", payload=payload, key=f"comment:{text(comment, 'id')}")
