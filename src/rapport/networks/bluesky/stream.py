"""The account's own stream: what concerns it, picked from a Jetstream's or a firehose's posts of the whole network.

Likes and reposts are left to polling, which also finds again whatever a stream lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Polled, RawItem
from rapport.networks.bluesky import listen
from rapport.networks.bluesky.embeds import quoted
from rapport.networks.bluesky.reading import items, text_or_empty, within_or_empty
from rapport.networks.bluesky.recordkeys import POST, owner, uri_of
from rapport.networks.bluesky.richtext import mentions
from rapport.networks.bluesky.xrpc import Pds
from rapport.networks.errors import NetworkError, Refused

logger = logging.getLogger(__name__)

_REMEMBERED = 5000  # posts whose deletion is told
_PROFILES = 25  # app.bsky.actor.getProfiles


def stream(pds: Pds, url: str, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
    """What concerns the account, as it happens. The cursor: ``position``, and ``of``, whose it is.

    A position is a time for every Jetstream, and a number of its own for each firehose: after another address was
    entered it means nothing, and the stream begins now. Polling finds what was said meanwhile.
    """
    if not url:
        raise Refused(_("No Jetstream address is set for this channel; it is polled."))
    place = listen.place_of(url)
    position = cursor.get("position") if cursor.get("of", listen.JETSTREAM) == place else None
    known: dict[str, None] = {}
    for heard in listen.posts(url, position if type(position) is int else None, stop):
        ours = [one for one in heard.events if _concerns(one, pds.did, known)]
        profiles = _profiles(pds, [str(one["did"]) for one in ours if _operation(one) == "create"])
        kept = {} if heard.position is None else {"position": heard.position, "of": place}
        yield Polled(items=[_item(one, profiles.get(str(one["did"]))) for one in ours], cursor=kept)


def _concerns(event: Mapping[str, Any], did: str, known: dict[str, None]) -> bool:
    """Whether it speaks to the account, is its own, or takes back something that did."""
    uri, operation = _uri(event), _operation(event)
    if operation == "delete":
        return uri in known or event.get("did") == did
    record = within_or_empty(within_or_empty(event, "commit"), "record")
    reply = within_or_empty(record, "reply")
    concerned = operation == "create" and (
        event.get("did") == did
        or any(
            owner(text_or_empty(within_or_empty(reply, part), "uri", 300)) == did
            for part in ("parent", "root")
        )
        or did in mentions(record.get("facets"))
        or owner(quoted(within_or_empty(record, "embed"))) == did
    )
    if concerned:
        known[uri] = None
        if len(known) > _REMEMBERED:
            del known[next(iter(known))]
    return concerned


def _profiles(pds: Pds, dids: list[str]) -> dict[str, Mapping[str, Any]]:
    """Names and handles, which the stream does not tell; without them an author is only a DID."""
    found: dict[str, Mapping[str, Any]] = {}
    wanted = sorted(set(dids))
    try:
        for start in range(0, len(wanted), _PROFILES):
            some = wanted[start : start + _PROFILES]
            answer = pds.get("app.bsky.actor.getProfiles", [("actors", one) for one in some])
            found |= {text_or_empty(one, "did"): one for one in items(answer, "profiles", _PROFILES)}
    except NetworkError as error:
        logger.warning("Bluesky's profiles cannot be read now: %s", error)
    return found


def _item(event: Mapping[str, Any], author: Mapping[str, Any] | None) -> RawItem:
    name = "gone" if _operation(event) == "delete" else "post"
    return RawItem(kind="commit", payload={"event": event, "author": author}, key=f"{name}:{_uri(event)}")


def _operation(event: Mapping[str, Any]) -> str:
    return text_or_empty(within_or_empty(event, "commit"), "operation")


def _uri(event: Mapping[str, Any]) -> str:
    return uri_of(str(event.get("did")), POST, text_or_empty(within_or_empty(event, "commit"), "rkey"))
