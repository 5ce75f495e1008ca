"""Posts and comments of Reddit's communities, asked for by an app, without an account."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rapport.mentions.sources.base import Chunk, Given, SourceKind, Stop, idle
from rapport.mentions.sources.events import heard_in
from rapport.networks.base import Field, RawItem
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.reddit.newest import App, Listing, Round, changes, readable
from rapport.networks.reddit.parse import parse_event

COMMUNITIES_MOST = 50
PACE_S = 15.0
# How often what is known is looked at again for edits and deletions.
AGAIN_S = 600.0
# A list of so many pages at once is read on without a rest, as far as the limit allows.
BUSY_PAGES = 3
# That something was missed is told this often; in between it is read on, or more would be missed.
TOLD_S = 3600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,20}")
_PLACE = re.compile(r"(?:https?://(?:\w+\.)?reddit\.com)?/?(?:r/)?([^/?#\s]+)/?")
# Reddit's own collections of communities; there is no community of such a name to look up.
_ALL = frozenset({"all", "popular"})
_LISTS = {"both": ("new", "comments"), "posts": ("new",), "comments": ("comments",)}


class Reddit(SourceKind):
    """Options: ``subreddits``, ``lists`` (``both``, ``posts``, ``comments``), ``client_id``, ``username``, ``api_url``.
    Secret: ``client_secret``. Cursor: ``lists``, what is known of each (:class:`Listing`), and ``told``, when it was
    last said that something was missed (seconds since 1970)."""

    key = "reddit"
    label = gettext_lazy("Reddit: communities")
    about = gettext_lazy("New posts and comments of the communities you name, or of all of Reddit.")
    network = "reddit"
    fields = (
        Field(
            name="subreddits",
            label=gettext_lazy("Communities"),
            help=gettext_lazy(
                "One a line, up to 50. The name all stands for every community, where more may be said than "
                "Reddit lets an app read: that something was missed is told."
            ),
            kind="lines",
            placeholder="r/travel",
        ),
        Field(
            name="lists",
            label=gettext_lazy("What to read"),
            kind="choice",
            default="both",
            choices=(
                ("both", gettext_lazy("Posts and comments")),
                ("posts", gettext_lazy("Posts only")),
                ("comments", gettext_lazy("Comments only")),
            ),
        ),
        Field(
            name="client_id",
            label=gettext_lazy("The app's id"),
            help=gettext_lazy(
                "Of an app of the kind web app or script, made at reddit.com/prefs/apps: some twenty characters "
                "under its name. Reddit wants to be asked for access first."
            ),
        ),
        Field(name="client_secret", label=gettext_lazy("The app's secret"), kind="secret"),
        Field(
            name="username",
            label=gettext_lazy("Account"),
            help=gettext_lazy("Whose app it is, without u/. Reddit wants to see it in every call."),
        ),
        Field(
            name="api_url",
            label=gettext_lazy("Address of the API"),
            kind="url",
            required=False,
            placeholder="https://oauth.reddit.com",
            help=gettext_lazy("Leave it empty."),
        ),
    )

    def checked(self, given: Given) -> Given:
        names = list(dict.fromkeys(_named(one) for one in given.lines("subreddits")))
        if not names:
            raise Refused(_("Name a community."))
        if len(names) > COMMUNITIES_MOST:
            raise Refused(
                _("Give %(n)d communities at most, and add another source for more.")
                % {"n": COMMUNITIES_MOST}
            )
        app = App(_values(given))
        asked = [one for one in names if one not in _ALL]
        # All of Reddit is still one call, which shows whether the app may read.
        there = {*_ALL, *readable(app, asked or ["announcements"])}
        for one in names:
            if one not in there:
                raise Refused(
                    _("There is no community %(name)s on Reddit, or it is closed.") % {"name": f"r/{one}"}
                )
        options = {**given.options, "subreddits": ["all"] if "all" in names else names}
        return Given(options, given.secrets)

    def named(self, given: Given) -> str:
        names = given.lines("subreddits")
        first = f"r/{names[0]}" if names else str(self.label)
        more = len(names) - 1
        if more < 1:
            return first
        return ngettext("%(name)s and %(n)d more", "%(name)s and %(n)d more", more) % {
            "name": first,
            "n": more,
        }

    def place(self, given: Given) -> str:
        return given.text("api_url")

    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        reading = _Reading(App(_values(given)), given, cursor)
        look = time.monotonic() + AGAIN_S
        while not stop():
            busy = False
            for one in reading.lists:
                pages = yield from reading.read(one, stop)
                if stop():
                    return
                busy = busy or pages >= BUSY_PAGES
            if time.monotonic() >= look:
                for one in reading.lists:
                    yield reading.chunk(changes(reading.app, one))
                    if stop():
                        return
                look = time.monotonic() + AGAIN_S
            pause = reading.app.pause()
            yield from idle(pause if busy else max(PACE_S, pause), reading.cursor(), stop)


class _Reading:
    """The lists of one source, and how far they were read."""

    def __init__(self, app: App, given: Given, cursor: Mapping[str, Any]) -> None:
        self.app = app
        kept, told = cursor.get("lists"), cursor.get("told")
        kept = kept if isinstance(kept, Mapping) else {}
        where = "+".join(given.lines("subreddits"))
        self.lists = [
            Listing.of(f"r/{where}/{one}", kept.get(one))
            for one in _LISTS.get(given.text("lists"), _LISTS["both"])
        ]
        self._told = told if type(told) is int else 0

    def cursor(self) -> dict[str, Any]:
        lists = {one.path.rpartition("/")[2]: one.kept() for one in self.lists}
        return {"lists": lists} | ({"told": self._told} if self._told else {})

    def chunk(self, items: list[RawItem]) -> Chunk:
        return Chunk(heard_in(items, network=Reddit.network, parse=parse_event), self.cursor())

    def read(self, one: Listing, stop: Stop) -> Generator[Chunk, None, int]:
        """One list, down to what is known; returns how many pages that were. Raises TryAgain, after what came, when
        more came than can be read."""
        reading = Round(self.app, one)
        before = self.cursor()
        while not reading.done:
            reading.page()
            if stop():
                return 0
            if not reading.done:
                yield from idle(self.app.pause(), before, stop)
        found = reading.finish()
        now = int(time.time())
        tell = reading.missed and now - self._told >= TOLD_S
        if tell:
            self._told = now
        yield self.chunk(found)
        if tell:
            raise TryAgain(
                _(
                    "More was said in %(list)s than Reddit shows, so some was missed. Name fewer communities, or "
                    "spread them over sources with an app each."
                )
                % {"list": one.path[:100]}
            )
        return reading.pages


def _named(written: str) -> str:
    """A community's name out of a line: ``r/Travel``, its address, or the bare name. Raises Refused."""
    found = _PLACE.fullmatch(written)
    if found is None or not _NAME.fullmatch(found[1]):
        raise Refused(_("%(name)s is not the name of a community.") % {"name": written[:80]})
    return found[1].lower()


def _values(given: Given) -> dict[str, str]:
    return {name: given.text(name) for name in ("client_id", "client_secret", "username", "api_url")}


KINDS: tuple[SourceKind, ...] = (Reddit(),)
