"""Private answers on Messenger and Instagram: windows, private replies to comments, files, and "did it post?".

https://developers.facebook.com/docs/messenger-platform/send-messages
https://developers.facebook.com/docs/messenger-platform/discovery/private-replies
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMedia, OutgoingMessage, Sent, Window
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.meta import conversations
from rapport.networks.meta.errors import outside_window
from rapport.networks.meta.graph import Graph, encoded, new_id, node
from rapport.networks.meta.messages import thread_key
from rapport.networks.meta.values import data, moment, optional_mapping, text

STANDARD = Window(name="standard", length=timedelta(hours=24))
# https://developers.facebook.com/docs/messenger-platform/send-messages/message-tags
HUMAN_AGENT = Window(name="human_agent", length=timedelta(days=7), by_person=True)
PRIVATE_REPLY = timedelta(days=7)
# Their clock and ours may differ, and theirs counts whole seconds.
CLOCKS = timedelta(seconds=30)
_ATTACHMENT_TYPES = {"image": "image", "video": "video", "audio": "audio", "file": "file"}


def same_words(one: str, other: str) -> bool:
    """Whether two texts are one to readers: networks trim and fold white space."""
    return " ".join(one.split()) == " ".join(other.split())


def opening(message: OutgoingMessage, *, human_agent: bool, now: datetime) -> dict[str, str]:
    """The parameters that say by which right we write. Raises Refused outside every window."""
    since = now - message.heard_at if message.heard_at is not None else timedelta(0)
    if since <= STANDARD.length:
        return {"messaging_type": "RESPONSE"}
    if since > HUMAN_AGENT.length:
        raise Refused(outside_window())
    if not human_agent:
        raise Refused(
            _(
                "The person last wrote more than 24 hours ago. Meta allows a later answer, up to 7 days, "
                "only to apps with the human agent permission, which is not switched on for this channel."
            )
        )
    if not message.by_person:
        raise Refused(
            _("More than 24 hours after the person's last message only a person may answer, not a rule.")
        )
    return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


class Private:
    """Sends private messages from one account. ``platform``: ``messenger`` or ``instagram``."""

    def __init__(self, graph: Graph, *, platform: str, own_id: str, human_agent: bool) -> None:
        self._graph = graph
        self._platform = platform
        self._own_id = own_id
        self._human_agent = human_agent

    def send(self, message: OutgoingMessage) -> Sent:
        """A message takes words or one file, never both: files go first, the words end it."""
        now = datetime.now(UTC)
        if message.parent_visibility == "public":
            return self._reply_to_comment(message, now)
        if not message.recipient_id:
            raise Refused(_("It is not known to whom this should go."))
        opens = opening(message, human_agent=self._human_agent, now=now)
        recipient = {"id": message.recipient_id}
        parts = self._parts(message)
        # A try that broke between two parts has left the first ones there: they are not sent again.
        done = self._done(message) if len(parts) > 1 else []
        last = done[-1] if done else ""
        for part in parts[len(done) :]:
            answer = self._graph.post(
                "me/messages", json_body={"recipient": recipient, **opens, "message": part()}
            )
            last = new_id(answer, "message_id")
        return Sent(external_id=last, sent_at=datetime.now(UTC), thread_key=thread_key(message.recipient_id))

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        """The message of ours in the conversation that ends this answer, if all its parts are there."""
        if not message.recipient_id:
            return None
        done = self._done(message)
        if len(done) < len(message.media) + bool(message.text):
            return None
        return Sent(
            external_id=done[-1], sent_at=message.created_at, thread_key=thread_key(message.recipient_id)
        )

    def _reply_to_comment(self, message: OutgoingMessage, now: datetime) -> Sent:
        """One answer to a comment, within seven days, words only. It opens no window."""
        if message.media:
            raise Refused(_("A private reply to a comment cannot carry files. Meta allows words only."))
        if message.heard_at is not None and now - message.heard_at > PRIVATE_REPLY:
            raise Refused(
                _("The comment is more than 7 days old: Meta no longer allows a private reply to it.")
            )
        answer = self._graph.post(
            "me/messages",
            json_body={
                "recipient": {"comment_id": message.parent_id},
                "message": self._words(message),
            },
        )
        found = answer.get("recipient_id") or message.recipient_id
        return Sent(
            external_id=new_id(answer, "message_id"),
            sent_at=datetime.now(UTC),
            thread_key=thread_key(str(found)) if found else None,
        )

    def _parts(self, message: OutgoingMessage) -> list[Callable[[], dict[str, Any]]]:
        parts: list[Callable[[], dict[str, Any]]] = [
            partial(self._file, file, f"{message.idempotency_key}:{n}")
            for n, file in enumerate(message.media)
        ]
        if message.text:
            parts.append(lambda: self._words(message))
        if not parts:
            raise Refused(_("There is nothing to send."))
        return parts

    def _words(self, message: OutgoingMessage) -> dict[str, Any]:
        # Messenger hands the metadata back in the echo; Instagram knows no such field.
        ours = {"metadata": message.idempotency_key} if self._platform == "messenger" else {}
        return {"text": message.text, **ours}

    def _file(self, file: OutgoingMedia, reference: str) -> dict[str, Any]:
        """Upload a file, which nobody sees yet, and the message that shows it.

        https://developers.facebook.com/docs/messenger-platform/reference/attachment-upload-api
        """
        kind = _ATTACHMENT_TYPES[file.kind]
        answer = self._graph.post(
            "me/message_attachments",
            form={
                "platform": self._platform,
                "message": encoded({"attachment": {"type": kind, "payload": {"is_reusable": True}}}),
            },
            files={"filedata": (file.name, file.content, file.content_type)},
            writes=False,
        )
        ours = {"metadata": reference} if self._platform == "messenger" else {}
        attachment = {"type": kind, "payload": {"attachment_id": new_id(answer, "attachment_id")}}
        return {"attachment": attachment, **ours}

    def _conversation(self, message: OutgoingMessage) -> list[Mapping[str, Any]]:
        """The newest messages of the conversation that ``message`` belongs to, newest first."""
        if self._platform == "messenger" and message.parent_visibility == "public":
            # A page knows people by one id in comments and maybe by another in Messenger.
            return conversations.after_comment(self._graph, node(message.parent_id))
        return conversations.with_person(
            self._graph, platform=self._platform, person_id=message.recipient_id or ""
        )

    def _done(self, message: OutgoingMessage) -> list[str]:
        """Ids of the parts of ``message`` that are in the conversation, in order; no gaps."""
        try:
            listed = self._conversation(message)
            ours = [
                one
                for one in reversed(listed)
                if text(optional_mapping(one.get("from")), "id") == self._own_id
                and moment(one["created_time"]) >= message.created_at - CLOCKS
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise TryAgain(_("Meta's answer could not be read.")) from error
        files = [text(one, "id") for one in ours if any(data(one.get("attachments")))]
        words = [
            text(one, "id") for one in ours if message.text and same_words(text(one, "message"), message.text)
        ]
        done = files[: len(message.media)]
        return done + words[:1] if len(done) == len(message.media) else done


def account_of(external_id: str, handle: str) -> Mapping[str, str]:
    """Who we are, as raw events carry it: parse knows nothing else."""
    return {"id": external_id, "handle": handle}
