"""The past of feeds that page it: RFC 5005's ``next`` and ``prev-archive``, JSON Feed's ``next_url``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Polled, RawItem
from rapport.networks.errors import Refused
from rapport.networks.feeds.entries import view
from rapport.networks.feeds.fetch import Login, fetch, words_for
from rapport.networks.feeds.poll import key, stored
from rapport.networks.feeds.read import NotAFeed

MAX_PAGES = 500  # of one feed


def history(
    addresses: Sequence[str], cursor: Mapping[str, Any], *, since: datetime, login: Login | None
) -> Polled:
    """One page. The cursor: ``{"feed": number of the feed, "url": its page, "page": how many were read}``.

    Most feeds have one page: the entries they show now. Entries without a date are left out, since
    nobody knows whether they lie before ``since``.
    """
    number = int(cursor.get("feed") or 0)
    if number >= len(addresses):
        return Polled(items=(), cursor=dict(cursor))
    address = addresses[number]
    url, page = str(cursor.get("url") or address), int(cursor.get("page") or 0) + 1
    try:
        got = fetch(url, login=login, home=address)
    except NotAFeed as error:
        raise Refused(words_for(error)) from error
    now = datetime.now(UTC)
    items, reached = [], False
    for kind, entry in got.feed.entries if got.feed is not None else []:
        payload = stored(address, got.feed, entry, now) if got.feed is not None else {}
        try:
            seen = view(kind, payload)
        except (ValueError, KeyError, TypeError):
            continue  # the poll keeps it
        at = seen.published or seen.updated
        if at is not None and at < since:
            reached = True
        elif at is not None:
            items.append(RawItem(kind, payload, key(seen)))
    items.reverse()
    older = got.feed.older if got.feed is not None else ""
    if older and older != url and items and not reached and page < MAX_PAGES:
        return Polled(items=items, cursor={"feed": number, "url": older, "page": page}, more=True)
    following = {"feed": number + 1}
    return Polled(items=items, cursor=following, more=number + 1 < len(addresses))
