"""All of Bluesky's public posts: by Jetstream, or by the firehose itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rapport.mentions.sources.base import Chunk, Given, SourceKind, Stop
from rapport.mentions.sources.events import heard_in
from rapport.networks.base import Field, RawItem
from rapport.networks.bluesky import listen
from rapport.networks.bluesky.parse import parse_event
from rapport.networks.errors import Refused


class Jetstream(SourceKind):
    """Options: ``url``. Cursor: ``position``, and ``of``, whose it is."""

    key = "jetstream"
    label = gettext_lazy("Bluesky: Jetstream")
    about = gettext_lazy("Every public post of Bluesky, as a server that keeps them small sends them.")
    network = "bluesky"
    fields = (
        Field(
            name="url",
            label=gettext_lazy("Address"),
            help=gettext_lazy("One of Bluesky's own servers, or yours."),
            default="wss://jetstream2.us-east.bsky.network/subscribe",
        ),
    )

    def checked(self, given: Given) -> Given:
        url = given.text("url")
        try:
            parts = urlsplit(url)
            fine = parts.scheme in {"ws", "wss"} and bool(parts.hostname)
        except ValueError:
            fine = False
        if not fine:
            raise Refused(_("The stream's address must begin with wss://."))
        if parts.path.endswith(listen.FIREHOSE) != (self.key == "firehose"):
            raise Refused(self._path_words())
        return Given({**given.options, "url": url}, given.secrets)

    def named(self, given: Given) -> str:
        return urlsplit(given.text("url")).hostname or given.text("url")

    def _path_words(self) -> str:
        return _("This is the address of a firehose. Choose Bluesky: firehose for it.")

    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        url = given.text("url")
        place = listen.place_of(url)
        position = cursor.get("position") if cursor.get("of") == place else None
        for found in listen.posts(url, position if type(position) is int else None, stop):
            items = [RawItem(kind="commit", payload={"event": one, "author": None}) for one in found.events]
            kept = {} if found.position is None else {"position": found.position, "of": place}
            yield Chunk(heard_in(items, network=self.network, parse=parse_event), kept)


class Firehose(Jetstream):
    """The same from the network's own stream, for who trusts nobody in between."""

    key = "firehose"
    label = gettext_lazy("Bluesky: firehose")
    about = gettext_lazy(
        "Every public post of Bluesky from its own stream: the same posts, far more to read."
    )
    fields = (
        Field(
            name="url",
            label=gettext_lazy("Address"),
            help=gettext_lazy("Of a relay, or of a server of your own."),
            default=f"wss://bsky.network/xrpc/{listen.FIREHOSE}",
        ),
    )

    def _path_words(self) -> str:
        return _("The address of a firehose ends in %(end)s.") % {"end": f"/xrpc/{listen.FIREHOSE}"}


KINDS: tuple[SourceKind, ...] = (Jetstream(), Firehose())
