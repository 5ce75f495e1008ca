"""Rows of a list, kept as they were made: two hundred screens ask again and again for the same few hundred."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from rapport.inbox.queries.rows import CaseRow
from rapport.inbox.queries.search_snippets import Snippet
from rapport.web import durations

KEPT = 4096  # some 3 kB each


@dataclass(frozen=True, slots=True)
class ShownRow:
    """All that the template of a row reads. Two that are equal look the same, whoever asks.

    ``open_by``: who else has the case open, in words. ``waited``: for how long somebody waits, in words; the clock
    reads it anew, but what is kept must not outlive it. Language and time zone are those of the moment.
    """

    row: CaseRow
    url: str
    selected: bool = False
    may_pick: bool = False
    drafted: bool = False
    open_by: str = ""
    snippet: Snippet | None = None
    waited: str = ""
    overdue: bool = False
    language: str = ""
    time_zone: str = ""

    @property
    def html(self) -> SafeString:
        return _made(self)


def shown_row(
    row: CaseRow,
    url: str,
    *,
    selected: bool = False,
    may_pick: bool = False,
    drafted: bool = False,
    open_by: str = "",
    snippet: Snippet | None = None,
) -> ShownRow:
    """A row as it is to be shown now."""
    since = row.waiting_since
    return ShownRow(
        row=row,
        url=url,
        selected=selected,
        may_pick=may_pick,
        drafted=drafted,
        open_by=open_by,
        snippet=snippet,
        waited=durations.since(since) if since else "",
        overdue=since is not None and durations.is_overdue(since),
        language=get_language() or "",
        time_zone=timezone.get_current_timezone_name(),
    )


@lru_cache(maxsize=KEPT)
def _made(shown: ShownRow) -> SafeString:
    names = ("row", "url", "selected", "may_pick", "drafted", "open_by", "snippet", "overdue")
    return render_to_string("web/desk/row.html", {name: getattr(shown, name) for name in names})
