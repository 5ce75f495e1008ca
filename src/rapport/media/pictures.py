"""Pictures of people: what they are, how large, and their bytes without what a camera wrote beside them.

Headers are read here, nothing is decoded: a picture is drawn by browsers alone, under a policy that runs
nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_PNG = b"\x89PNG\r\n\x1a\n"
# Everything else in a PNG (texts, times, places) is left out.
_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP"}
)
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# What colours need. The other application segments hold EXIF, XMP, a second picture and the like.
_JPEG_APPS_KEPT = {0xE0: b"JFIF", 0xE2: b"ICC_PROFILE", 0xEE: b"Adobe"}


@dataclass(frozen=True)
class ReadPicture:
    """Sides in pixels."""

    content_type: str
    width: int
    height: int
    content: bytes = field(repr=False)


def read_picture(content: bytes) -> ReadPicture | None:
    """A PNG, JPEG or WebP picture without its remarks; None for anything else, and for a broken one."""
    try:
        if content.startswith(_PNG):
            return _png(content)
        if content.startswith(b"\xff\xd8\xff"):
            return _jpeg(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return _webp(content)
    except (struct.error, IndexError):
        return None
    return None


def _png(content: bytes) -> ReadPicture | None:
    kept, at, size = [_PNG], len(_PNG), (0, 0)
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if end > len(content):
            return None
        if kind == b"IHDR":
            size = struct.unpack_from(">II", content, at + 8)
        if kind in _PNG_KEPT:
            kept.append(content[at:end])
        at = end
        if kind == b"IEND":
            return ReadPicture("image/png", *size, b"".join(kept)) if all(size) else None
    return None


def _jpeg(content: bytes) -> ReadPicture | None:
    kept, at, size = [content[:2]], 2, (0, 0)
    while True:
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # fill before a marker
            at += 1
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(content):
            return None
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            size = (width, height)
        if marker == 0xDA:  # from here on it is the picture itself
            last = content.rfind(b"\xff\xd9")
            if last < end or not all(size):
                return None
            kept.append(content[at : last + 2])
            return ReadPicture("image/jpeg", *size, b"".join(kept))
        if not _is_remark(marker, content[at + 4 : end]):
            kept.append(content[at:end])
        at = end


def _is_remark(marker: int, body: bytes) -> bool:
    if 0xE0 <= marker <= 0xEF:
        wanted = _JPEG_APPS_KEPT.get(marker)
        return wanted is None or not body.startswith(wanted)
    return marker == 0xFE


def _webp(content: bytes) -> ReadPicture | None:
    kept, at, size = [], 12, (0, 0)
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length + length % 2
        if at + 8 + length > len(content):
            return None
        body = content[at + 8 : at + 8 + length]
        if kind == b"VP8X":
            wide, high = (int.from_bytes(body[i : i + 3], "little") + 1 for i in (4, 7))
            size = (wide, high)
            body = bytes([body[0] & ~0b1100]) + body[1:]  # it has neither EXIF nor XMP now
        elif kind == b"VP8 " and not all(size):
            wide, high = struct.unpack_from("<HH", body, 6)
            size = (wide & 0x3FFF, high & 0x3FFF)
        elif kind == b"VP8L" and not all(size):
            bits = int.from_bytes(body[1:5], "little")
            size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        if kind not in {b"EXIF", b"XMP "}:
            kept.append(struct.pack("<4sI", kind, length) + body + b"\0" * (length % 2))
        at = end
    if not all(size):
        return None
    inner = b"WEBP" + b"".join(kept)
    return ReadPicture("image/webp", *size, b"RIFF" + struct.pack("<I", len(inner)) + inner)
