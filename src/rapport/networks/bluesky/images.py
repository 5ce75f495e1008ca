"""Pictures that go along with a post. https://docs.bsky.app/docs/advanced-guides/posts#images-embeds"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMedia
from rapport.networks.bluesky.xrpc import Pds
from rapport.networks.errors import Refused

MAX_IMAGES = 4
# app.bsky.embed.images#image: "May be up to 2 MB, formerly limited to 1 MB."
MAX_IMAGE_BYTES = 2_000_000


def images_embed(pds: Pds, media: Sequence[OutgoingMedia]) -> dict[str, Any]:
    """Upload them, and what refers to them in the record."""
    if len(media) > MAX_IMAGES:
        raise Refused(_("Bluesky takes %(limit)d pictures in a post.") % {"limit": MAX_IMAGES})
    for one in media:
        if one.kind != "image" or not one.content_type.startswith("image/"):
            raise Refused(_("Rapport sends pictures to Bluesky, no other files."))
        if len(one.content) > MAX_IMAGE_BYTES:
            raise Refused(
                _("The picture %(name)s is larger than %(limit)s.") % {"name": one.name, "limit": "2 MB"}
            )
    images = []
    for one in media:
        image: dict[str, Any] = {"alt": one.alt, "image": pds.upload(one.content, one.content_type)}
        if (size := size_of(one.content)) is not None:
            image["aspectRatio"] = {"width": size[0], "height": size[1]}
        images.append(image)
    return {"$type": "app.bsky.embed.images", "images": images}


def size_of(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, JPEG or WebP in pixels; None when they cannot be told.

    Clients reserve the room for a picture by them; without them it is shown as a square.
    """
    try:
        size = _size_of(content)
    except (struct.error, IndexError):
        return None
    return size if size is not None and min(size) > 0 else None


def _size_of(content: bytes) -> tuple[int, int] | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        width, height = struct.unpack_from(">II", content, 16)
        return width, height
    if content.startswith((b"GIF87a", b"GIF89a")):
        width, height = struct.unpack_from("<HH", content, 6)
        return width, height
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _webp(content)
    return None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # a start of frame
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + int(struct.unpack_from(">H", content, at + 2)[0])
    return None


def _webp(content: bytes) -> tuple[int, int] | None:
    match content[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", content, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", content, 21)
            return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
        case b"VP8X":
            width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
            return width, height
    return None
