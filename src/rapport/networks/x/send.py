"""Posts, answers and private messages out, and whether one went out before.

X knows no idempotency key. It refuses the text of a recent post (403, "duplicate content"), and the account's
own posts and conversations can be read: that is how "did it post?" is answered.
https://docs.x.com/x-api/posts/manage-tweets/introduction, https://docs.x.com/x-api/direct-messages/manage/integrate
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Account, MessageSeen, OutgoingMessage, Sent
from rapport.networks.client import Api
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.x import media, pages
from rapport.networks.x.api import SaidBefore
from rapport.networks.x.parse import parse_event
from rapport.networks.x.reading import id_at, time_of_id

# Clocks differ; a text that we sent in this time before the outgoing was made would be taken for it.
SKEW = timedelta(seconds=30)
_PAGES = 3
_MENTIONS = re.compile(r"^(?:@\w{1,50}\s+)+")
_ADDRESS = re.compile(r"https?://(?:www\.)?(\S+?)/?(?=[\s).,;!?]*(?:\s|$))", re.IGNORECASE)


def send(api: Api, account: Account, message: OutgoingMessage) -> Sent:
    """Post it. A text that X has seen before is looked for: it may be this very message."""
    media.check(message.media, message.visibility)
    files = [media.upload(api, one, message.visibility) for one in message.media]
    if message.visibility == "private":
        return _send_private(api, message, files)
    body: dict[str, Any] = {"text": message.text}
    if message.parent_id:
        body["reply"] = {"in_reply_to_tweet_id": _newest_version(message)}
    if files:
        body["media"] = {"media_ids": files}
    try:
        answer = api.json("POST", "2/tweets", json_body=body, writes=True)
    except SaidBefore:
        found = find_sent(api, account, message)
        if found is None:
            raise
        return found
    try:
        return _sent(account, str(answer["data"]["id"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error


def _newest_version(message: OutgoingMessage) -> str:
    """An edited post goes on under a new id; answers belong there."""
    return str(message.parent_facts.get("version") or message.parent_id)


def _send_private(api: Api, message: OutgoingMessage, files: list[str]) -> Sent:
    body: dict[str, Any] = {"text": message.text} if message.text else {}
    if files:
        body["attachments"] = [{"media_id": files[0]}]
    if _is_group(message.thread_key):
        path = f"2/dm_conversations/{_digits(message.thread_key)}/messages"
    else:
        path = f"2/dm_conversations/with/{_digits(message.recipient_id)}/messages"
    answer = api.json("POST", path, json_body=body, writes=True)
    try:
        external_id = str(answer["data"]["dm_event_id"])
        return Sent(
            external_id=external_id,
            sent_at=time_of_id(external_id),
            thread_key=str(answer["data"]["dm_conversation_id"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error


def _is_group(thread_key: str | None) -> bool:
    """Conversations of two are called after both, with a dash."""
    return bool(thread_key) and "-" not in str(thread_key)


def _digits(value: str | None) -> str:
    if not value or not (value.isascii() and value.isdecimal()):
        raise Refused(_("It is not known to whom on X the private message goes."))
    return value


def _sent(account: Account, external_id: str) -> Sent:
    return Sent(
        external_id=external_id,
        sent_at=time_of_id(external_id),
        url=f"https://x.com/{account.handle or 'i'}/status/{external_id}",
    )


# Did it post? -------------------------------------------------------------------------------------
def find_sent(api: Api, account: Account, message: OutgoingMessage) -> Sent | None:
    """A post of ours with this parent and this text, made since the message was written."""
    since = message.created_at.astimezone(UTC) - SKEW
    try:
        for one in _own_since(api, account, message, since):
            same_place = message.visibility == "private" or _answers(one, message)
            if same_place and same_text(one.text, message.text):
                if message.visibility == "private":
                    return Sent(external_id=one.external_id, sent_at=one.sent_at, thread_key=one.thread_key)
                return _sent(account, one.external_id)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    return None


def _answers(one: MessageSeen, message: OutgoingMessage) -> bool:
    if not message.parent_id:
        return one.parent_id is None
    return one.parent_id in {message.parent_id, _newest_version(message)}


def _own_since(
    api: Api, account: Account, message: OutgoingMessage, since: datetime
) -> Iterator[MessageSeen]:
    """What the account said since then where the message belongs, newest first."""
    if message.visibility == "private":
        if _is_group(message.thread_key):
            path = f"2/dm_conversations/{_digits(message.thread_key)}/dm_events"
        else:
            path = f"2/dm_conversations/with/{_digits(message.recipient_id)}/dm_events"
        params = {**pages.MESSAGE_FIELDS, "event_types": "MessageCreate", "max_results": "100"}
    else:
        path = f"2/users/{account.external_id}/tweets"
        params = {**pages.POST_FIELDS, "max_results": "100", "since_id": str(id_at(since))}
    token: Any = None
    for _page in range(_PAGES):
        paged = {**params, "pagination_token": str(token)} if token else params
        found = api.json("GET", path, params=paged) or {}
        things, includes = found.get("data") or [], found.get("includes") or {}
        for thing in things:
            if message.visibility == "private":
                item = pages.message_item(thing, includes)
            else:
                item = pages.post_item(thing, includes)
            for event in parse_event(item.kind, item.payload):
                if (
                    isinstance(event, MessageSeen)
                    and event.author.external_id == account.external_id
                    and event.sent_at >= since
                ):
                    yield event
        token = (found.get("meta") or {}).get("next_token")
        if not token or not things or time_of_id(str(things[-1]["id"])) < since:
            return


def same_text(seen: str, ours: str) -> bool:
    """Whether a post says what we sent. X puts names in front of answers and writes addresses out."""
    return _plain(seen) == _plain(ours) or _plain(_MENTIONS.sub("", seen)) == _plain(_MENTIONS.sub("", ours))


def _plain(text: str) -> str:
    text = _ADDRESS.sub(lambda found: found[1].lower(), unicodedata.normalize("NFC", text) + " ")
    return " ".join(text.split())


def delete(api: Api, external_id: str) -> None:
    """Take a post away; one that is gone already is no error."""
    if not (external_id.isascii() and external_id.isdecimal()):
        raise Refused(_("That is no id of X."))
    api.call("DELETE", f"2/tweets/{external_id}", accept=(404,))
