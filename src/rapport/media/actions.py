"""Keeping files: what they are is judged by their bytes, never by what a sender says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import filetype
from django.db import connection

from rapport.lib.text import storable
from rapport.networks.base import MediaKind

# Shown in the page; everything else is offered for download only.
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
_TEXT = "text/plain"
_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class NewFile:
    """A file to keep. ``name`` as its sender called it."""

    name: str
    content: bytes
    claimed_type: str = ""


def content_type(content: bytes, *, claimed: str = "") -> str:
    """The kind of file by its first bytes. A claim is believed only where bytes say nothing and it can do
    no harm (plain text)."""
    found = filetype.guess(content)
    if found is not None:
        return str(found.mime)
    if claimed.split(";")[0].strip().lower().startswith("text/") and b"\0" not in content[:4096]:
        return _TEXT
    return _UNKNOWN


def kind_of(mime: str) -> MediaKind:
    """Which kind of media a content type is."""
    if mime in IMAGES:
        return "image"
    if mime.startswith("video/"):
        return "video"
    if mime.startswith("audio/"):
        return "audio"
    return "file"


def keep(*, brand_id: int, files: Sequence[NewFile]) -> list[int]:
    """Store ``files`` for a brand and return their ids, in order. The same bytes and name are kept once."""
    ids: list[int] = []
    with connection.cursor() as cursor:
        for file in files:
            digest = hashlib.sha256(file.content).hexdigest()
            name = storable(file.name.replace("/", "_").replace("\\", "_"), limit=200) or "file"
            cursor.execute(
                """
                INSERT INTO media_storedfile (brand_id, sha256, name, content_type, size, content)
                VALUES (%s, %s, %s, %s, %s, %s)
                ON CONFLICT (brand_id, sha256, name) DO UPDATE SET name = excluded.name RETURNING id
                """,
                [
                    brand_id,
                    digest,
                    name,
                    content_type(file.content, claimed=file.claimed_type),
                    len(file.content),
                    file.content,
                ],
            )
            ids.append(cursor.fetchone()[0])
    return ids
