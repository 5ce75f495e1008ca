"""Polling X: mentions, our own posts, private messages, searches, and a second look at what customers posted.

Every answer is paged newest first, so a source keeps ``since`` (how far it has read) and, while it works
through pages, ``token`` and ``top`` (the newest it saw). Ids hold their time, so some overlap costs one
subtraction; X bills a post once a day however often it is read (https://docs.x.com/x-api/getting-started/pricing).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Account, Polled, RawItem
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.x import pages
from rapport.networks.x.reading import id_at, time_of_id

log = logging.getLogger(__name__)

PACE = timedelta(seconds=60)  # private messages allow 15 calls in 15 minutes
FIRST = timedelta(minutes=15)
OVERLAP = timedelta(minutes=2)
# How long a source rests that the others do without: X is there, but this part of it is not.
BROKEN_FOR = timedelta(minutes=3)
SEARCHED = timedelta(days=7) - timedelta(hours=1)  # recent search reaches back seven days
WATCHED = timedelta(hours=48)
WATCH_MOST = 100  # ids in one lookup
THREADS_MOST = 20
SEARCHES_MOST = 10
_RESTARTS = 3

# What a broken answer raises while it is taken apart.
BROKEN = (KeyError, TypeError, ValueError, AttributeError, RecursionError)

State = dict[str, Any]


@dataclass
class Round:
    """One poll at work: the API, the account, and what it gathered so far."""

    api: Api
    account: Account
    cursor: State
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    items: list[RawItem] = field(default_factory=list)
    more: bool = False

    def state(self, source: str) -> State:
        """The source's part of the cursor; made when it is first asked for."""
        state = self.cursor.setdefault(source, {})
        state.setdefault("since", (self.now - FIRST).isoformat())
        return dict(state)

    def switch(self, name: str, *, default: bool) -> bool:
        value = self.account.settings.get(name)
        return default if value is None else bool(value)


def poll(api: Api, account: Account, cursor: Mapping[str, Any]) -> Polled:
    """One page of every source. The first source that cannot be had ends the round; others keep what they got."""
    this = Round(api, account, {name: value for name, value in cursor.items() if isinstance(value, dict)})
    done = 0
    for name, source in _sources(this):
        if _rests(this, name):
            continue
        try:
            source(this, name)
        except CredentialsGone:
            raise
        except BROKEN as error:
            if not done:
                raise TryAgain(_("The network's answer could not be read.")) from error
            log.warning("an answer of X for %s cannot be read: %r", name, error)
            this.cursor.setdefault(name, {})["rest_until"] = (this.now + BROKEN_FOR).isoformat()
        except NetworkError as error:
            if not done:
                raise
            # One endpoint's limit or outage, or a search that X does not understand, must not stop the mentions.
            wait = timedelta(minutes=15)
            if isinstance(error, TryAgain):
                wait = error.after or BROKEN_FOR
            this.cursor.setdefault(name, {})["why"] = str(error)[:300]
            this.cursor[name]["rest_until"] = (this.now + wait).isoformat()
            log.warning("%s on X is not read until %s: %s", name, this.now + wait, error)
        done += 1
    return Polled(
        items=_once(this.items), cursor=this.cursor, more=this.more, next_after=None if this.more else PACE
    )


def _once(items: list[RawItem]) -> list[RawItem]:
    """Without the context that another source of the same round brought as a post of its own."""
    told = {item.key for item in items if item.kind == "post"}
    return [
        item
        for item in items
        if item.kind != "context" or item.key.replace("context:", "post:", 1) not in told
    ]


def _sources(this: Round) -> list[tuple[str, Callable[[Round, str], None]]]:
    found: list[tuple[str, Callable[[Round, str], None]]] = [("mentions", _mentions), ("own", _own)]
    if this.switch("messages", default=True):
        found.append(("messages", _messages))
    if this.switch("quotes", default=True) and this.account.handle:
        found.append(("quotes", _search(_quotes_query(this.account.handle))))
    lines = this.account.settings.get("listen") or []
    found += [
        (f"search:{query}"[:200], _search(f"({query}) -from:{this.account.handle or 'x'}"))
        for query in (lines[:SEARCHES_MOST] if isinstance(lines, list) else [])
    ]
    if this.switch("threads", default=False):
        found.append(("threads", _threads))
    found.append(("watch", _watch))
    return found


def _quotes_query(handle: str) -> str:
    return f'is:quote (url:"x.com/{handle}" OR url:"twitter.com/{handle}") -from:{handle}'


def _rests(this: Round, name: str) -> bool:
    until = (this.cursor.get(name) or {}).get("rest_until")
    try:
        return until is not None and datetime.fromisoformat(str(until)) > this.now
    except (ValueError, TypeError):
        return False


# Sources ------------------------------------------------------------------------------------------
def _mentions(this: Round, name: str) -> None:
    found = _page(this, name, f"2/users/{this.account.external_id}/mentions", pages.POST_FIELDS)
    _heard(this, found)
    if this.switch("threads", default=False):
        _remember_threads(this, found)


def _own(this: Round, name: str) -> None:
    """What the account posts elsewhere, such as in the X app, belongs into the threads."""
    found = _page(this, name, f"2/users/{this.account.external_id}/tweets", pages.POST_FIELDS)
    this.items += pages.posts_of(found, now=this.now)


def _search(query: str) -> Callable[[Round, str], None]:
    def source(this: Round, name: str) -> None:
        _heard(this, _page(this, name, "2/tweets/search/recent", {**pages.POST_FIELDS, "query": query}))

    return source


def _messages(this: Round, name: str) -> None:
    """``/2/dm_events`` knows no ``since_id``: pages are read until one reaches what is known."""
    state = this.state(name)
    params = {**pages.MESSAGE_FIELDS, "event_types": "MessageCreate", "max_results": "100"}
    found = _fetch(this, name, state, "2/dm_events", params)
    since = datetime.fromisoformat(state["since"]) - OVERLAP
    events = sorted(found.get("data") or [], key=lambda event: int(event["id"]))
    fresh = [event for event in events if time_of_id(str(event["id"])) >= since]
    this.items += [pages.message_item(event, found.get("includes") or {}) for event in fresh]
    token = found["meta"].get("next_token") if fresh and len(fresh) == len(events) else None
    _advance(this, name, state, [str(event["id"]) for event in fresh], token)


def _heard(this: Round, page: State) -> None:
    """Posts of others: keep them, and look at them again later."""
    this.items += pages.posts_of(page, now=this.now)
    watch = this.cursor.setdefault("watch", {})
    ids = dict.fromkeys(watch.get("ids") or [])
    for post in page.get("data") or []:
        if str(post.get("author_id")) != this.account.external_id and "retweeted" not in pages.references_of(
            post
        ):
            ids[str(post["id"])] = None
    watch["ids"] = list(ids)[-WATCH_MOST:]


# Paging -------------------------------------------------------------------------------------------
def _page(this: Round, name: str, path: str, params: Mapping[str, str]) -> State:
    """The next page of a source that knows ``since_id``; the source's state moves on."""
    state = this.state(name)
    since = datetime.fromisoformat(state["since"]) - OVERLAP
    if path.endswith("search/recent"):
        since = max(since, this.now - SEARCHED)
    found = _fetch(this, name, state, path, {**params, "max_results": "100", "since_id": str(id_at(since))})
    ids = [str(post["id"]) for post in found.get("data") or []]
    _advance(this, name, state, ids, found["meta"].get("next_token"))
    return found


def _fetch(this: Round, name: str, state: State, path: str, params: Mapping[str, str]) -> State:
    token = state.get("token")
    paged = {**params, "pagination_token": str(token)} if token else dict(params)
    try:
        found = this.api.json("GET", path, params=paged)
    except Refused:
        if not token or int(state.get("restarts", 0)) >= _RESTARTS:
            raise
        # The token may have ended while we were away: begin again at the newest, nothing is lost.
        state.pop("token")
        state["restarts"] = int(state.get("restarts", 0)) + 1
        found = this.api.json("GET", path, params=dict(params))
    if not isinstance(found, dict):
        raise TypeError("the answer is not an object")
    return {**found, "meta": found.get("meta") or {}}


def _advance(this: Round, name: str, state: State, ids: list[str], token: Any) -> None:
    top = max([time_of_id(one).isoformat() for one in ids] + [state.get("top") or state["since"]])
    if token:
        this.cursor[name] = {**state, "token": str(token), "top": top}
        this.more = True
    else:
        this.cursor[name] = {"since": top}


# A second look ------------------------------------------------------------------------------------
def _watch(this: Round, name: str) -> None:
    """Posts of the last two days, looked up again: X tells nobody that a customer deleted or edited one."""
    state = dict(this.cursor.get(name) or {})
    ids = [one for one in state.get("ids") or [] if this.now - time_of_id(str(one)) < WATCHED]
    minutes = this.account.settings.get("recheck_minutes")
    pace = timedelta(minutes=60 if minutes is None else max(0, int(minutes)))
    last = state.get("at")
    if not ids or (last and this.now - datetime.fromisoformat(last) < pace):
        this.cursor[name] = {**state, "ids": ids}
        return
    found = _lookup(this, ids)
    gone = [item for item in pages.gone_of(found, now=this.now) if item.payload["external_id"] in ids]
    newer = [
        pages.history_of(post)[-1]
        for post in found.get("data") or []
        if pages.history_of(post)[-1] != str(post["id"])
    ]
    this.items += gone
    if newer:
        this.items += [
            item for item in pages.posts_of(_lookup(this, newer), now=this.now) if item.kind == "post"
        ]
    replaced = {pages.history_of(post)[-1] for post in found.get("data") or []}
    this.cursor[name] = {"ids": sorted(replaced, key=int), "at": this.now.isoformat()}


def _lookup(this: Round, ids: list[str]) -> State:
    found = this.api.json("GET", "2/tweets", params={**pages.POST_FIELDS, "ids": ",".join(ids)})
    if not isinstance(found, dict):
        raise TypeError("the answer is not an object")
    return found


# Threads ------------------------------------------------------------------------------------------
def _remember_threads(this: Round, page: State) -> None:
    """Conversations of which we saw a part: the rest is fetched once, to be read along."""
    state = this.cursor.setdefault("threads", {})
    known, wanted = set(state.get("known") or []), list(state.get("wanted") or [])
    for post in page.get("data") or []:
        conversation = str(post.get("conversation_id") or "")
        if conversation.isdecimal() and conversation != str(post["id"]) and conversation not in known:
            known.add(conversation)
            wanted.append(conversation)
    state["wanted"], state["known"] = wanted[-THREADS_MOST:], sorted(known, key=int)[-500:]


def _threads(this: Round, name: str) -> None:
    """One conversation at a time, of the last seven days: https://docs.x.com/x-api/fundamentals/conversation-id"""
    state = this.cursor.setdefault(name, {})
    wanted = list(state.get("wanted") or [])
    if not wanted:
        return
    params = {**pages.POST_FIELDS, "query": f"conversation_id:{wanted[0]}", "max_results": "100"}
    found = this.api.json("GET", "2/tweets/search/recent", params=params)
    posts = pages.posts_of(found, now=this.now, kind="context")
    this.items += [item for item in posts if item.kind == "context"]
    state["wanted"] = wanted[1:]
    this.more = this.more or len(wanted) > 1


# The past -----------------------------------------------------------------------------------------
def history(api: Api, account: Account, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
    """Mentions (X keeps the newest 800), then private messages of the last 30 days, newest first."""
    phase = str(cursor.get("phase") or "mentions")
    if phase == "done":
        return Polled(items=[], cursor=dict(cursor))
    now = datetime.now(UTC)
    token = {"pagination_token": str(cursor["token"])} if cursor.get("token") else {}
    try:
        if phase == "mentions":
            path, params = f"2/users/{account.external_id}/mentions", dict(pages.POST_FIELDS)
            params["start_time"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            path, params = "2/dm_events", {**pages.MESSAGE_FIELDS, "event_types": "MessageCreate"}
        found = api.json("GET", path, params={**params, "max_results": "100", **token})
        things = found.get("data") or []
        recent = [one for one in things if time_of_id(str(one["id"])) >= since]
        if phase == "mentions":
            items = pages.posts_of({**found, "data": recent}, now=now)
        else:
            items = [pages.message_item(event, found.get("includes") or {}) for event in recent]
        following = (found.get("meta") or {}).get("next_token") if len(recent) == len(things) else None
    except BROKEN as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    if following:
        return Polled(items=items, cursor={"phase": phase, "token": str(following)}, more=True)
    with_messages = account.settings.get("messages") is not False
    after = "messages" if phase == "mentions" and with_messages else "done"
    return Polled(items=items, cursor={"phase": after}, more=after != "done")


def troubles(cursor: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Sources that rest now, and what the network said of them."""
    found = {}
    for name, kept in cursor.items():
        if isinstance(kept, dict) and kept.get("why") and str(kept.get("rest_until", "")) > now.isoformat():
            found[name] = str(kept["why"])
    return found
