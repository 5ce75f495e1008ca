"""Polling Reddit: the inbox, what we wrote, our communities, searches, modmail, and a second look.

Listings are newest first and paged by the fullname of their last thing (https://www.reddit.com/dev/api/#listings).
A source keeps ``since``, the time up to which it has read; a thing may show up in a listing some seconds late,
so some minutes are read again. Nothing is marked as read.
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
from rapport.networks.reddit import things
from rapport.networks.reddit.listings import next_page

log = logging.getLogger(__name__)

PACE = timedelta(seconds=60)
FIRST = timedelta(minutes=15)
OVERLAP = timedelta(minutes=3)
WATCHED = timedelta(hours=48)
RESTED = timedelta(minutes=15)
BROKEN_FOR = timedelta(minutes=3)  # for a source that is away while others are there
PAGE, COMMUNITIES_MOST, SEARCHES_MOST, CONVERSATIONS_MOST = 100, 50, 10, 20
MORE_MOST = 3  # calls for the comments that a tree only names

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

    def get(self, path: str, **params: Any) -> Any:
        return self.api.json("GET", path, params={"raw_json": "1", **params})

    def lines(self, name: str, most: int) -> list[str]:
        found = self.account.settings.get(name)
        return [str(one).strip() for one in found[:most]] if isinstance(found, list) else []

    def switch(self, name: str, *, default: bool) -> bool:
        value = self.account.settings.get(name)
        return default if value is None else bool(value)


Source = Callable[[Round, str], None]


def poll(api: Api, account: Account, cursor: Mapping[str, Any]) -> Polled:
    """One page of every source. A community that is closed, or a limit, does not stop the inbox."""
    this = Round(
        api, account, {name: dict(value) for name, value in cursor.items() if isinstance(value, dict)}
    )
    for number, (name, source) in enumerate(_sources(this)):
        if _rests(this, name):
            continue
        try:
            source(this, name)
        except CredentialsGone:
            raise
        except BROKEN as error:
            if number == 0:
                raise TryAgain(_("The network's answer could not be read.")) from error
            log.warning("an answer of Reddit for %s cannot be read: %r", name, error)
            this.cursor.setdefault(name, {})["rest_until"] = (this.now + BROKEN_FOR).isoformat()
        except NetworkError as error:
            if number == 0:
                raise
            # Reddit's search is away more often than Reddit is: that must not stop the inbox.
            wait = (error.after or BROKEN_FOR) if isinstance(error, TryAgain) else RESTED
            this.cursor.setdefault(name, {})["why"] = str(error)[:300]
            this.cursor[name]["rest_until"] = (this.now + wait).isoformat()
            log.warning("%s on Reddit is not read for a while: %s", name, error)
            if isinstance(error, TryAgain) and error.after is not None:
                break  # the limit is one for all sources
    return Polled(
        items=_once(this.items), cursor=this.cursor, more=this.more, next_after=None if this.more else PACE
    )


def _sources(this: Round) -> list[tuple[str, Source]]:
    found: list[tuple[str, Source]] = [
        ("inbox", _listing("message/inbox", mark="false")),
        ("sent", _listing("message/sent")),
        ("own", _listing(f"user/{this.account.handle}/overview", sort="new")),
    ]
    communities = "+".join(one.removeprefix("r/") for one in this.lines("communities", COMMUNITIES_MOST))
    if communities:
        found += [
            ("comments", _listing(f"r/{communities}/comments")),
            ("posts", _listing(f"r/{communities}/new")),
        ]
    within = "+".join(one.removeprefix("r/") for one in this.lines("search_in", COMMUNITIES_MOST))
    place = {"path": f"r/{within}/search", "restrict_sr": "1"} if within else {"path": "search"}
    found += [
        (f"search:{query}"[:200], _listing(**place, q=query[:512], sort="new", type="link", t="week"))
        for query in this.lines("listen", SEARCHES_MOST)
    ]
    if this.switch("modmail", default=False):
        found.append(("modmail", _modmail))
    if this.switch("threads", default=False):
        found.append(("threads", _threads))
    return [*found, ("context", _parents), ("watch", _watch)]


def _rests(this: Round, name: str) -> bool:
    try:
        until = datetime.fromisoformat(str(this.cursor.get(name, {}).get("rest_until", "")))
        return until > this.now
    except (ValueError, TypeError):
        return False


def _once(items: list[RawItem]) -> list[RawItem]:
    """Each thing once, and no context of what came for its own sake."""
    by_key = {item.key: item for item in reversed(items)}
    return [
        item
        for item in reversed(by_key.values())
        if item.kind != "context" or item.key.replace("context:", "post:", 1) not in by_key
    ]


# Listings -----------------------------------------------------------------------------------------
def _listing(path: str, **params: str) -> Source:
    """One page; the next one the next time, until what is known is reached."""

    def source(this: Round, name: str) -> None:
        state = this.cursor.get(name, {})
        since = float(state.get("since") or (this.now - FIRST).timestamp())
        page = next_page(this.get, path, {"limit": str(PAGE), **params}, state)
        found = page.found
        fresh = [one for one in found if one["data"]["created_utc"] >= since - OVERLAP.total_seconds()]
        this.items += [things.thing_item(one, now=this.now) for one in reversed(fresh)]
        if name not in {"sent", "own"}:
            _watch_for(this, fresh)
        elif name == "own":
            _remember_threads(this, fresh)
        top = max([one["data"]["created_utc"] for one in fresh] + [float(state.get("top") or since)])
        if page.place and len(fresh) == len(found):
            this.cursor[name] = {"since": since, "top": top, **page.place}
            this.more = True
        elif page.lost:
            this.cursor[name] = {"since": since}  # the next poll reads it all again
        else:
            this.cursor[name] = {"since": top}

    return source


# Modmail ------------------------------------------------------------------------------------------
def _modmail(this: Round, name: str) -> None:
    """Conversations that moved since the last time, each with its messages."""
    state = this.cursor.get(name, {})
    since = str(state.get("since") or (this.now - FIRST).isoformat())
    after = {"after": str(state["after"])} if state.get("after") else {}
    answer = this.get(
        "api/mod/conversations", sort="recent", state="all", limit=str(CONVERSATIONS_MOST), **after
    )
    conversations, order = (
        answer["conversations"],
        list(answer.get("conversationIds") or answer["conversations"]),
    )
    from_then = datetime.fromisoformat(since) - OVERLAP
    moved = [one for one in order if datetime.fromisoformat(conversations[one]["lastUpdated"]) >= from_then]
    for one in reversed(moved):
        found = this.get(f"api/mod/conversations/{one}", markRead="false")
        this.items += [
            item
            for item in things.mail_items(found, this.account.external_id)
            if datetime.fromisoformat(item.payload["message"]["date"]) >= from_then
        ]
    newest = [conversations[one]["lastUpdated"] for one in moved]
    top = max(
        [datetime.fromisoformat(one) for one in newest] + [datetime.fromisoformat(state.get("top") or since)]
    )
    if moved and len(moved) == len(order) == CONVERSATIONS_MOST:
        this.cursor[name] = {"since": since, "top": top.isoformat(), "after": order[-1]}
        this.more = True
    else:
        this.cursor[name] = {"since": top.isoformat()}


# Around what was heard ----------------------------------------------------------------------------
def _parents(this: Round, name: str) -> None:
    """What is answered by what just came, in one call, so that it can be read along."""
    told = {str(item.payload["data"]["name"]) for item in this.items if item.kind in {"t1", "t3"}}
    known = set(this.cursor.get(name, {}).get("known") or [])
    wanted = dict.fromkeys(
        str(item.payload["data"]["parent_id"])
        for item in this.items
        if item.kind == "t1" and item.payload["data"].get("parent_id")
    )
    missing = [one for one in wanted if one not in told and one not in known][:PAGE]
    if missing:
        found = things.children(this.get("api/info", id=",".join(missing)))
        this.items += [things.thing_item(one, now=this.now, kind="context") for one in found]
        this.cursor[name] = {"known": [*known, *missing][-500:]}


def _remember_threads(this: Round, own: list[State]) -> None:
    posts = [one["data"]["name"] for one in own if one["kind"] == "t3"]
    state = this.cursor.setdefault("threads", {})
    state["posts"] = list(dict.fromkeys([*(state.get("posts") or []), *posts]))[-20:]


def _threads(this: Round, name: str) -> None:
    """What people say to each other under our posts: the inbox has only what is said to us."""
    state = this.cursor.setdefault(name, {})
    posts = list(state.get("posts") or [])
    if not posts:
        return
    answer = this.get(f"comments/{str(posts[0]).removeprefix('t3_')}", limit="200", depth="8", sort="new")
    comments, more = things.tree(answer)
    for start in range(0, min(len(more), MORE_MOST * PAGE), PAGE):
        ids = ",".join(more[start : start + PAGE])
        found = this.get("api/morechildren", api_type="json", link_id=posts[0], children=ids)
        comments += [one for one in found["json"]["data"]["things"] if one["kind"] == "t1"]
    since = (this.now - WATCHED).timestamp()
    this.items += [
        things.thing_item(one, now=this.now) for one in comments if one["data"]["created_utc"] >= since
    ]
    age = this.now.timestamp() - answer[0]["data"]["children"][0]["data"]["created_utc"]
    keep = posts[:1] if age < WATCHED.total_seconds() else []
    state["posts"] = posts[1:] + keep


# A second look ------------------------------------------------------------------------------------
def _watch_for(this: Round, found: list[State]) -> None:
    state = this.cursor.setdefault("watch", {})
    names = dict(state.get("names") or {})
    for one in found:
        data = one["data"]
        if one["kind"] in {"t1", "t3"} and data.get("author_fullname") != this.account.external_id:
            names.setdefault(str(data["name"]), data["created_utc"])
    state["names"] = dict(list(names.items())[-PAGE:])


def _watch(this: Round, name: str) -> None:
    """Comments and posts of the last two days again: whether they were edited, deleted or removed."""
    state = this.cursor.setdefault(name, {})
    oldest = (this.now - WATCHED).timestamp()
    names = {one: at for one, at in (state.get("names") or {}).items() if at >= oldest}
    minutes = this.account.settings.get("recheck_minutes")
    pace = timedelta(minutes=30 if minutes is None else max(0, int(minutes)))
    last = state.get("at")
    if not names or (last and this.now - datetime.fromisoformat(last) < pace):
        this.cursor[name] = {**state, "names": names}
        return
    found = [
        things.thing_item(one, now=this.now)
        for one in things.children(this.get("api/info", id=",".join(names)))
    ]
    changed = [item for item in found if item.key != f"post:{item.payload['data']['name']}"]
    this.items += changed
    for item in changed:
        if item.key.startswith("deleted:"):
            names.pop(str(item.payload["data"]["name"]), None)
    this.cursor[name] = {"names": names, "at": this.now.isoformat()}


# The past -----------------------------------------------------------------------------------------
def history(api: Api, account: Account, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
    """The inbox, newest first. Reddit keeps the newest thousand of a listing."""
    this = Round(api, account, {})
    try:
        page = next_page(this.get, "message/inbox", {"mark": "false", "limit": str(PAGE)}, cursor)
        recent = [one for one in page.found if one["data"]["created_utc"] >= since.timestamp()]
        items = [things.thing_item(one, now=this.now) for one in recent]
    except BROKEN as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    if page.lost:
        raise Refused(_("The place in the list was lost several times. Fetch the past again."))
    more = bool(page.place) and len(recent) == len(page.found)
    return Polled(items=items, cursor=page.place if more else {"done": True}, more=more)


def troubles(cursor: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Sources that rest now, and what the network said of them."""
    found = {}
    for name, kept in cursor.items():
        if isinstance(kept, dict) and kept.get("why") and str(kept.get("rest_until", "")) > now.isoformat():
            found[name] = str(kept["why"])
    return found
