"""A mention as a page shows it: the words that were found marked, and the list's address with what it is narrowed to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from rapport.brands.models import Brand
from rapport.mentions.models import MentionState, QueryKind
from rapport.mentions.stream import ORDERS, Found, MentionRow, StreamFilters
from rapport.web.numbers import whole_number

Piece = tuple[str, bool]
_BEFORE = 40
_SNIPPET = 220
_LONGEST = 200
SINCE_DAYS = (1, 7, 30)


def pieces(text: str, found: Iterable[Found], part: str = "text") -> list[Piece]:
    """``text`` cut where what was found begins and ends; True for what was. Offsets beyond it are left out, because a
    post may have been edited since."""
    spans = sorted(
        {
            (start, end)
            for one in found
            for where, start, end, _term in one.why
            if where == part and 0 <= start < end <= len(text)
        }
    )
    cut: list[Piece] = []
    at = 0
    for start, end in _joined(spans):
        if start > at:
            cut.append((text[at:start], False))
        cut.append((text[start:end], True))
        at = end
    if at < len(text):
        cut.append((text[at:], False))
    return cut


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def snippet(text: str, found: Sequence[Found]) -> list[Piece]:
    """A line or two of ``text``, from a little before the first word that was found."""
    whole = pieces(text, found)
    first = 0
    for words, is_hit in whole:
        if is_hit:
            break
        first += len(words)
    else:
        first = 0
    skip = max(first - _BEFORE, 0) if first > _BEFORE * 2 else 0
    shown: list[Piece] = [("… ", False)] if skip else []
    left = _SNIPPET
    for words, is_hit in whole:
        kept = words[skip:] if skip else words
        skip = max(skip - len(words), 0)
        if kept:
            shown.append((kept[:left], is_hit))
            left -= len(kept)
        if left <= 0:
            shown.append(("…", False))
            break
    return shown


@dataclass(frozen=True)
class Shown:
    """A row with what is marked in it."""

    row: MentionRow
    pieces: list[Piece]
    url: str


@dataclass(frozen=True)
class Stream:
    """The list that an address asks for. ``params``: what of it is not as usual, in the order of the form."""

    filters: StreamFilters
    params: tuple[tuple[str, str], ...]

    @property
    def query(self) -> str:
        return urlencode(self.params)

    @property
    def url(self) -> str:
        return self._with(reverse("mentions"))

    @property
    def narrowed(self) -> bool:
        """Whether it is narrowed to anything besides a state."""
        return any(name not in {"state", "sort"} for name, _value in self.params)

    def mention_url(self, mention_id: int) -> str:
        return self._with(reverse("mention", args=[mention_id]))

    def changed(self, name: str, value: str) -> str:
        """The address of the list with one thing otherwise."""
        params = [one for one in self.params if one[0] != name] + ([(name, value)] if value else [])
        return reverse("mentions") + (f"?{urlencode(params)}" if params else "")

    def _with(self, path: str) -> str:
        return f"{path}?{self.query}" if self.query else path


def stream_of(given: QueryDict, brands: Sequence[Brand]) -> Stream:
    """What an address asks for; what it cannot mean is left out."""
    read = {name: given.get(name, "").strip()[:_LONGEST] for name in _PARAMS}
    brand = next((one for one in brands if one.slug == read["brand"]), None)
    days = whole_number(read["since"])
    filters = StreamFilters(
        state="" if read["state"] == "all" else read["state"],
        order=read["sort"] or "newest",
        brand_id=brand.id if brand else None,
        query_id=whole_number(read["query"]),
        kind=read["kind"] if read["kind"] in QueryKind.values else "",
        network=read["network"],
        lang=read["lang"],
        since=timezone.now() - timedelta(days=days) if days in SINCE_DAYS else None,
        text=read["q"].replace("\x00", ""),
    )
    if filters.state not in {"", *MentionState.values}:
        filters = replace(filters, state=MentionState.NEW)
    if read["state"] == "":
        filters = replace(filters, state=MentionState.NEW)
    if filters.order not in ORDERS:
        filters = replace(filters, order="newest")
    kept: dict[str, Any] = {
        "state": "" if filters.state == MentionState.NEW else filters.state or "all",
        "sort": "" if filters.order == "newest" else filters.order,
        "brand": brand.slug if brand else "",
        "query": str(filters.query_id) if filters.query_id is not None else "",
        "kind": filters.kind,
        "network": filters.network,
        "lang": filters.lang,
        "since": str(days) if filters.since is not None else "",
        "q": filters.text,
    }
    return Stream(filters, tuple((name, value) for name, value in kept.items() if value))


_PARAMS = ("state", "sort", "brand", "query", "kind", "network", "lang", "since", "q")
