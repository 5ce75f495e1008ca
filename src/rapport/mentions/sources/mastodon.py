"""What a Mastodon server shows everybody: its public timelines and hashtags, asked in turn.

Ids are that server's own, so a post can be answered by a channel on the same server.
https://docs.joinmastodon.org/methods/timelines/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rapport.mentions.sources.base import Chunk, Given, SourceKind, Stop, idle
from rapport.mentions.sources.events import heard_in
from rapport.networks.base import Field
from rapport.networks.errors import Refused
from rapport.networks.mastodon import items
from rapport.networks.mastodon.api import Mastodon, Page, normalised
from rapport.networks.mastodon.parse import parse_event

PAGE = 40
PAGES = 5  # of one list in one round
TAGS_MOST = 20
# Posts that stand in several lists are heard once; more than the lists can hold between two rounds.
REMEMBERED = 400
PACE_S = 15.0
# 300 calls in five minutes are allowed, and somebody else may call from this address too.
CALL_S = 1.5
_TAG = re.compile(r"\w{1,100}")


class MastodonTimelines(SourceKind):
    """Options: ``server``, ``timeline`` (``local``, ``federated``, ``none``), ``hashtags``. Secret: ``token``.

    Cursor: ``lists`` (the newest id by list) and ``seen`` (keys of posts heard).
    """

    key = "mastodon"
    label = gettext_lazy("Mastodon: timelines and hashtags")
    about = gettext_lazy("What a server shows in public, as far as it knows the network.")
    network = "mastodon"
    fields = (
        Field(
            name="server",
            label=gettext_lazy("Server"),
            help=gettext_lazy(
                "Take the server of your own account: only there can what is heard be answered."
            ),
            placeholder="mastodon.example",
        ),
        Field(
            name="timeline",
            label=gettext_lazy("Timeline"),
            kind="choice",
            default="federated",
            choices=(
                ("federated", gettext_lazy("All the server knows")),
                ("local", gettext_lazy("Posts of its own people")),
                ("none", gettext_lazy("None, hashtags only")),
            ),
        ),
        Field(
            name="hashtags",
            label=gettext_lazy("Hashtags"),
            help=gettext_lazy("One a line, up to 20."),
            kind="lines",
            required=False,
        ),
        Field(
            name="token",
            label=gettext_lazy("Access token"),
            help=gettext_lazy("Only for servers that show their timelines to members alone."),
            kind="secret",
            required=False,
        ),
    )

    def checked(self, given: Given) -> Given:
        server = normalised(given.text("server"))
        tags = list(dict.fromkeys(one.removeprefix("#").lower() for one in given.lines("hashtags")))
        for tag in tags:
            if not _TAG.fullmatch(tag):
                raise Refused(_("%(tag)s is not a hashtag.") % {"tag": f"#{tag[:80]}"})
        if len(tags) > TAGS_MOST:
            raise Refused(
                _("Give %(n)d hashtags at most, and add another source for more.") % {"n": TAGS_MOST}
            )
        options = {**given.options, "server": server, "hashtags": tags}
        kept = Given(options, given.secrets)
        if not _lists(kept):
            raise Refused(_("Choose a timeline, or give a hashtag."))
        return kept

    def named(self, given: Given) -> str:
        return given.text("server").partition("://")[2]

    def place(self, given: Given) -> str:
        return normalised(given.text("server"))

    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        api = Mastodon(normalised(given.text("server")), given.text("token"))
        lists = _lists(given)
        reading = _Reading(api, cursor, lists)
        while not stop():
            behind = False
            for path, params in lists.items():
                found, more = reading.new(path, params)
                behind = behind or more
                heard = heard_in(found, network=self.network, parse=parse_event)
                yield Chunk([replace(one, server=given.text("server")) for one in heard], reading.cursor())
                if stop():
                    return
            if not behind:
                pace = max(PACE_S, CALL_S * len(lists)) * (1 if api.spare > 0.3 else 4)
                yield from idle(pace, reading.cursor(), stop)


class _Reading:
    """How far each list was read, and which posts were heard lately."""

    def __init__(self, api: Mastodon, cursor: Mapping[str, Any], lists: Mapping[str, Any]) -> None:
        self._api = api
        known, seen = cursor.get("lists"), cursor.get("seen")
        kept = known if isinstance(known, Mapping) else {}
        self._last = {path: str(kept[path]) for path in lists if kept.get(path)}
        self._seen = dict.fromkeys(str(one) for one in (seen if isinstance(seen, list) else []))

    def cursor(self) -> dict[str, Any]:
        return {"lists": dict(self._last), "seen": list(self._seen)}

    def new(self, path: str, params: Mapping[str, Any]) -> tuple[list[Any], bool]:
        """Raw events that are new in a list, oldest first, and whether there may be more at once."""
        pages: list[Page] = []
        for _page in range(PAGES):
            last = self._last.get(path)
            page = self._api.page(path, {**params, **({"min_id": last} if last else {})})
            newest = page.newer or (items.text_id(page.items[0]) if page.items else "")
            if not page.items or not newest or newest == last:
                break
            pages.append(page)
            self._last[path] = newest
            if last is None or len(page.items) < params["limit"]:
                break
        found = [items.from_status(one) for page in pages for one in reversed(page.items)]
        new = [item for item in found if self._is_new(item.dedupe_key())]
        return new, len(pages) == PAGES

    def _is_new(self, key: str) -> bool:
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True


def _lists(given: Given) -> dict[str, dict[str, Any]]:
    """Parameters by path."""
    found: dict[str, dict[str, Any]] = {}
    timeline = given.text("timeline")
    if timeline in {"local", "federated"}:
        found["/api/v1/timelines/public"] = {"limit": PAGE} | (
            {"local": "true"} if timeline == "local" else {}
        )
    for tag in given.lines("hashtags")[:TAGS_MOST]:
        found[f"/api/v1/timelines/tag/{quote(tag, safe='')}"] = {"limit": PAGE}
    return found


KINDS: tuple[SourceKind, ...] = (MastodonTimelines(),)
