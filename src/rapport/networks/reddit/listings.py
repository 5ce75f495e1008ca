"""Going down a listing, also when the thing that marks the place was deleted meanwhile.

A listing is asked for what comes after a thing. When that is no longer in it (its author deleted it, a moderator
removed it) Reddit answers with nothing, as at the end: ``IDBuilder._get_after`` in
https://github.com/reddit-archive/reddit/blob/master/r2/r2/models/builder.py. So the things before the mark are kept
too, and an empty page is asked for again after one of those, or from the top. What comes twice is stored once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rapport.networks.reddit import things

Get = Callable[..., Any]

# Things before the mark: so many must be gone at once before all is read again.
BACK = 10
AGAIN = 2


@dataclass(frozen=True, slots=True)
class Page:
    """``found``: the comments, posts and messages on it. ``place``: where to go on, {} at the end. ``lost``: the
    place cannot be found again, so what is below it was not read."""

    found: list[things.Json]
    place: dict[str, Any]
    lost: bool = False


def next_page(get: Get, path: str, params: Mapping[str, str], place: Mapping[str, Any]) -> Page:
    """The page at ``place`` ({} for the top). Makes one call, and up to eleven more where the mark is gone."""
    mark, again = str(place.get("after") or ""), int(place.get("again") or 0)
    marks = [mark, *(str(one) for one in place.get("back") or [])] if mark else []
    for after in marks:
        answer = get(path, **params, after=after)
        children = answer["data"]["children"]
        if children:
            return _page(answer, mark, again)
    if marks and again >= AGAIN:
        return Page([], {}, lost=True)
    return _page(get(path, **params), mark, again + 1 if marks else 0)


def _page(answer: Any, mark: str, again: int) -> Page:
    names = [str(one["data"].get("name", "")) for one in answer["data"]["children"]]
    following = answer["data"].get("after")
    # The mark is still there and nothing is below it: it was the end after all.
    if not following or not names or names[-1] == mark:
        return Page(things.children(answer), {})
    before = [one for one in reversed(names) if one and one != following][:BACK]
    place: dict[str, Any] = {"after": str(following), "back": before}
    return Page(things.children(answer), place | ({"again": again} if again else {}))
