"""Pictures by their bytes: what is drawn stays, what a camera wrote beside it goes."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.media.pictures import read_picture

# One grey point each, as encoders write them.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////"
    "////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8A"
    "f//Z"
)
WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
SECRET = b"lat=45.8 lon=15.9"


def png(width: int = 40, height: int = 30, remark: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\x80" * width for _row in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + (chunk(b"tEXt", remark) if remark else b"")
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def with_exif(jpeg: bytes) -> bytes:
    body = b"Exif\0\0" + SECRET
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def with_xmp(webp: bytes) -> bytes:
    body = SECRET + b"\0" * (len(SECRET) % 2)
    inner = webp[8:] + struct.pack("<4sI", b"XMP ", len(SECRET)) + body
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def test_a_png_keeps_its_sides_and_loses_its_remarks() -> None:
    read = read_picture(png(remark=b"Comment\0" + SECRET))
    assert read is not None
    assert (read.content_type, read.width, read.height) == ("image/png", 40, 30)
    assert read.content == png()


def test_a_jpeg_keeps_its_sides_and_loses_its_place() -> None:
    read = read_picture(with_exif(JPEG) + SECRET)
    assert read is not None
    assert (read.content_type, read.width, read.height) == ("image/jpeg", 1, 1)
    assert read.content == JPEG


def test_a_webp_keeps_its_sides_and_loses_its_remarks() -> None:
    read = read_picture(with_xmp(WEBP))
    assert read is not None
    assert (read.content_type, read.width, read.height) == ("image/webp", 1, 1)
    assert SECRET not in read.content


@pytest.mark.parametrize("whole", [png(), JPEG, WEBP])
def test_half_a_picture_is_none_and_no_error(whole: bytes) -> None:
    for end in range(len(whole) - 1):
        half = read_picture(whole[:end])
        assert half is None or len(half.content) <= end + 1


@given(
    st.binary(max_size=400),
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b""]),
)
def test_nothing_that_is_sent_is_an_error_of_ours(body: bytes, start: bytes) -> None:
    read = read_picture(start + body)
    assert read is None or (read.width > 0 and read.height > 0)


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"GIF89a" + b"\0" * 50, b"%PDF-1.7"])
def test_what_is_no_picture_of_these_kinds_is_refused(content: bytes) -> None:
    assert read_picture(content) is None
