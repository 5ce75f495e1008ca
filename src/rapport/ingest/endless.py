"""Telling that a network's past has no end: pages that repeat, or go on behind the day that was asked for.

A server that pages for ever (a cursor it forgets, a list that begins anew) would be asked for ever, and keep the
channel's budget from what is said now. What a run has seen of its pages is a small value beside its cursor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import RawItem

# Once may be chance or a page that was cut short, and lists may overlap.
REPEATS = 3
# Pages that are remembered: a circle of more is found by bringing nothing new.
REMEMBERED = 50
# A mail may say that it is older than when it came, so a few such pages are no sign yet.
PAST = 20
IDLE = 500
MOST_PAGES = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where it ends, what is on it (``new``: of that, not known before), and when it was said."""

    cursor: Mapping[str, Any]
    items: Sequence[RawItem]
    new: int
    times: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``seen``: to be kept for the next page. ``stop``: why there is to be none, "" to go on."""

    seen: dict[str, Any]
    stop: str = ""


def judged(seen: Mapping[str, Any], page: Page, *, since: datetime, reached: datetime | None) -> Verdict:
    """Whether another page makes sense after ``page``, which was not the last one by the network's word.

    ``reached``: the oldest message before this page.
    """
    place = _digest(dict(page.cursor))
    said = _digest(sorted(one.dedupe_key() for one in page.items)) if page.items else ""
    places, pages = list(seen.get("places") or []), list(seen.get("pages") or [])
    again = place in places or said in pages
    older = bool(page.times) and (reached is None or min(page.times) < reached)
    behind = bool(page.times) and max(page.times) < since
    now: dict[str, Any] = {
        "places": [*places, place][-REMEMBERED:],
        "pages": [*pages, said][-REMEMBERED:] if said else pages,
        "repeats": int(seen.get("repeats") or 0) + 1 if again else 0,
        "past": int(seen.get("past") or 0) + 1 if behind else 0,
        "idle": 0 if page.new or older else int(seen.get("idle") or 0) + 1,
        "count": int(seen.get("count") or 0) + 1,
    }
    if now["past"] >= PAST:
        return Verdict(
            now,
            _("The network gave %(n)d pages of what is older than was asked for. What was found is kept.")
            % {"n": PAST},
        )
    if now["repeats"] >= REPEATS:
        return Verdict(
            now, _("The network gave the same page again and again. What was found before is kept.")
        )
    if now["idle"] >= IDLE:
        return Verdict(
            now,
            _("The network gave %(n)d pages with nothing new. What was found before is kept.") % {"n": IDLE},
        )
    if now["count"] >= MOST_PAGES:
        return Verdict(
            now, _("These were %(n)d pages. What was found is kept; it can go on.") % {"n": MOST_PAGES}
        )
    return Verdict(now)


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
