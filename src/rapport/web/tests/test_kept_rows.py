"""Rows that are kept: whatever can be seen of one is part of what it is kept by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from rapport.inbox.queries.search_snippets import Snippet
from rapport.web import kept_rows
from rapport.web.kept_rows import shown_row
from rapport.web.samples import sample_rows


def test_the_same_row_is_made_once() -> None:
    row = sample_rows()[0].row
    first = shown_row(row, "/desk/all/case/1/")
    made = kept_rows._made.cache_info().misses
    again = shown_row(replace(row), "/desk/all/case/1/")
    assert first.html == again.html
    assert kept_rows._made.cache_info().misses <= made + 1


def test_what_differs_in_anything_that_is_seen_is_another_row() -> None:
    row = replace(sample_rows()[0].row, waiting_since=timezone.now() - timedelta(minutes=12))
    found = Snippet(pieces=(("bag", True),))
    rows = [
        shown_row(row, "/a/"),
        shown_row(row, "/b/"),
        shown_row(row, "/a/", selected=True),
        shown_row(row, "/a/", may_pick=True),
        shown_row(row, "/a/", drafted=True),
        shown_row(row, "/a/", open_by="Open with Ivo"),
        shown_row(row, "/a/", snippet=found),
        shown_row(replace(row, tags=("refund",)), "/a/"),
        shown_row(replace(row, contact_name="<b>Ana"), "/a/"),
    ]
    with translation.override("de"):
        rows.append(shown_row(row, "/a/"))
        made = [one.html for one in rows[-1:]]
    with timezone.override(ZoneInfo("Asia/Bangkok")):
        rows.append(shown_row(row, "/a/"))
        made += [one.html for one in rows[-1:]]
    made += [one.html for one in rows[:-2]]
    assert len(set(made)) == len(rows)
    assert not any("<b>Ana" in one for one in made)


def test_a_wait_goes_on_and_becomes_overdue() -> None:
    row = sample_rows()[0].row
    now = timezone.now()
    waits = [
        shown_row(replace(row, waiting_since=now - timedelta(minutes=minutes)), "/a/")
        for minutes in (12, 13, 75)
    ]
    assert ["12 min" in one.html for one in waits] == [True, False, False]
    assert ["is-overdue" in one.html for one in waits] == [False, False, True]
