"""Posting, changing and taking away: https://docs.joinmastodon.org/methods/statuses/.

On this network a reply reaches whom it mentions, and a private post is one that only those may read, so the
person's handle belongs into the text; it is put in front when the agent did not write it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Account, OutgoingMessage, Sent
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.mastodon import server
from rapport.networks.mastodon.api import Mastodon, NotThere, listed, mapping
from rapport.networks.mastodon.items import author_id, field, text_id, time_of
from rapport.networks.mastodon.media import upload
from rapport.networks.mastodon.parse import visibility_of
from rapport.networks.mastodon.words import addressed

# Preparing may not take so long that the claim on the message runs out while it is posted.
PREPARING_S = 25.0


def send(api: Mastodon, account: Account, message: OutgoingMessage) -> Sent:
    """Post it. The same key gives the same post for an hour on Mastodon; other servers do not look at it,
    which is what :func:`~.find.find_sent` is for."""
    began = time.monotonic()
    parent = _parent(api, message)
    text = addressed(
        message.text, _recipients(api, account, message, parent), domain=server.domain_of(account)
    )
    _check_length(text, account.settings)
    media_ids = [upload(api, one, until=began + PREPARING_S) for one in message.media]
    if time.monotonic() - began > PREPARING_S:
        raise TryAgain(_("The server is too slow now; nothing was posted."))
    body: dict[str, Any] = {
        "status": text,
        "visibility": audience(message, parent),
        "media_ids": media_ids,
        # GoToSocial and Pleroma would read Markdown where an account says so.
        "content_type": "text/plain",
    }
    if message.parent_id:
        body["in_reply_to_id"] = message.parent_id
    if message.lang:
        body["language"] = message.lang
    return sent(api.write("POST", "/api/v1/statuses", body, key=message.idempotency_key))


def audience(message: OutgoingMessage, parent: Mapping[str, Any] | None) -> str:
    """The network's visibility of a message. A public reply is as public as what it answers; a private one is for
    the person alone, never for our followers. Raises Refused for a public answer to private words."""
    if message.visibility == "private":
        return "direct"
    if parent is not None and visibility_of(parent) == "private":
        raise Refused(_("What it answers is private now, so it cannot be answered in public."))
    return "unlisted" if parent is not None and parent.get("visibility") == "unlisted" else "public"


def edit(api: Mastodon, account: Account, external_id: str, text: str) -> Sent:
    """Change the words of a post of ours and nothing else. What an edit does not repeat is lost on the server,
    so warning, language and media are read first and given back."""
    old = mapping(api.get(f"/api/v1/statuses/{external_id}"))
    if isinstance(old.get("poll"), Mapping):
        raise Refused(_("A post with a poll cannot be changed: its votes would be lost."))
    if old.get("visibility") != "public" and server.publishes_edits(account.settings):
        raise Refused(_("This server would make the post public when it is changed. Delete it instead."))
    text = addressed(text, _still_addressed(old), domain=server.domain_of(account))
    _check_length(text, account.settings)
    body = {
        "status": text,
        "spoiler_text": old.get("spoiler_text") or "",
        "sensitive": old.get("sensitive") is True,
        "media_ids": [text_id(one) for one in listed(old.get("media_attachments"))],
        "content_type": "text/plain",
    }
    if isinstance(old.get("language"), str):
        body["language"] = old["language"]
    changed = api.write("PUT", f"/api/v1/statuses/{external_id}", body)
    return sent(changed, at=field(changed, "edited_at"))


def delete(api: Mastodon, external_id: str) -> None:
    """Take a post of ours away; at most 30 in 30 minutes on Mastodon."""
    api.call("DELETE", f"/api/v1/statuses/{external_id}", writes=True, accept=(404, 410))


def sent(status: Any, *, at: Any = None) -> Sent:
    """What the server made of it. ``at``: the time that counts, if it is not the post's own."""
    when = time_of({"created_at": at}) or time_of(status)
    external_id = text_id(status)
    if when is None or not external_id:
        raise TryAgain(_("The network's answer could not be read."), doubt=True)
    url = field(status, "url") or field(status, "uri")
    return Sent(external_id=external_id, sent_at=when, url=url if isinstance(url, str) else "")


def handle_of(account: Any) -> str:
    handle = field(account, "acct")
    return handle if isinstance(handle, str) else ""


def _parent(api: Mastodon, message: OutgoingMessage) -> Mapping[str, Any] | None:
    """What it answers, as it is now: Takahē would post a reply to nothing without a word."""
    if not message.parent_id:
        return None
    try:
        return mapping(api.get(f"/api/v1/statuses/{message.parent_id}"))
    except NotThere as error:
        raise Refused(_("What it answers is gone, or no longer shown to us.")) from error


def _recipients(
    api: Mastodon, account: Account, message: OutgoingMessage, parent: Mapping[str, Any] | None
) -> list[str]:
    """Handles that the text must name. A private message names one person: everybody named can read it."""
    written_by, ourselves = author_id(parent), account.external_id
    wanted = message.recipient_id or (written_by if parent is not None else "")
    handles: list[str] = []
    if wanted and wanted != ourselves:
        if wanted == written_by:
            handles = [handle_of(field(parent, "account"))]
        else:
            handles = [_handle_by_id(api, message, parent)]
    handles = [handle for handle in handles if handle]
    if message.visibility == "private" and not handles:
        raise Refused(_("A private message needs somebody to write to."))
    return handles


def _handle_by_id(api: Mastodon, message: OutgoingMessage, parent: Mapping[str, Any] | None) -> str:
    for one in listed(field(parent, "mentions")):
        if text_id(one) == message.recipient_id:
            return handle_of(one)
    if message.recipient_handle:
        return message.recipient_handle.removeprefix("@")
    try:
        return handle_of(api.get(f"/api/v1/accounts/{message.recipient_id}"))
    except NotThere as error:
        raise Refused(_("The person's account is gone.")) from error


def _still_addressed(old: Mapping[str, Any]) -> list[str]:
    """Whom a post spoke to: the author of what it answers and, in private, everybody it names."""
    answered = old.get("in_reply_to_account_id")
    private = visibility_of(old) == "private"
    return [
        handle_of(one)
        for one in listed(old.get("mentions"))
        if private or (answered is not None and text_id(one) == str(answered))
    ]


def _check_length(text: str, settings: Mapping[str, Any]) -> None:
    """The handle that was put in front counts too, which nobody could see before."""
    longest = settings.get("max_characters")
    too_much = server.length(text, settings) - longest if isinstance(longest, int) else 0
    if too_much > 0:
        raise Refused(
            _("With the person's handle, which has to be in it, the text is %(count)d characters too long.")
            % {"count": too_much}
        )
