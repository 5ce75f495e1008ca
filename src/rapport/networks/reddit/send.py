"""Answers out, and whether one went out before.

Reddit knows no idempotency key and does not refuse repeats: what we wrote is read before anything is repeated.
https://www.reddit.com/dev/api/#POST_api_comment, #POST_api_compose, #POST_api_editusertext, #POST_api_del
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Account, MessageSeen, OutgoingMessage, Sent
from rapport.networks.client import Api
from rapport.networks.errors import NetworkError, Refused, TryAgain
from rapport.networks.reddit import things
from rapport.networks.reddit.api import said, setting
from rapport.networks.reddit.parse import CONVERSATION, MAIL, parse_event, words

log = logging.getLogger(__name__)

SKEW = timedelta(seconds=30)
_FULLNAME = re.compile(r"t[134]_[0-9a-z]{1,13}")
_NAME = re.compile(r"(?:r/)?[A-Za-z0-9_-]{2,40}")
MAX_TITLE = 300
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def send(api: Api, account: Account, message: OutgoingMessage) -> Sent:
    if message.media:
        raise Refused(_("Reddit takes no files in answers through its API. Put a link into the text."))
    if message.visibility == "private":
        return _send_private(api, account, message)
    if message.parent_id:
        return _comment(api, message.parent_id, message.text)
    return _submit(api, account, message)


def _comment(api: Api, parent: str, text: str, *, thread_key: str | None = None) -> Sent:
    """An answer to a comment, a post, or a private message."""
    answer = api.json(
        "POST", "api/comment", params=_RAW, writes=True,
        form={"api_type": "json", "thing_id": _fullname(parent), "text": text},
    )  # fmt: skip
    try:
        thing = said(answer)["things"][0]
        return _sent(thing, thread_key=thread_key)
    except _BROKEN as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error


_RAW = {"raw_json": "1"}


def _submit(api: Api, account: Account, message: OutgoingMessage) -> Sent:
    """A post of our own: the first line is its title."""
    community = setting(account, "post_to").removeprefix("r/")
    if not community:
        raise Refused(_("Say in the channel's settings in which community it posts."))
    title, _line, body = message.text.strip().partition("\n")
    if not 0 < len(title) <= MAX_TITLE:
        raise Refused(_("The first line is the title of a post on Reddit: 1 to 300 characters."))
    form = {"api_type": "json", "kind": "self", "sr": community, "title": title, "text": body.strip()}
    answer = api.json("POST", "api/submit", params=_RAW, form=form, writes=True)
    try:
        data = said(answer)
        return Sent(external_id=str(data["name"]), sent_at=datetime.now(UTC), url=str(data.get("url") or ""))
    except _BROKEN as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error


def _send_private(api: Api, account: Account, message: OutgoingMessage) -> Sent:
    if (message.thread_key or "").startswith(CONVERSATION):
        return _send_mail(api, account, message)
    if message.parent_id and message.parent_id.startswith("t4_"):
        return _comment(api, message.parent_id, message.text, thread_key=message.thread_key)
    if not _NAME.fullmatch(message.recipient_handle):
        raise Refused(_("It is not known to whom on Reddit the private message goes."))
    form = {
        "api_type": "json",
        "to": message.recipient_handle,
        "subject": _subject(account),
        "text": message.text,
    }
    said(api.json("POST", "api/compose", params=_RAW, form=form, writes=True) or {})
    # It is sent. The answer does not say under which id, and the listing may show it late, or never where
    # Reddit made a chat of it (https://github.com/praw-dev/praw/issues/2081): no reason to send it again.
    try:
        found = find_sent(api, account, message)
    except NetworkError as error:
        log.info("a private message on Reddit is sent and cannot be looked up: %s", error)
        found = None
    return found or Sent(external_id=f"composed:{message.idempotency_key}", sent_at=datetime.now(UTC))


def _subject(account: Account) -> str:
    return setting(account, "subject")[:100] or _("Your message to us")


def _send_mail(api: Api, account: Account, message: OutgoingMessage) -> Sent:
    """An answer in modmail, in the community's name where the channel says so."""
    conversation = _conversation(message)
    hidden = "true" if account.settings.get("modmail_as_community") else "false"
    form = {"body": message.text, "isInternal": "false", "isAuthorHidden": hidden}
    answer = api.json("POST", f"api/mod/conversations/{conversation}", params=_RAW, form=form, writes=True)
    try:
        newest = max(answer["messages"].values(), key=lambda one: str(one["date"]))
        return Sent(
            external_id=MAIL + str(newest["id"]),
            sent_at=datetime.fromisoformat(newest["date"]),
            thread_key=message.thread_key,
        )
    except _BROKEN as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error


def _conversation(message: OutgoingMessage) -> str:
    found = (message.thread_key or "").removeprefix(CONVERSATION)
    if not re.fullmatch(r"[0-9a-z]{1,13}", found):
        raise Refused(_("That is no conversation of Reddit's modmail."))
    return found


def _fullname(value: str) -> str:
    if not _FULLNAME.fullmatch(value):
        raise Refused(_("That is no id of Reddit."))
    return value


def _sent(thing: Any, *, thread_key: str | None = None) -> Sent:
    data = thing["data"]
    link = str(data.get("permalink") or "")
    return Sent(
        external_id=str(data["name"]),
        sent_at=datetime.fromtimestamp(float(data["created_utc"]), UTC),
        url=f"https://www.reddit.com{link}" if link.startswith("/") else "",
        thread_key=str(data.get("first_message_name") or thread_key or data["name"])
        if str(data["name"]).startswith("t4_")
        else thread_key,
    )


# Did it post? -------------------------------------------------------------------------------------
def find_sent(api: Api, account: Account, message: OutgoingMessage) -> Sent | None:
    """Something of ours in the same place with the same text, written since the message was made."""
    since = message.created_at.astimezone(UTC) - SKEW
    try:
        for one in _own(api, account, message):
            ours = one.author.external_id == account.external_id or one.author.handle == account.handle
            if ours and one.sent_at >= since and _same_place(one, message) and _same(one, message):
                return Sent(
                    external_id=one.external_id, sent_at=one.sent_at, url=one.url, thread_key=one.thread_key
                )
    except _BROKEN as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    return None


def _own(api: Api, account: Account, message: OutgoingMessage) -> Iterator[MessageSeen]:
    now = datetime.now(UTC)
    if message.visibility == "private" and (message.thread_key or "").startswith(CONVERSATION):
        answer = api.json(
            "GET", f"api/mod/conversations/{_conversation(message)}", params={**_RAW, "markRead": "false"}
        )
        items = list(things.mail_items(answer, account.external_id))
    else:
        path = "message/sent" if message.visibility == "private" else f"user/{account.handle}/overview"
        params = {**_RAW, "limit": "100", **({} if message.visibility == "private" else {"sort": "new"})}
        answer = api.json("GET", path, params=params)
        items = [things.thing_item(one, now=now) for one in things.children(answer)]
        if message.visibility == "private" and not _is_reply(message):
            wanted = message.recipient_handle.lower()
            items = [one for one in items if str(one.payload["data"].get("dest")).lower() == wanted]
    for item in items:
        for event in parse_event(item.kind, item.payload):
            if isinstance(event, MessageSeen):
                yield event


def _is_reply(message: OutgoingMessage) -> bool:
    return bool(message.parent_id) and str(message.parent_id).startswith("t4_")


def _same_place(one: MessageSeen, message: OutgoingMessage) -> bool:
    if message.visibility == "private":
        return not _is_reply(message) or one.parent_id == message.parent_id
    return one.parent_id == message.parent_id


def _same(one: MessageSeen, message: OutgoingMessage) -> bool:
    """A post shows its title and its text; line ends and spaces at the ends are Reddit's own affair."""
    return " ".join(one.text.split()) == " ".join(words(message.text).split())


# Afterwards ---------------------------------------------------------------------------------------
def edit(api: Api, external_id: str, text: str) -> Sent:
    if not _FULLNAME.fullmatch(external_id) or external_id.startswith("t4_"):
        raise Refused(_("Private messages cannot be changed on Reddit."))
    form = {"api_type": "json", "thing_id": external_id, "text": text}
    answer = api.json("POST", "api/editusertext", params=_RAW, form=form, writes=True)
    try:
        return _sent(said(answer)["things"][0])
    except _BROKEN as error:
        raise TryAgain(_("The network's answer could not be read."), doubt=True) from error


def delete(api: Api, external_id: str) -> None:
    """Reddit answers the same for what is gone already."""
    if not _FULLNAME.fullmatch(external_id) or external_id.startswith("t4_"):
        raise Refused(_("Private messages cannot be taken back on Reddit."))
    api.call("POST", "api/del", form={"id": external_id})
