"""Direct messages: ``chat.bsky``, a service of its own that is reached through the account's server.

The app password must allow direct messages. There is no key against sending twice, so a doubt is
settled by reading the conversation. Lexicons: https://docs.bsky.app/docs/api/chat-bsky-convo-send-message
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMessage, RawItem, Sent
from rapport.networks.bluesky.posting import check_length, counted, facets_for
from rapport.networks.bluesky.reading import (
    identifier,
    items,
    kind_of,
    text_or_empty,
    when,
    within,
    within_or_empty,
)
from rapport.networks.bluesky.xrpc import CHAT, Named, NotAllowed, Pds
from rapport.networks.errors import Refused, TryAgain

MAX_GRAPHEMES = 1000
MAX_BYTES = 10_000
BEGINNING = "2222222222222"  # the lowest rev there is
_CREATED = "chat.bsky.convo.defs#logCreateMessage"
_LOG_PAGES = 10
_CONVOS = 10
# A message may carry a time a little before ours: the clocks differ.
_SKEW = timedelta(minutes=2)


def may_read(pds: Pds) -> bool:
    """Whether the credentials allow direct messages. Raises TryAgain when the service is away."""
    try:
        pds.get("chat.bsky.convo.listConvos", {"limit": 1}, headers=CHAT)
    except NotAllowed:
        return False
    return True


def length(text: str) -> int:
    """How long a message is, over :data:`MAX_GRAPHEMES` whenever it is refused."""
    return counted(text, MAX_GRAPHEMES, MAX_BYTES)


def send(pds: Pds, message: OutgoingMessage) -> Sent:
    """Send it into the conversation, which is opened if there is none."""
    check_length(message.text, MAX_GRAPHEMES, MAX_BYTES)
    if message.media:
        raise Refused(_("Direct messages on Bluesky carry no files."))
    convo = _convo_of(pds, message)
    body = {"text": message.text, "facets": facets_for(pds, message.text)}
    try:
        sent = pds.post("chat.bsky.convo.sendMessage", {"convoId": convo, "message": body}, headers=CHAT)
    except Named as error:
        raise _explained(error) from error
    try:
        return _sent(convo, sent)
    except (ValueError, KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error


def find_sent(pds: Pds, message: OutgoingMessage) -> Sent | None:
    """The message of ours with that text, sent since the outgoing was made; None when there is none."""
    convo, cursor = _convo_of(pds, message), ""
    since = message.created_at - _SKEW
    for _page in range(_LOG_PAGES):
        found = pds.get("chat.bsky.convo.getMessages", _page_of(convo, cursor), headers=CHAT)
        for one in items(found, "messages", 100):
            try:
                if when(one, "sentAt") < since:
                    return None
                ours = within_or_empty(one, "sender").get("did") == pds.did
                if ours and text_or_empty(one, "text", MAX_BYTES) == message.text:
                    return _sent(convo, one)
            except (ValueError, KeyError, TypeError):
                continue
        cursor = text_or_empty(found, "cursor")
        if not cursor:
            return None
    return None


def news(pds: Pds, rev: str) -> tuple[list[RawItem], str, bool]:
    """What the log has after ``rev``: raw events, the next ``rev``, and whether there is more."""
    entries: list[Mapping[str, Any]] = []
    more = True
    for _page in range(_LOG_PAGES):
        found = pds.get("chat.bsky.convo.getLog", {"cursor": rev}, headers=CHAT)
        page = items(found, "logs", 1000)
        entries += page
        after = text_or_empty(found, "cursor", 200)
        more = bool(page) and after not in {"", rev}
        if not more:
            break
        rev = after
    convos = _convos(pds, {text_or_empty(one, "convoId", 200) for one in entries})
    return [_item(one, convos.get(str(one.get("convoId")))) for one in entries], rev, more


def begin(pds: Pds, since: datetime) -> tuple[list[RawItem], str]:
    """For a first poll: what was said after ``since``, and the ``rev`` to go on from."""
    found = pds.get("chat.bsky.convo.listConvos", {"limit": 100}, headers=CHAT)
    convos = items(found, "convos", 100)
    rev = max((text_or_empty(one, "rev", 200) for one in convos), default=BEGINNING) or BEGINNING
    fresh: list[RawItem] = []
    for convo in [one for one in convos if _lately(one, since)][:_CONVOS]:
        page, _cursor, _reached = messages(pds, convo, "", since)
        fresh += page
    return fresh, rev


def messages(
    pds: Pds, convo: Mapping[str, Any], cursor: str, since: datetime
) -> tuple[list[RawItem], str, bool]:
    """A page of a conversation, newest first: raw events, the next cursor, and whether ``since`` is reached."""
    convo_id = identifier(convo, "id")
    found = pds.get("chat.bsky.convo.getMessages", _page_of(convo_id, cursor), headers=CHAT)
    fresh, reached = [], False
    for one in items(found, "messages", 100):
        try:
            if when(one, "sentAt") < since:
                reached = True
                break
        except (ValueError, KeyError, TypeError):
            pass  # it is kept, and parse says what is wrong with it
        if not kind_of(one).endswith(("#deletedMessageView", "#systemMessageView")):
            log = {"$type": _CREATED, "rev": one.get("rev", ""), "convoId": convo_id, "message": one}
            fresh.append(_item(log, convo))
    after = text_or_empty(found, "cursor")
    return fresh, after, reached or not after


def _page_of(convo: str, cursor: str) -> dict[str, Any]:
    return {"convoId": convo, "limit": 100, **({"cursor": cursor} if cursor else {})}


def _lately(convo: Mapping[str, Any], since: datetime) -> bool:
    try:
        return when(within(convo, "lastMessage"), "sentAt") >= since
    except (ValueError, KeyError, TypeError):
        return False


def _convos(pds: Pds, wanted: set[str]) -> dict[str, Mapping[str, Any]]:
    """Conversations by id, for the names of who is in them; those that cannot be had are left out."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in sorted(wanted - {""})[: 2 * _CONVOS]:
        try:
            answer = pds.get("chat.bsky.convo.getConvo", {"convoId": one}, headers=CHAT)
        except Refused:  # left meanwhile
            continue
        found[one] = within_or_empty(answer, "convo")
    return found


def _item(log: Mapping[str, Any], convo: Mapping[str, Any] | None) -> RawItem:
    message = within_or_empty(log, "message")
    key = f"{log.get('convoId')}/{message.get('id')}"
    if kind_of(log) != _CREATED:
        key = f"{kind_of(log).partition('#')[2]}:{key}:{log.get('rev')}"
    # Only who is in it: the rest of a conversation changes with everything that is said.
    people = {"id": convo.get("id"), "members": convo.get("members")} if convo else None
    return RawItem(kind="chat", payload={"log": log, "convo": people}, key=f"chat:{key}")


def _convo_of(pds: Pds, message: OutgoingMessage) -> str:
    if message.thread_key and not message.thread_key.startswith("at://"):
        return message.thread_key
    if not message.recipient_id:
        raise Refused(_("A direct message needs somebody to send it to."))
    try:
        found = pds.get(
            "chat.bsky.convo.getConvoForMembers", [("members", message.recipient_id)], headers=CHAT
        )
        return identifier(within(found, "convo"), "id")
    except Named as error:
        raise _explained(error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error


def _explained(error: Named) -> Refused:
    reasons = {
        "BlockedActor": _("This person and this account have blocked each other."),
        "MessagesDisabled": _("This person does not take direct messages."),
        "NotFollowedBySender": _("This person takes direct messages only from accounts they follow."),
        "RecipientNotFound": _("This account does not exist any more."),
        "AccountSuspended": _("Bluesky has suspended one of the two accounts."),
        "ConvoLocked": _("This conversation is closed."),
        "InvalidConvo": _("This conversation does not exist any more."),
    }
    return Named(reasons.get(error.name, str(error)), error.name)


def _sent(convo: str, message: Mapping[str, Any]) -> Sent:
    return Sent(
        external_id=f"{convo}/{identifier(message, 'id')}", sent_at=when(message, "sentAt"), thread_key=convo
    )
