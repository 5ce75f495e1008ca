"""Requests that no page of ours would send: what is in them, in which order, how encoded, and who sends them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

from rapport.web.tests.doors_world import Site, World

# Somebody's thing, by its place in the world: looked up when the request is sent.
THINGS = (
    "brand", "channel", "form", "admin", "target", "message", "later", "own", "case", "second", "else_case", "tag", "team",
    "invitation", "identity", "contact", "file_id", "raw", "post", "pending",
)  # fmt: skip
NAMES = (
    "version", "was", "was_team", "assignee", "team", "priority", "tag", "name", "until", "reason", "outgoing", "message",
    "in_reply_to", "form_key", "text", "note", "visibility", "channel", "brand", "role", "email", "user", "member", "pick",
    "do", "view", "filters", "next", "q", "answer", "after", "limit", "identity", "contact", "other", "kept", "file", "files",
    "alt", "kept_alt", "password", "username", "language", "theme", "csrfmiddlewaretoken", "then", "field", "revision",
)  # fmt: skip
_VALUES = (
    "", " ", "\0", "a\0b", "\ud800", "x\udfffy", "9" * 5000, "9" * 30, str(2**63), str(-(2**31) - 1), "-1", "0", "1e309",
    "NaN", "Infinity", "²", "٣", "0x10", "1_000", "true", "null", "[]", "{}", '{"a":' * 200, "\u202e\u200b", "x" * 20_000,
    "💥" * 3000, "e\u0301" * 500, "../../etc/passwd", "<script>alert(1)</script>", "' OR 1=1 --", "%00", "%s%n%(x)s",
    "{{ 7 }}", "{% now %}", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "0001-01-01", "9999-12-31", "2026-02-30",
    "javascript:alert(1)", "//evil.example/", "http://[", "a@b", '"@"@x', "a" * 300 + "@example.com", "\r\nX-Y: z", "İ", "ﬀ",
    "00000000-0000-0000-0000-000000000000", "none", "me", "hour", "public", "private", "admin", "urgent:urgent", "1:1:1",
)  # fmt: skip
_HEADERS = (
    {"HX-Request": "true", "HX-Target": "case"},
    {"HX-Request": "true", "HX-Target": "list"},
    {"HX-Request": "true", "HX-Target": "\xff<" * 50},
    {"HX-Request": "true", "HX-Current-URL": "http://[::bad/%zz"},
    {"Accept-Language": "x" * 3000},
    {"Accept-Language": "th;q=nonsense, *;q=9"},
    {"X-Forwarded-For": "not-an-address, \xe9"},
    {"Referer": "https://evil.example/"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Cookie": "rapport_session=\xff; csrftoken="},
    {},
)


@dataclass(frozen=True)
class Thing:
    """The id of a thing of one brand."""

    site: str
    name: str


@dataclass(frozen=True)
class Forged:
    """``fields``: beside what the form has (by its position, changed or left out as ``changes`` says).
    ``crossed``: the form is the other brand's. ``moved``: what stands in the address instead of its numbers."""

    actor: str
    csrf: bool
    crossed: bool
    changes: tuple[Any, ...]
    fields: tuple[tuple[str, Any], ...]
    twice: bool
    way: str
    moved: Any
    query: str
    headers: dict[str, str]


things = st.builds(Thing, st.sampled_from(["ours", "theirs"]), st.sampled_from(THINGS))
values = st.one_of(things, st.sampled_from(_VALUES), st.text(max_size=40), st.integers().map(str))
KEEP, DROP = "keep", "drop"
_WAYS = (
    "form",
    "form",
    "form",
    "parts",
    "parts",
    "json",
    "text",
    "charset",
    "torn",
    "noise",
    "many",
    "nothing",
)


def requests(actors: tuple[str, ...]) -> st.SearchStrategy[Forged]:
    """Anything of the above by one of ``actors``."""
    return st.builds(
        Forged,
        actor=st.sampled_from(actors),
        csrf=st.sampled_from([False] * 9 + [True]),
        crossed=st.booleans(),
        changes=st.lists(st.one_of(st.just(KEEP), st.just(KEEP), st.just(DROP), values), min_size=8, max_size=8).map(tuple),
        fields=st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), values), max_size=4).map(tuple),
        twice=st.booleans(),
        way=st.sampled_from(_WAYS),
        moved=st.one_of(st.none(), st.none(), st.none(), things, st.sampled_from(["0", "9" * 30, "9" * 5000, str(2**63)])),
        query=st.sampled_from(["", "", "?q=%00&limit=-1", "?after=nonsense&brand=" + "9" * 40, "?%ff=%fe&&&=", "?older=x&saved=0"]),
        headers=st.sampled_from(_HEADERS),
    )  # fmt: skip


def known(world: World, value: Any) -> str:
    """``value`` as text, with the id of a thing in its place."""
    if not isinstance(value, Thing):
        return str(value)
    site: Site = getattr(world, value.site)
    match value.name:
        case "invitation":
            return str(site.invited.invitation.pk)
        case "identity":
            return str(site.message.identity_id)
        case "contact":
            return str(site.case.contact_id)
        case "file_id":
            return str(site.file_id)
    return str(getattr(site, value.name).pk)


def fields_of(world: World, forged: Forged, form: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields that are sent, in order."""
    found: list[tuple[str, str]] = []
    for number, (name, right) in enumerate(form.items()):
        change = forged.changes[number % len(forged.changes)]
        if change != DROP:
            found.append((name, str(right) if change == KEEP else known(world, change)))
    found += [(name, known(world, value)) for name, value in forged.fields]
    return [pair for pair in found for _ in range(2)] if forged.twice else found


def body_of(way: str, fields: list[tuple[str, str]]) -> tuple[bytes, str]:
    """The body and its content type. What UTF-8 cannot say is sent as if it could."""
    raw = [
        (name.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass"))
        for name, value in fields
    ]
    encoded = b"&".join(f"{quote_from_bytes(name)}={quote_from_bytes(value)}".encode() for name, value in raw)
    plain = "application/x-www-form-urlencoded"
    match way:
        case "form":
            return encoded, plain
        case "parts":
            return _parts(raw) + b"--edge--\r\n", "multipart/form-data; boundary=edge"
        case "json":
            return json.dumps(dict(fields)).encode(), "application/json"
        case "text":
            return b"\n".join(name + b"=" + value for name, value in raw), "text/plain"
        case "charset":
            return encoded, f"{plain}; charset=utf-16"
        case "torn":
            return _parts(raw)[:-7], "multipart/form-data; boundary=edge"
        case "noise":
            return b"\xff\xfe\0" + encoded[::-1], "multipart/form-data"
        case "many":
            return encoded + b"&a=b" * 1200, plain
        case _:
            return b"", plain


def _parts(raw: list[tuple[bytes, bytes]]) -> bytes:
    found = []
    for name, value in raw:
        safe = name.replace(b'"', b"").replace(b"\r", b"").replace(b"\n", b"")
        file = b'; filename="\xff../x.png"\r\nContent-Type: image/png' if safe.startswith(b"file") else b""
        found.append(
            b'--edge\r\nContent-Disposition: form-data; name="'
            + safe
            + b'"'
            + file
            + b"\r\n\r\n"
            + value
            + b"\r\n"
        )
    return b"".join(found)
