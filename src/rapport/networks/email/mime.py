"""The parts of a mail: its text, its HTML, its files. Total, and bounded in work whatever is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import MessageError
from email.policy import compat32
from email.utils import collapse_rfc2231_value

from rapport.networks.base import Media, MediaKind
from rapport.networks.email.headers import Mail, decoded, raw

MAX_PARTS = 200
MAX_FILES = 50
MAX_FILE_BYTES = 20_000_000
MAX_FILES_BYTES = 40_000_000
MAX_TEXT_BYTES = 1_000_000
# Python's parser compares every line with the boundary of every multipart that is open there; a million of
# those take about a second. A mail of 25 MB with a few parts needs two million, lines made to hurt far more.
_MAX_WORK = 3_000_000
_MAX_DEPTH = 50
_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
_KINDS: dict[str, MediaKind] = {"image": "image", "video": "video", "audio": "audio"}
_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\:]+")


@dataclass
class Parts:
    """What a mail holds. ``alts`` waits for the HTML's words on its inline pictures, by content id."""

    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    files: list[tuple[str, Media]] = field(default_factory=list)  # content id, file
    left_out: int = 0


def read(data: bytes) -> tuple[Mail, bool]:
    """The mail, and whether only a part of it was read because of its shape.

    Raises ValueError when even its header fields cannot be read.
    """
    lines = data.count(b"\n") + 1
    work = lines * (1 + data.lower().count(b"multipart/")) + 80 * data.count(b"\n--")
    cut = _after_lines(data, max(2_000, lines * _MAX_WORK // work)) if work > _MAX_WORK else len(data)
    try:
        return message_from_bytes(data[:cut], policy=compat32), cut < len(data)
    except RecursionError:  # multiparts nested hundreds deep
        pass
    head = re.split(rb"\r?\n\r?\n", data[:MAX_TEXT_BYTES], maxsplit=1)[0]
    try:
        return message_from_bytes(re.sub(rb"(?im)^content-", b"X-Content-", head), policy=compat32), True
    except RecursionError as error:
        raise ValueError("its header fields cannot be read") from error


def _after_lines(data: bytes, lines: int) -> int:
    """Where the ``lines``-th line ends."""
    at = 0
    for _ in range(min(lines, data.count(b"\n"))):
        at = data.index(b"\n", at) + 1
    return at


def leaves(mail: Mail) -> Iterator[Mail]:
    """The parts that hold something, in order. A mail inside a mail is one part."""
    waiting: list[tuple[Mail, int]] = [(mail, 0)]
    seen = 0
    while waiting and seen < MAX_PARTS:
        part, depth = waiting.pop()
        seen += 1
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() == "multipart":
            if depth < _MAX_DEPTH:
                waiting += [(one, depth + 1) for one in reversed(payload) if isinstance(one, type(mail))]
            continue
        yield part


def parts(mail: Mail) -> Parts:
    """Texts, HTML and files of a mail."""
    found = Parts()
    room = MAX_FILES_BYTES
    for part in leaves(mail):
        kind = part.get_content_type()
        name = _name(part)
        attached = part.get_content_disposition() == "attachment" or (bool(name) and kind != "text/html")
        if kind in {"text/plain", "text/html"} and not attached:
            (found.texts if kind == "text/plain" else found.htmls).append(words(part))
            continue
        if kind in _SIGNATURES:
            continue
        content = _content(part)
        if not content:
            found.left_out += isinstance(part.get_payload(), list)  # a mail that cannot be written out again
            continue
        if len(found.files) >= MAX_FILES or len(content) > min(MAX_FILE_BYTES, room):
            found.left_out += 1
            continue
        room -= len(content)
        media = Media(
            kind=_KINDS.get(part.get_content_maintype(), "file"),
            alt=decoded(raw(part, "Content-Description"))[:1000],
            name=name or _default_name(kind),
            content_type=kind[:100],
            content=content,
        )
        found.files.append((raw(part, "Content-ID").strip("<> "), media))
    return found


def words(part: Mail) -> str:
    """A text part's text, in whatever charset it says or seems to be in."""
    data = _content(part)[:MAX_TEXT_BYTES]
    try:
        charset = part.get_content_charset("utf-8")
    except (LookupError, UnicodeError, ValueError, TypeError, AttributeError):
        charset = "utf-8"
    for name in (charset, "utf-8", "cp1252"):
        try:
            text = data.decode(name)
        except (LookupError, ValueError):
            continue
        break
    else:
        text = data.decode("latin-1")
    if "format=flowed" in raw(part, "Content-Type").lower().replace('"', "").replace(" ", ""):
        text = _unflowed(text, delsp="delsp=yes" in raw(part, "Content-Type").lower().replace('"', ""))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unflowed(text: str, *, delsp: bool) -> str:
    """Lines that end in a space go on in the next, within one depth of quotation (RFC 3676, 4)."""
    lines: list[str] = []
    open_depth = -1
    for line in text.splitlines():
        body = line.lstrip(">")
        depth = len(line) - len(body)
        body = body[1:] if body.startswith(" ") else body
        if lines and depth == open_depth:
            lines[-1] += body
        else:
            lines.append(("> " * depth) + body if depth else body)
        flows = body.endswith(" ") and body != "-- "
        open_depth = depth if flows else -1
        if flows and delsp:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def _content(part: Mail) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # a mail inside, or a report's fields
        try:
            inner = [one.as_bytes() for one in payload[:10] if isinstance(one, type(part))]
        except (RecursionError, ValueError, LookupError, TypeError, AttributeError, MessageError):
            return b""
        return b"\n".join(inner)
    try:
        found = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError, MessageError):
        found = None
    if isinstance(found, bytes):
        return found
    return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""


def _name(part: Mail) -> str:
    try:
        value = part.get_param("filename", None, "content-disposition") or part.get_param("name", None)
        name = collapse_rfc2231_value(value) if value else ""
    except (ValueError, LookupError, TypeError, UnicodeError, AttributeError, IndexError):
        return ""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    # Only the last step of a path, and nothing that could be one.
    name = decoded(name[:1000]).replace("\\", "/").rpartition("/")[2]
    return _UNSAFE_NAME.sub("_", name).strip(". ")[:200]


def _default_name(kind: str) -> str:
    if kind == "message/rfc822":
        return "message.eml"
    if kind == "text/calendar":
        return "invitation.ics"
    ending = re.sub(r"[^a-z0-9]", "", kind.partition("/")[2])[:10]
    return f"attachment.{ending}" if ending else "attachment"
