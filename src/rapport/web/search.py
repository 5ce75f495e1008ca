"""The list of the desk under a search: what was found, where in its words, and what could not be understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rapport.inbox.queries.lists import CasePage
from rapport.inbox.queries.search import Hit, parse_query
from rapport.inbox.queries.search_snippets import Snippet, snippets
from rapport.web.place import Place


@dataclass(frozen=True)
class Found:
    """``problem``: why nothing could be searched for, in words. ``snippets`` by case."""

    problem: str = ""
    snippets: Mapping[int, Snippet] = field(default_factory=dict)


def found_in(place: Place, page: CasePage) -> Found:
    """Where a page of the list was found; nothing without a search."""
    if not place.text or not page.hits:
        return Found()
    return Found(snippets=snippets(parse_query(place.text), page.hits))


def found_url(place: Place, case_id: int, hits: Mapping[int, Hit]) -> str:
    """The address of a case, at the message in which it was found."""
    url = place.case_url(case_id)
    hit = hits.get(case_id)
    if hit is None or hit.kind != "message":
        return url
    return f"{url}{'&' if '?' in url else '?'}m={hit.id}#m{hit.id}"
