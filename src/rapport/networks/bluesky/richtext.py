"""Text as Bluesky has it: graphemes, and facets (links, mentions, hashtags) at byte offsets. Pure.

https://docs.bsky.app/docs/advanced-guides/post-richtext
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import regex

FACET = "app.bsky.richtext.facet"
_MOST_FACETS = 200
_LONGEST_LINK = 2000
_LONGEST_TAG = 64  # graphemes

_GRAPHEME = regex.compile(r"\X")
_LINK = regex.compile(r"(?<=^|[\s(\[<])(https?://[^\s<>]{1,2000})")
_TRAILING = ".,;:!?\"'”’»"
_HANDLE = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_MENTION = regex.compile(r"(?<=^|[\s(])@(" + _HANDLE + r")(?![\w@])")
_TAG = regex.compile(r"(?<=^|\s)[#＃]([^\s\p{Cf}#＃]+)")


def graphemes(text: str) -> int:
    """How many characters a person sees: what Bluesky counts."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def facets_of(text: str, did_of: Callable[[str], str | None]) -> list[dict[str, Any]]:
    """The facets of a text of ours. ``did_of`` names the account of a handle, None where there is none."""
    found: list[tuple[int, int, dict[str, str]]] = []
    for match in _LINK.finditer(text):
        link = _without_trailing(match[1])
        found.append((match.start(1), match.start(1) + len(link), {"$type": f"{FACET}#link", "uri": link}))
    for match in _MENTION.finditer(text):
        did = did_of(match[1].lower())
        if did is not None:
            found.append((match.start(), match.end(), {"$type": f"{FACET}#mention", "did": did}))
    for match in _TAG.finditer(text):
        tag = regex.sub(r"\p{P}+$", "", match[1])
        if tag and not tag.isdecimal() and graphemes(tag) <= _LONGEST_TAG:
            end = match.start() + 1 + len(tag)
            found.append((match.start(), end, {"$type": f"{FACET}#tag", "tag": tag}))
    found.sort(key=lambda one: one[:2])
    facets: list[dict[str, Any]] = []
    free_from = 0
    for start, end, feature in found[:_MOST_FACETS]:
        if start < free_from:  # a hashtag or a name inside an address
            continue
        free_from = end
        index = {"byteStart": len(text[:start].encode()), "byteEnd": len(text[:end].encode())}
        facets.append({"$type": FACET, "index": index, "features": [feature]})
    return facets


def plain(text: str, facets: Any) -> str:
    """What people read, with the addresses behind its links: clients shorten them, or write over them.

    Facets that lie outside the text, inside a character, or over another one are left alone.
    """
    raw = text.encode("utf-8", "surrogatepass")
    out: list[str] = []
    at = 0
    try:
        for start, end, uri in sorted(_links(facets)):
            if not at <= start < end <= len(raw):
                continue
            try:
                before, shown = raw[at:start].decode(), raw[start:end].decode()
                raw[end:].decode()
            except UnicodeDecodeError:
                continue
            out += [before, _spelled_out(shown, uri)]
            at = end
        return "".join(out) + raw[at:].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # the text itself is broken
        return text


def mentions(facets: Any) -> set[str]:
    """DIDs of the accounts that are mentioned."""
    return {did for feature, did in _features(facets, "mention", "did") if isinstance(did, str)}


def _links(facets: Any) -> list[tuple[int, int, str]]:
    found = []
    for facet, uri in _features(facets, "link", "uri"):
        index = facet.get("index")
        if not isinstance(index, Mapping) or not isinstance(uri, str):
            continue
        start, end = index.get("byteStart"), index.get("byteEnd")
        if type(start) is int and type(end) is int and uri.startswith(("http://", "https://")):
            found.append((start, end, uri))
    return [one for one in found if len(one[2]) <= _LONGEST_LINK]


def _features(facets: Any, kind: str, key: str) -> list[tuple[Mapping[str, Any], Any]]:
    """(facet, the value under ``key``) of each feature of that kind."""
    if not isinstance(facets, list):
        return []
    return [
        (facet, feature.get(key))
        for facet in facets[:_MOST_FACETS]
        if isinstance(facet, Mapping) and isinstance(facet.get("features"), list)
        for feature in facet["features"][:10]
        if isinstance(feature, Mapping) and feature.get("$type") == f"{FACET}#{kind}"
    ]


def _spelled_out(shown: str, uri: str) -> str:
    bare = uri.split("://", 1)[1]
    seen = shown.split("://", 1)[-1].rstrip("/")
    if seen.endswith(("...", "…")):
        seen = seen.rstrip(".…")
        if seen and bare.startswith(seen):
            return uri
    if seen == bare.rstrip("/"):
        return uri
    return f"{shown} ({uri})"


def _without_trailing(link: str) -> str:
    while link and (link[-1] in _TRAILING or (link[-1] in ")]" and not _opened(link))):
        link = link[:-1]
    return link


def _opened(link: str) -> bool:
    """Whether the bracket that ends it was opened inside it."""
    opening = "(" if link[-1] == ")" else "["
    return link.count(opening) >= link.count(link[-1])
