"""Blogs, forums, news alerts: RSS, Atom and JSON feeds, read as the channels of the same name are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy, ngettext

from rapport.mentions.sources.base import Chunk, Given, SourceKind, Stop, idle
from rapport.mentions.sources.events import heard_in
from rapport.networks.base import Account, Field
from rapport.networks.feeds.connector import FeedsConnector
from rapport.networks.feeds.parse import parse_event

PACE_S = 60.0  # what says of itself when it is due is asked then


class Feeds(SourceKind):
    """Options: ``feeds`` (addresses). The cursor is the connector's."""

    key = "feed"
    label = gettext_lazy("Feeds")
    about = gettext_lazy("New entries of blogs, forums and news alerts (RSS, Atom, JSON Feed).")
    network = "feeds"
    fields = (
        Field(
            name="feeds",
            label=gettext_lazy("Addresses"),
            help=gettext_lazy("Of feeds, or of pages that name theirs. One a line."),
            kind="lines",
            placeholder="https://blog.example/feed",
        ),
    )

    def checked(self, given: Given) -> Given:
        # A page's address becomes that of the feed it names, and what is no feed is refused.
        profile = _connector(given).check()
        return Given({**given.options, "feeds": list(profile.settings["feeds"])}, given.secrets)

    def named(self, given: Given) -> str:
        found = given.lines("feeds")
        host = urlsplit(found[0]).hostname or found[0] if found else str(self.label)
        if len(found) < 2:
            return host
        more = len(found) - 1
        return ngettext("%(name)s and %(n)d more", "%(name)s and %(n)d more", more) % {
            "name": host,
            "n": more,
        }

    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        connector = _connector(given)
        at: Mapping[str, Any] = cursor
        while not stop():
            polled = connector.poll(at)
            at = polled.cursor
            yield Chunk(heard_in(polled.items, network=self.network, parse=parse_event), dict(at))
            if not polled.more:
                pause = polled.next_after.total_seconds() if polled.next_after is not None else PACE_S
                yield from idle(pause, at, stop)


def _connector(given: Given) -> FeedsConnector:
    return FeedsConnector(
        Account(external_id="", handle="", credentials={}, settings={"feeds": given.lines("feeds")})
    )


KINDS: tuple[SourceKind, ...] = (Feeds(),)
