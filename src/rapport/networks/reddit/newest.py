"""What is new in communities, without an account: posts and comments, each list read down to what is known.

Listings are newest first, and Reddit keeps the newest thousand of each (https://www.reddit.com/dev/api/#listings). They
can be asked for what came ``before`` a thing, but that leaves things out when many come at once, and brings nothing
once that thing is deleted (https://github.com/praw-dev/praw/issues/1043). So a list is read from its top, page by page,
until a page brings nothing new.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import RawItem, SeenLimit
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.reddit import login, things
from rapport.networks.reddit.api import API, address, explain, user_agent, watch
from rapport.networks.reddit.reading import fullname, moment

log = logging.getLogger(__name__)

PAGE = 100
PAGES = 10  # Reddit shows no more of a list
# Nearly all that a list can hold, of which some were deleted: a list that ends earlier ended by itself.
WHOLE = 900
# Things of a list that are remembered, and looked at again for edits and deletions.
KEPT = 400
BACK = 3
# Calls that are left to others of the same app; below that, what is left is spread over the time.
SPARE = 100
# Kinds of communities that strangers do not read.
_CLOSED = frozenset({"private", "gold_only", "gold_restricted", "employees_only"})
EARLY_S = 60.0  # a token is renewed so long before its end

BROKEN = (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError)


class App:
    """Calls of an app without an account. ``values``: ``client_id``, ``client_secret``, ``username``, ``api_url``."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._seen: list[SeenLimit] = []
        self._api: Api | None = None
        self._until = 0.0

    def get(self, path: str, **params: str) -> Any:
        """An answer's JSON. Raises Refused and TryAgain."""
        try:
            return self._get(path, params)
        except CredentialsGone:
            self._api = None  # withdrawn before its time: with another one
        try:
            return self._get(path, params)
        except CredentialsGone as error:
            raise Refused(_("Reddit does not let the app read: %(reason)s") % {"reason": error}) from error

    def _get(self, path: str, params: Mapping[str, str]) -> Any:
        if self._api is None or time.monotonic() >= self._until:
            token, seconds = login.app_only(self._values)
            agent = user_agent(
                str(self._values.get("client_id") or ""), str(self._values.get("username") or "")
            )
            self._api = Api(
                address(self._values, API),
                headers={"Authorization": f"Bearer {token}", "User-Agent": agent},
                explain=_explain,
                watch=lambda response: watch(response, self._seen),
            )
            self._until = time.monotonic() + max(EARLY_S, seconds - EARLY_S)
        found = self._api.json("GET", path, params={"raw_json": "1", **params})
        del self._seen[:-1]
        return found

    def pause(self) -> float:
        """Seconds to wait before the next call, by what Reddit's last answer said of the limit."""
        if not self._seen or self._seen[-1].remaining > SPARE:
            return 0.0
        left = self._seen[-1].remaining
        until = max(0.0, (self._seen[-1].reset_at - datetime.now(UTC)).total_seconds())
        return until / (left + 1)


def readable(app: App, names: list[str]) -> list[str]:
    """Those of some communities (100 at most) that are there and open to everybody, in lower case. One call."""
    try:
        found = app.get("api/info", sr_name=",".join(names))["data"]["children"]
        return [
            str(one["data"]["display_name"]).lower()
            for one in found
            if one["data"].get("subreddit_type") not in _CLOSED
        ]
    except BROKEN as error:
        raise TryAgain(_("The network's answer could not be read.")) from error


@dataclass
class Listing:
    """One list. What is known of it: ``known`` (keys of events, and when that thing was made), and ``floor``, the
    time (seconds since 1970) up to which everything is; None for a list that was never read. ``read``: when it was
    read last, 0 where nobody knows."""

    path: str
    known: dict[str, float] = field(default_factory=dict)
    floor: float | None = None
    read: int = 0

    @classmethod
    def of(cls, path: str, kept: Any) -> Listing:
        """As :meth:`kept` gave it; what cannot be read is a list that was never read."""
        try:
            known = {str(key): float(at) for key, at in kept["known"].items()}
            floor, read = float(kept["floor"]), int(kept.get("read") or 0)
            if kept.get("path", path) != path:
                # Of other communities: what was said in those that are new here was said before anybody listened.
                floor = max(floor, float(read))
            return cls(path, known, floor, read)
        except BROKEN:
            return cls(path)

    def kept(self) -> dict[str, Any]:
        """For the cursor."""
        if self.floor is None:
            return {}
        return {"path": self.path, "known": self.known, "floor": self.floor, "read": self.read}

    def is_new(self, item: RawItem, at: float) -> bool:
        return item.key not in self.known and at > (self.floor if self.floor is not None else -1.0)

    def learn(self, found: Mapping[str, float], *, floor: float = 0.0) -> None:
        """These are known now, too. ``floor``: and what is older."""
        every = sorted(({**self.known, **found}).items(), key=lambda one: one[1], reverse=True)
        cut = every[KEPT][1] if len(every) > KEPT else 0.0
        self.known, self.floor = dict(every[:KEPT]), max(floor, cut, self.floor or 0.0)


class Round:
    """One reading of a list: :meth:`page` until :attr:`done`, then :meth:`finish`."""

    def __init__(self, app: App, listing: Listing) -> None:
        self._app, self._listing = app, listing
        self._found: dict[str, tuple[RawItem, float]] = {}  # newest first
        self._marks: list[str] = []
        self.pages = 0
        self._reached = False
        self._things = 0
        self._more = False  # behind the page that was read last
        self.done = False
        # The place was lost: nothing is taken, the next round begins at the top again.
        self.lost = False

    def page(self) -> None:
        """Read one page, with one call; up to :data:`BACK` more where the mark was deleted meanwhile."""
        try:
            data = self._data()
        except BROKEN as error:
            raise TryAgain(_("The network's answer could not be read.")) from error
        if data is None:
            self.done = self.lost = True
            return
        self.pages += 1
        page, names = _things(data["children"])
        self._things += len(names)
        new = 0
        for item, at in page:
            if self._listing.is_new(item, at):
                new += item.key not in self._found
                self._found.setdefault(str(item.key), (item, at))
            else:
                self._reached = True
        following = str(data.get("after") or "")
        self._marks = [following, *[one for one in reversed(names) if one != following][: BACK - 1]]
        self._more = bool(following)
        first = self._listing.floor is None
        self.done = first or not following or not new or self.pages >= PAGES

    def _data(self) -> Any:
        """The next page's ``data``, or None when its place is lost."""
        for mark in self._marks or [""]:
            answer = self._app.get(self._listing.path, limit=str(PAGE), **({"after": mark} if mark else {}))
            if answer["data"]["children"] or not mark:
                return answer["data"]
        return None

    def finish(self) -> list[RawItem]:
        """What is new, oldest first; it is known from now on."""
        if self.lost:
            return []
        first = self._listing.floor is None
        found = [*self._found.values()]
        # The first reading takes the newest page; what is older was said before anybody listened. How many things it
        # has says nothing: Reddit leaves out of a page what was taken away.
        floor = min((at for _item, at in found), default=0.0) if first and self._more else 0.0
        self._listing.learn({str(item.key): at for item, at in found}, floor=floor)
        self._listing.read = int(time.time())
        return [item for item, _at in sorted(found, key=lambda one: one[1])]

    @property
    def missed(self) -> bool:
        """Whether more came since the last reading than Reddit shows."""
        told_all = self.pages < PAGES and self._things < WHOLE
        return self.done and not self.lost and not self._reached and not told_all


def changes(app: App, listing: Listing) -> list[RawItem]:
    """What was edited or deleted among the newest that are known. One call for a hundred; makes up to four.

    Reddit tells nobody of a change: things are looked up again.
    """
    gone = {_name(key) for key in listing.known if key.startswith(("deleted:", "hidden:"))}
    names = [one for one in dict.fromkeys(map(_name, listing.known)) if one not in gone]
    changed: list[tuple[RawItem, float]] = []
    for start in range(0, len(names), PAGE):
        try:
            answer = app.get("api/info", id=",".join(names[start : start + PAGE]))
            page, _names = _things(answer["data"]["children"])
        except BROKEN as error:
            raise TryAgain(_("The network's answer could not be read.")) from error
        changed += [(item, at) for item, at in page if item.key not in listing.known]
    listing.learn({str(item.key): at for item, at in changed})
    return [item for item, _at in changed]


def _name(key: str) -> str:
    return key.split(":")[1]


def _things(children: Any) -> tuple[list[tuple[RawItem, float]], list[str]]:
    """Comments and posts, each with its time, and the names of all things; one that cannot be read is left out."""
    now = datetime.now(UTC)
    found: list[tuple[RawItem, float]] = []
    names: list[str] = []
    for one in children:
        try:
            names.append(fullname(one["data"]["name"], "name"))
            if one["kind"] in {"t1", "t3"}:
                at = moment(one["data"]["created_utc"], "created_utc")
                # What says that it is of tomorrow must not make everything of today old.
                found.append((things.thing_item(one, now=now), min(at, now).timestamp()))
        except BROKEN as error:
            log.info("a thing of Reddit could not be read: %r", error)
    return found, names


def _explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    if response.status_code in {301, 302, 404}:  # it leads to the search for communities
        return Refused(_("Reddit has no such community, or shows it to nobody."))
    return explain(response, writes=writes)
