"""``rapport listen --from FILE``: a file's posts are heard like a stream's. Imported once Django is set up."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from django.db import DatabaseError, InterfaceError, connection, transaction

from rapport.cli.query_posts import BadLine, form_of, posts
from rapport.imports.lines import Line, Lines
from rapport.ingest.clean import MAX_TEXT
from rapport.ingest.readers import Lease, hold
from rapport.lib.text import storable
from rapport.listening.post import Post
from rapport.mentions.hearing import Heard
from rapport.mentions.listeners import Sharing, claim_sources, give_back, store
from rapport.mentions.models import Source
from rapport.mentions.sources.base import Chunk, NotShared

BATCH = 1000
STDIN = "-"
_HEAD = 65_536


class Busy(Exception):
    """Another process reads this file now."""


@dataclass
class Told:
    """How far it is. ``offset``: bytes of the file; ``matched``: those that were stored."""

    resumed_at: int = 0
    offset: int = 0
    posts: int = 0
    bad: int = 0


def listen_to(
    file: BinaryIO,
    path: str,
    *,
    network: str,
    sharing: Sharing | None,
    bad: Callable[[BadLine], None],
    progress: Callable[[Told], None],
) -> tuple[Told, int]:
    """Hear every post of ``file`` after those that were heard of it before. Returns that and the source's number.

    ``path``: its whole name, or :data:`STDIN`, of which nothing is known from before. Raises :class:`Busy`.
    """
    source = _source(path)
    leases = claim_sources(limit=1, source_id=source.id)
    if not leases:
        raise Busy(source.name)
    (lease,) = leases
    told = Told()
    try:
        source.refresh_from_db(fields=["cursor"])
        cursor = _begun(file, source.cursor) if path != STDIN else {}
        told.resumed_at = told.offset = int(cursor.get("offset", 0))
        for chunk, some, wrong in _chunks(file, cursor, network=network):
            for one in wrong:
                bad(one)
            _kept(lease, chunk, sharing)
            told.posts, told.bad = told.posts + some, told.bad + len(wrong)
            told.offset = int(chunk.cursor["offset"])
            progress(told)
    finally:
        give_back(lease)
    return told, source.id


def _source(path: str) -> Source:
    """The row of this file, made when it is read for the first time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"listen {path}"])
        name = storable(Path(path).name if path != STDIN else "standard input", limit=80)
        found = Source.objects.filter(kind="file", options__path=path, deleted_at=None).first()
        return found or Source.objects.create(kind="file", name=name, options={"path": path})


def _begun(file: BinaryIO, cursor: dict[str, Any]) -> dict[str, Any]:
    """The cursor, if the file still begins as it did; another file of the same name is read from its beginning."""
    head = file.read(int(cursor.get("head", 0)))
    known = bool(head) and _digest(head) == cursor.get("digest")
    file.seek(0)
    if known and len(head) >= min(_HEAD, int(cursor["offset"])):
        return cursor
    head = file.read(_HEAD)
    file.seek(0)
    return {"offset": 0, "line": 0, "head": len(head), "digest": _digest(head)}


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()


def _chunks(
    file: BinaryIO, cursor: dict[str, Any], *, network: str
) -> Iterator[tuple[Chunk, int, list[BadLine]]]:
    """Batches with the cursor behind them, how many posts they are, and the lines before it that are none."""
    start = int(cursor.get("offset", 0))
    header = file.readline(100_000) if start else b""
    if start:
        file.seek(start)
    lines = Lines(file, before=int(cursor.get("line", 0)))
    first = header.decode("utf-8-sig", "surrogateescape")
    if start and form_of(first)[0]:
        lines.give_back([Line(1, first)])
    heard: list[Heard] = []
    wrong: list[BadLine] = []
    for one in chain(posts(lines), [None]):
        if isinstance(one, BadLine):
            wrong.append(one)
        elif one is not None:
            heard.append(Heard(post=_fit(one, network)))
        if one is None or (len(heard) >= BATCH and lines.settled):
            at = {**cursor, "offset": start + lines.bytes_read, "line": lines.number}
            yield Chunk(heard, at), len(heard), wrong
            heard, wrong = [], []


def _fit(post: Post, network: str) -> Post:
    """As it can be kept; what the file does not say of the network is ``network``."""
    return replace(
        post,
        id=storable(post.id, limit=500),
        text=storable(post.text, limit=MAX_TEXT),
        title=storable(post.title, limit=1000) if post.title else None,
        author=storable(post.author, limit=200) if post.author else None,
        author_name=storable(post.author_name, limit=200) if post.author_name else None,
        lang=storable(post.lang, limit=16) if post.lang else None,
        url=storable(post.url, limit=1000) if post.url else None,
        network=storable(post.network or network, limit=40),
    )


def _kept(lease: Lease, chunk: Chunk, sharing: Sharing | None) -> None:
    shared = sharing is not None and bool(chunk.heard)
    never = threading.Event()
    if sharing is not None and shared:
        hold(partial(sharing.publish, lease.of, chunk.heard), (NotShared,), never)

    def stored() -> bool:
        try:
            return store(lease, chunk, well=True, shared=shared)
        except (DatabaseError, InterfaceError):
            connection.close()
            raise

    if not hold(stored, (DatabaseError, InterfaceError), never):
        raise Busy("")
