"""DAG-CBOR and CAR, as the firehose sends them: only what AT Protocol uses, and bounded. Pure.

https://ipld.io/specs/codecs/dag-cbor/spec/, https://ipld.io/specs/transport/car/carv1/ and
https://atproto.com/specs/data-model. Values come out as the JSON of AT Protocol: a link is
``{"$link": <its text>}``, bytes are ``{"$bytes": <base64>}``; :func:`raw_map` leaves bytes as they are.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

_DEEPEST = 64
_TAG_LINK = 42
_SHA2_256 = 0x12


def decode(data: bytes) -> Any:
    """The one value in ``data``. Raises ValueError for anything else."""
    value, at = _value(data, 0, 0, _as_json)
    if at != len(data):
        raise ValueError("something follows the value")
    return value


def raw_map(data: bytes, at: int = 0) -> tuple[dict[str, Any], int]:
    """A map that begins at ``at``, with bytes as bytes, and where it ends. Raises ValueError."""
    value, end = _value(data, at, 0, bytes)
    if not isinstance(value, dict):
        raise ValueError("not a map")
    return value, end


def blocks(car: bytes) -> dict[str, bytes]:
    """The blocks of a CAR file by the text of their links. Raises ValueError, also for a wrong hash."""
    length, at = _varint(car, 0)
    header, _end = raw_map(car[at : at + length])
    if header.get("version") != 1:
        raise ValueError("not a CAR of version 1")
    return dict(_sections(car, at + length))


def _sections(car: bytes, at: int) -> Iterator[tuple[str, bytes]]:
    while at < len(car):
        length, at = _varint(car, at)
        end = at + length
        if length == 0 or end > len(car):
            raise ValueError("a block that is cut off")
        cid_end = _cid_end(car, at)
        if cid_end > end:
            raise ValueError("a link longer than its block")
        cid, block = car[at:cid_end], car[cid_end:end]
        if hashlib.sha256(block).digest() != cid[-32:]:
            raise ValueError("a block that is not what its link says")
        yield _link_text(cid), block
        at = end


def _cid_end(data: bytes, at: int) -> int:
    """Where the CID (version 1, SHA-256) that begins at ``at`` ends."""
    version, at = _varint(data, at)
    _codec, at = _varint(data, at)
    kind, at = _varint(data, at)
    length, at = _varint(data, at)
    if (version, kind, length) != (1, _SHA2_256, 32):
        raise ValueError("a link of another kind")
    return at + length


def _value(data: bytes, at: int, depth: int, keep: Callable[[bytes], Any]) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if at >= len(data):
        raise ValueError("cut off")
    major, minor = data[at] >> 5, data[at] & 31
    if major == 7:
        return _simple(data, at, minor)
    number, at = _argument(data, at + 1, minor)
    match major:
        case 0:
            return number, at
        case 1:
            return -1 - number, at
        case 2:
            return keep(_slice(data, at, number)), at + number
        case 3:
            return _slice(data, at, number).decode("utf-8"), at + number  # UnicodeDecodeError is a ValueError
        case 4:
            return _array(data, at, number, depth, keep)
        case 5:
            return _map(data, at, number, depth, keep)
    if number != _TAG_LINK:
        raise ValueError("an unknown tag")
    link, at = _value(data, at, depth + 1, bytes)
    if not isinstance(link, bytes) or link[:1] != b"\0" or len(link) < 2:
        raise ValueError("not a link")
    return {"$link": _link_text(link[1:])}, at


def _array(
    data: bytes, at: int, number: int, depth: int, keep: Callable[[bytes], Any]
) -> tuple[list[Any], int]:
    if number > len(data) - at:
        raise ValueError("cut off")
    found = []
    for _index in range(number):
        value, at = _value(data, at, depth + 1, keep)
        found.append(value)
    return found, at


def _map(
    data: bytes, at: int, number: int, depth: int, keep: Callable[[bytes], Any]
) -> tuple[dict[str, Any], int]:
    if number > len(data) - at:
        raise ValueError("cut off")
    found: dict[str, Any] = {}
    for _index in range(number):
        key, at = _value(data, at, depth + 1, keep)
        if not isinstance(key, str) or key in found:
            raise ValueError("a key that is no string, or comes twice")
        found[key], at = _value(data, at, depth + 1, keep)
    return found, at


def _simple(data: bytes, at: int, minor: int) -> tuple[Any, int]:
    match minor:
        case 20 | 21:
            return minor == 21, at + 1
        case 22:
            return None, at + 1
        case 27:
            (number,) = struct.unpack(">d", _slice(data, at + 1, 8))
            return number, at + 9
    raise ValueError("an unknown simple value")


def _argument(data: bytes, at: int, minor: int) -> tuple[int, int]:
    if minor < 24:
        return minor, at
    if minor > 27:
        raise ValueError("a length that is not told")
    width = 1 << (minor - 24)
    return int.from_bytes(_slice(data, at, width), "big"), at + width


def _slice(data: bytes, at: int, length: int) -> bytes:
    if length > len(data) - at:
        raise ValueError("cut off")
    return data[at : at + length]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 63, 7):
        if at >= len(data):
            raise ValueError("cut off")
        number |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return number, at
    raise ValueError("a number that does not end")


def _link_text(cid: bytes) -> str:
    """A CID in base32, as JSON and addresses have it."""
    return "b" + base64.b32encode(cid).decode().rstrip("=").lower()


def _as_json(data: bytes) -> dict[str, str]:
    return {"$bytes": base64.b64encode(data).decode().rstrip("=")}
