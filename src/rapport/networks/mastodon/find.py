"""Did it post? Looked for where a post of ours must show: under what it answers, among our own, at home.

Mastodon would give the first post back for the same Idempotency-Key, but only for an hour, and other servers
never. So it is told by what it says, whom it answers, who may read it, and when it came to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from rapport.networks.base import Account, OutgoingMessage, Sent
from rapport.networks.mastodon import send
from rapport.networks.mastodon.api import Mastodon, NotThere, listed
from rapport.networks.mastodon.items import author_id, field, time_of
from rapport.networks.mastodon.markup import plain_text
from rapport.networks.mastodon.parse import visibility_of
from rapport.networks.mastodon.words import squashed, without_leading_mentions

PAGES = 4
# Both clocks are read to the second, and the answer took its time.
SLACK = timedelta(seconds=2)


def find_sent(api: Mastodon, account: Account, message: OutgoingMessage) -> Sent | None:
    """The post an earlier try made of ``message``, or None when there is none.

    Of several the newest is taken: an earlier message with the same words was sent before this one. Raises
    what the server raises, for then nobody knows.
    """
    for found in _places(api, account, message):
        matching = [one for one in found if _is_it(api, account, message, one)]
        if matching:
            return send.sent(max(matching, key=lambda one: time_of(one) or message.created_at))
    return None


def _places(api: Mastodon, account: Account, message: OutgoingMessage) -> Iterator[list[Any]]:
    yield _own(api, account, message)
    # Takahē lists no private posts among one's own.
    if message.parent_id:
        try:
            context = api.get(f"/api/v1/statuses/{message.parent_id}/context")
            yield list(listed(field(context, "descendants")))
        except NotThere:
            pass
    if message.visibility == "private":
        yield api.page("/api/v1/timelines/home", {"limit": 40}).items


def _own(api: Mastodon, account: Account, message: OutgoingMessage) -> list[Any]:
    """Our own posts since the message was written."""
    path = f"/api/v1/accounts/{account.external_id}/statuses"
    found: list[Any] = []
    older = ""
    for _page in range(PAGES):
        page = api.page(path, {"limit": 40} | ({"max_id": older} if older else {}))
        found += page.items
        last = time_of(page.items[-1]) if page.items else None
        if not page.older or last is None or last < _since(api, message):
            break
        older = page.older
    return found


def _is_it(api: Mastodon, account: Account, message: OutgoingMessage, status: Any) -> bool:
    at = time_of(status)
    if at is None or at < _since(api, message) or author_id(status) != account.external_id:
        return False
    if field(status, "reblog") is not None or visibility_of(status) != message.visibility:
        return False
    # A parent that was deleted since leaves no trace in its answers.
    answers = field(status, "in_reply_to_id")
    if answers is not None and str(answers) != message.parent_id:
        return False
    if len(listed(field(status, "media_attachments"))) != len(message.media):
        return False
    content = field(status, "content")
    if not isinstance(content, str):
        return False
    return _words(plain_text(content)) == _words(message.text)


def _words(text: str) -> str:
    """What identifies a text: without the handles in front, which are ours, the agent's or the server's."""
    return squashed(without_leading_mentions(text))


def _since(api: Mastodon, message: OutgoingMessage) -> datetime:
    """When the message was written, by the server's clock."""
    return message.created_at + api.ahead - SLACK
