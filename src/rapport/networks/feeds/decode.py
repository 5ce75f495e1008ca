"""A feed's bytes as text, once and by one rule, whatever the server and the document claim."""

from __future__ import annotations

import codecs
import re

# The encodings of the web (https://encoding.spec.whatwg.org/#names-and-labels). Python knows more, and some
# of those, such as UTF-7, exist only to smuggle markup past whoever looks first.
_KNOWN = frozenset({
    "utf-8", "ascii", "iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6",
    "iso8859-7", "iso8859-8", "iso8859-10", "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp866",
    "cp874", "tis-620", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "gbk", "gb2312", "gb18030",
    "big5", "big5hkscs", "euc_jp", "iso2022_jp", "shift_jis", "cp932", "euc_kr", "cp949", "utf-16",
    "utf-16-le", "utf-16-be",
})  # fmt: skip
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']", re.IGNORECASE)
_HEAD = re.compile(r"^\s*<\?xml[^>]{0,400}\?>")


def decoded(content: bytes, content_type: str = "") -> str:
    """The text of a document. Never fails: what no encoding explains is read as Windows-1252.

    A byte order mark wins, as in RFC 7303 section 3.1. Then what is valid UTF-8 is UTF-8, whatever is
    claimed: text in another encoding practically never happens to be, and wrong claims are common.
    """
    for bom, name in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(name, "replace")
    claims = [_charset(content_type), _declared(content)]
    # These write everything in bytes below 128, so they would pass as UTF-8.
    for claim in claims:
        if claim == "iso2022_jp":
            return content.decode(claim, "replace")
    if content[:1] == b"\0" or content[1:2] == b"\0":
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le", "replace")
    for name in ["utf-8", *claims]:
        if name:
            try:
                return content.decode(name)
            except (UnicodeDecodeError, LookupError):
                continue
    return content.decode("cp1252", "replace")


def as_utf8(text: str) -> bytes:
    """An XML document whose bytes and declaration agree."""
    body = _HEAD.sub("", text.lstrip("\ufeff"), count=1).lstrip()
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body.encode("utf-8", "replace")


def _charset(content_type: str) -> str:
    found = _CHARSET.search(content_type[:500])
    return _known(found.group(1)) if found else ""


def _declared(content: bytes) -> str:
    found = _DECLARED.match(content[:500])
    return _known(found.group(1).decode("ascii", "replace")) if found else ""


def _known(name: str) -> str:
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if found in _KNOWN else ""
