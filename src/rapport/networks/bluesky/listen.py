"""Posts of the whole network as they are made: from Jetstream, or from the firehose itself.

Both give the events of Jetstream's form: ``{"did", "time_us", "kind": "commit", "commit": {"operation",
"collection", "rkey", "record", "cid"}}``. Jetstream is JSON and filtered by its server; the firehose is for
who trusts nobody or runs a server of their own. https://github.com/bluesky-social/jetstream and
https://atproto.com/specs/event-stream
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed

from rapport.networks.bluesky import cbor
from rapport.networks.bluesky.reading import items, mapping, text
from rapport.networks.bluesky.recordkeys import POST
from rapport.networks.bluesky.sockets import opened

logger = logging.getLogger(__name__)

FIREHOSE = "com.atproto.sync.subscribeRepos"
JETSTREAM = "jetstream"
BATCH = 500
BATCH_S = 2.0
SOON_S = 0.2  # what has come waits no longer for what may follow
# Positions are times, and two instances differ a little: going back some seconds leaves no gap.
OVERLAP_US = 5_000_000
_LONGEST_JSON = 2_000_000
_LONGEST_FRAME = 8_000_000  # the firehose's own limit is 5 MB
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Heard:
    """Events in their order, possibly none, and the position to go on from; None before the first."""

    events: list[Mapping[str, Any]]
    position: int | None


class UnknownPosition(Exception):
    """The firehose has not come so far: its server was set up anew, or restored."""


Read = Callable[[str | bytes], tuple[list[Mapping[str, Any]], int | None]]


def place_of(url: str) -> str:
    """Whose positions those of ``url`` are: all Jetstreams have the same, each firehose its own."""
    return url if urlsplit(url).path.endswith(FIREHOSE) else JETSTREAM


def posts(url: str, position: int | None, stop: Callable[[], bool]) -> Iterator[Heard]:
    """What is posted and deleted, from ``position`` on (None: from now), until ``stop()`` or the connection ends.

    ``url`` is a Jetstream's ``/subscribe`` or a firehose's ``/xrpc/com.atproto.sync.subscribeRepos``; their
    positions are not interchangeable. A position that the firehose does not know is given up: the next is None.
    Yields every two seconds at least. Raises Refused and TryAgain.
    """
    if urlsplit(url).path.endswith(FIREHOSE):
        address = _with(url, [("cursor", str(position))] if position is not None else [])
        yield from _read(address, position, stop, from_frame, _LONGEST_FRAME)
    else:
        wanted = [("wantedCollections", POST)]
        if position is not None:
            wanted.append(("cursor", str(max(position - OVERLAP_US, 0))))
        yield from _read(_with(url, wanted), position, stop, from_jetstream, _LONGEST_JSON)


def from_jetstream(said: str | bytes) -> tuple[list[Mapping[str, Any]], int | None]:
    """Events and the position in one message of Jetstream. Raises ValueError, KeyError or TypeError."""
    event = mapping(json.loads(said), "the event")
    at = event["time_us"]
    if type(at) is not int:
        raise TypeError("time_us is not a number")
    if event.get("kind") != "commit" or mapping(event["commit"], "commit").get("collection") != POST:
        return [], at
    return [event], at


def from_frame(said: str | bytes) -> tuple[list[Mapping[str, Any]], int | None]:
    """Events and the position in one frame of the firehose. Raises ValueError, KeyError or TypeError, and
    :class:`UnknownPosition`.

    An error frame ends the connection anyway; its position is None.
    """
    frame = said.encode() if isinstance(said, str) else said
    header, at = cbor.raw_map(frame)
    body, _end = cbor.raw_map(frame, at)
    if header.get("op") != 1:
        if body.get("error") == "FutureCursor":
            raise UnknownPosition
        logger.warning("the firehose ends: %s", str(body.get("error"))[:80])
        return [], None
    sequence = body.get("seq")
    position = sequence if type(sequence) is int else None
    if header.get("t") != "#commit":
        return [], position
    operations = [one for one in items(body, "ops", 1000) if str(one.get("path", "")).startswith(f"{POST}/")]
    if not operations:
        return [], position
    found = cbor.blocks(body["blocks"])
    micros = _micros(datetime.fromisoformat(text(body, "time")))
    return [_event(one, text(body, "repo"), micros, found) for one in operations], position


def _event(
    operation: Mapping[str, Any], repo: str, micros: int, found: Mapping[str, bytes]
) -> Mapping[str, Any]:
    commit: dict[str, Any] = {
        "operation": text(operation, "action"),
        "collection": POST,
        "rkey": text(operation, "path").partition("/")[2],
    }
    if operation.get("cid") is not None:
        cid = text(mapping(operation["cid"], "cid"), "$link")
        commit |= {"cid": cid, "record": cbor.decode(found[cid])}
    return {"did": repo, "time_us": micros, "kind": "commit", "commit": commit}


def _read(
    url: str, position: int | None, stop: Callable[[], bool], read: Read, longest: int
) -> Iterator[Heard]:
    with opened(url, longest=longest) as connection:
        while not stop():
            events: list[Mapping[str, Any]] = []
            until = time.monotonic() + BATCH_S
            while (left := until - time.monotonic()) > 0 and len(events) < BATCH:
                try:
                    found, at = read(connection.recv(timeout=left))
                except TimeoutError:
                    break
                except ConnectionClosed:
                    yield Heard(events, position)
                    return
                except UnknownPosition:
                    logger.warning("the firehose does not know its position any more; it is read from now on")
                    yield Heard(events, None)
                    return
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    # Anybody can put anything into the network; a broken record is no reason to stop.
                    logger.warning("a message of the stream could not be read: %r", error)
                    continue
                events += found
                position = position if at is None else max(at, position or 0)
                if events:
                    until = min(until, time.monotonic() + SOON_S)
            yield Heard(events, position)


def _with(url: str, parameters: list[tuple[str, str]]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(parse_qsl(parts.query) + parameters)))


def _micros(at: datetime) -> int:
    found = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int((found - _EPOCH).total_seconds() * 1_000_000)
