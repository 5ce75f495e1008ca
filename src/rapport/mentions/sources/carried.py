"""Posts on their way through a stream between processes: bundles of JSON that are the same for the same posts."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from rapport.listening.post import Post
from rapport.mentions.hearing import Heard

log = logging.getLogger(__name__)

# Bytes of a bundle of several posts; NATS takes messages of 1 MB unless told otherwise.
LARGEST = 500_000
# Bytes of a bundle of one post that is longer.
MOST = 1_000_000
_POST_TIMES = ("created_at",)
_LISTS = ("mentions", "tags", "links", "media")
_POST_FIELDS = tuple(one.name for one in fields(Post))
_HEARD_FIELDS = tuple(one.name for one in fields(Heard) if one.name != "post")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some posts of one source and one partition. ``key``: deterministic, so that one sent twice is kept once."""

    partition: int
    key: str
    body: bytes


def partition_of(heard: Heard, partitions: int) -> int:
    """The same for everything about one post, so that its edits and its deletion stay behind it."""
    name = f"{heard.post.network}\n{heard.post.id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=4).digest(), "big") % partitions


def bundles(source_id: int, heard: Sequence[Heard], *, partitions: int, most: int = MOST) -> Iterator[Bundle]:
    """The posts in their order within each partition, in bundles of ``most`` bytes at most.

    A post that alone is longer can never arrive: it is left out and named in the log, and stops nothing.
    """
    head = len(str(source_id)) + 1
    apart: dict[int, list[bytes]] = {}
    for one in heard:
        # As they are, not escaped: an emoji is 4 bytes so, and 12 otherwise.
        packed = json.dumps(_packed(one), ensure_ascii=False, separators=(",", ":"))
        line = packed.encode("utf-8", "surrogatepass")
        if head + len(line) > most:
            log.error("post %s of %s is too long to hand on", one.post.id[:200], one.post.network)
            continue
        apart.setdefault(partition_of(one, partitions), []).append(line)
    for partition, lines in apart.items():
        some: list[bytes] = []
        size = head
        for line in lines:
            if some and size + len(line) > min(LARGEST, most):
                yield _bundle(source_id, partition, some)
                some, size = [], head
            some.append(line)
            size += len(line) + 1
        yield _bundle(source_id, partition, some)


def _bundle(source_id: int, partition: int, lines: list[bytes]) -> Bundle:
    body = b"\n".join([str(source_id).encode(), *lines])
    return Bundle(partition, hashlib.blake2b(body, digest_size=16).hexdigest(), body)


def opened(body: bytes) -> tuple[int, list[Heard]]:
    """The source and the posts of a bundle. Raises ValueError, KeyError or TypeError for anything else."""
    first, *lines = body.split(b"\n")
    return int(first), [_unpacked(json.loads(line)) for line in lines]


def _packed(heard: Heard) -> dict[str, Any]:
    post = {name: value for name in _POST_FIELDS if (value := getattr(heard.post, name)) not in (None, ())}
    if heard.post.media == ():
        post["media"] = []  # none, which is not "not known"
    more = {name: value for name in _HEARD_FIELDS if (value := getattr(heard, name))}
    return {"post": {name: _plain(value) for name, value in post.items()}} | {
        name: _plain(value) for name, value in more.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _unpacked(found: dict[str, Any]) -> Heard:
    post = dict(found.pop("post"))
    for name in _POST_TIMES:
        if name in post:
            post[name] = datetime.fromisoformat(post[name])
    for name in _LISTS:
        if name in post:
            post[name] = tuple(post[name])
    if "edited_at" in found:
        found["edited_at"] = datetime.fromisoformat(found["edited_at"])
    return Heard(post=Post(**post), **found)
