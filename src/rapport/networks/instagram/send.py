"""Public answers of an account: comments on its media, answers to comments, answers to mentions.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-comment/replies
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/mentions
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMessage, Sent
from rapport.networks.errors import Refused
from rapport.networks.meta.errors import Missing
from rapport.networks.meta.graph import Graph, new_id, node, reading
from rapport.networks.meta.private import CLOCKS, same_words
from rapport.networks.meta.values import data, moment, optional_mapping, text

_PLAIN = "id,text,timestamp,username,from"


class AccountComments:
    """Writes as one account. ``handle`` recognises our own comments where Instagram gives no ids."""

    def __init__(self, graph: Graph, own_id: str, handle: str) -> None:
        self._graph = graph
        self._own_id = own_id
        self._handle = handle

    def send(self, message: OutgoingMessage) -> Sent:
        if message.media:
            raise Refused(_("A comment on Instagram carries words only."))
        kind = message.parent_facts.get("kind")
        if kind == "mention":
            return self._answer_mention(message)
        if kind == "tag":
            raise Refused(
                _("Instagram takes no comments from programs where a picture tags you. Answer in the app.")
            )
        if kind == "live_comment":
            raise Refused(_("Comments on a live video can be answered privately only, while it lasts."))
        found = new_id(self._graph.post(_edge(message), form={"message": message.text}))
        return Sent(external_id=found, sent_at=datetime.now(UTC))

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        """Our comment of these words below what is answered, not older than the answer itself.

        Raises Refused where Instagram shows nobody: below a comment of strangers that mentions us.
        """
        if message.parent_facts.get("kind") == "mention":
            listed = self._below_mention(message)
        else:
            listed = self._graph.get(_edge(message), fields=_PLAIN, limit=50)
        with reading():
            for one in data(listed):
                if self._is(one, message):
                    return Sent(external_id=text(one, "id"), sent_at=moment(one["timestamp"]))
        return None

    def delete(self, external_id: str) -> None:
        try:
            self._graph.delete(node(external_id))
        except Missing:
            return  # gone already

    def _answer_mention(self, message: OutgoingMessage) -> Sent:
        facts = message.parent_facts
        form = {"media_id": node(str(facts.get("media_id") or "")), "message": message.text}
        if facts.get("comment_id"):
            form["comment_id"] = node(str(facts["comment_id"]))
        answer = self._graph.post(f"{node(self._own_id)}/mentions", form=form)
        return Sent(external_id=new_id(answer), sent_at=datetime.now(UTC))

    def _below_mention(self, message: OutgoingMessage) -> Any:
        facts = message.parent_facts
        if facts.get("comment_id"):
            raise Refused(
                _(
                    "It is not known whether this answer was posted, and Instagram shows no program the answers below "
                    "this comment. Look on Instagram before you send it again."
                )
            )
        asked = f"mentioned_media.media_id({node(str(facts.get('media_id') or ''))}){{comments{{id,text,timestamp,username}}}}"
        found = self._graph.get(node(self._own_id), fields=asked).get("mentioned_media")
        return optional_mapping(found).get("comments")

    def _is(self, one: Mapping[str, Any], message: OutgoingMessage) -> bool:
        writer = optional_mapping(one.get("from"))
        handle = text(writer, "username") or text(one, "username")
        ours = text(writer, "id") == self._own_id or handle.casefold() == self._handle.casefold()
        return (
            ours
            and moment(one["timestamp"]) >= message.created_at - CLOCKS
            and same_words(text(one, "text"), message.text)
        )


def _edge(message: OutgoingMessage) -> str:
    """Where an answer goes: below a comment of the first level, or below the medium itself."""
    if message.parent_id is None:
        raise Refused(
            _("New posts on Instagram need a picture and cannot be made here. Answer to something.")
        )
    facts = message.parent_facts
    if facts.get("reply_under"):
        return f"{node(str(facts['reply_under']))}/replies"
    return f"{node(message.parent_id)}/{'comments' if facts.get('kind') == 'post' else 'replies'}"
