"""Public answers of a page: comments under comments and posts, posts of its own, pictures.

https://developers.facebook.com/docs/graph-api/reference/object/comments
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMedia, OutgoingMessage, Sent
from rapport.networks.errors import Refused
from rapport.networks.meta.errors import Missing
from rapport.networks.meta.graph import Graph, encoded, new_id, node, reading
from rapport.networks.meta.private import CLOCKS, same_words
from rapport.networks.meta.values import data, moment, optional_mapping, text

MAX_COMMENT = 8000
_LOOK_AT = 100


class PagePosts:
    """Writes on one page as the page."""

    def __init__(self, graph: Graph, own_id: str) -> None:
        self._graph = graph
        self._own_id = own_id

    def send(self, message: OutgoingMessage) -> Sent:
        if len(message.media) > 1 or any(file.kind != "image" for file in message.media):
            raise Refused(_("A comment on Facebook can carry one picture and nothing else."))
        picture = self._picture(message.media[0]) if message.media else None
        words = {"message": message.text} if message.text else {}
        if message.parent_id is None:
            with_picture = {"attached_media[0]": encoded({"media_fbid": picture})} if picture else {}
            answer = self._graph.post("me/feed", form={**words, **with_picture})
        else:
            with_picture = {"attachment_id": picture} if picture else {}
            answer = self._graph.post(f"{_under(message)}/comments", form={**words, **with_picture})
        found = new_id(answer)
        return Sent(external_id=found, sent_at=datetime.now(UTC), url=address(found))

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        """Our comment of these words below what is answered, not older than the answer itself."""
        path = "me/feed" if message.parent_id is None else f"{_under(message)}/comments"
        order = {} if message.parent_id is None else {"filter": "toplevel", "order": "reverse_chronological"}
        fields = "id,from,message,created_time,permalink_url"
        fields += ",attachments{media_type}" if message.parent_id is None else ",attachment"
        page = self._graph.get(path, fields=fields, limit=_LOOK_AT, **order)
        with reading():
            for one in data(page):
                if self._is(one, message):
                    found = text(one, "id")
                    at = moment(one["created_time"])
                    return Sent(
                        external_id=found, sent_at=at, url=text(one, "permalink_url") or address(found)
                    )
        return None

    def edit(self, external_id: str, words: str) -> Sent:
        self._graph.post(node(external_id), form={"message": words}, writes=False)
        return Sent(external_id=external_id, sent_at=datetime.now(UTC), url=address(external_id))

    def delete(self, external_id: str) -> None:
        try:
            self._graph.delete(node(external_id))
        except Missing:
            return  # gone already

    def _is(self, one: Mapping[str, Any], message: OutgoingMessage) -> bool:
        return (
            text(optional_mapping(one.get("from")), "id") == self._own_id
            and moment(one["created_time"]) >= message.created_at - CLOCKS
            and same_words(text(one, "message"), message.text)
            and bool(one.get("attachment") or one.get("attachments")) >= bool(message.media)
        )

    def _picture(self, file: OutgoingMedia) -> str:
        """Upload a picture that nobody sees until it is attached; it keeps its description.

        https://developers.facebook.com/docs/graph-api/reference/page/photos
        """
        form = {"published": "false", **({"alt_text_custom": file.alt} if file.alt else {})}
        files = {"source": (file.name, file.content, file.content_type)}
        return new_id(self._graph.post("me/photos", form=form, files=files, writes=False))


def address(external_id: str) -> str:
    return f"https://www.facebook.com/{external_id}"


def _under(message: OutgoingMessage) -> str:
    """What to comment on: answers nest one deep, so an answer to an answer goes beside it."""
    return node(str(message.parent_facts.get("reply_under") or message.parent_id))
