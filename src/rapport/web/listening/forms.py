"""What the form of a query holds, and what can be said of a text while it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from rapport.listening.explain import Sentence, in_words
from rapport.listening.parse import LONGEST, read
from rapport.listening.problems import Problem
from rapport.listening.query import Query as Asked
from rapport.listening.show import show
from rapport.mentions.examples import MOST_EXAMPLES, Example, Tried, known_of, try_all
from rapport.mentions.models import Query, QueryKind
from rapport.mentions.saving import clean_text, mark_of
from rapport.web.listening.builder import Group, from_lines
from rapport.web.numbers import whole_number

_MOST_SHOWN = 20  # problems
_AROUND = 60  # characters of a line on each side of the place
_TRYING_S = 1.0  # for the examples, while somebody writes


@dataclass(frozen=True)
class Form:
    """What was typed. ``mark``: of the query as it was when the form was opened."""

    name: str = ""
    brand_id: int | None = None
    kind: str = QueryKind.BRAND
    text: str = ""
    mark: str = ""
    examples: tuple[Example, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Told:
    """A problem with the piece of the text that it is about. ``start`` and ``end`` count characters."""

    severity: str
    message: str
    line: int
    column: int
    before: str
    place: str
    after: str
    start: int
    end: int


@dataclass(frozen=True)
class Checked:
    """What a text says: a query, or what to change."""

    query: Asked | None
    told: tuple[Told, ...] = ()
    more: int = 0  # problems that are not shown
    canonical: str = ""
    words: Sentence | None = None
    errors: int = 0
    length: int = 0
    longest: int = LONGEST
    tried: tuple[Tried, ...] = field(default_factory=tuple)


def given(posted: QueryDict) -> Form:
    """The form as it came."""
    return Form(
        name=posted.get("name", ""),
        brand_id=whole_number(posted.get("brand", "")),
        kind=posted.get("kind", QueryKind.BRAND),
        text=clean_text(posted.get("text", "")),
        mark=posted.get("mark", ""),
        examples=tuple(_examples(posted)),
        groups=tuple(from_lines(posted.getlist("group-mode"), posted.getlist("group-words"))),
    )


def _examples(posted: QueryDict) -> list[Example]:
    rows = zip(
        posted.getlist("example-text"),
        posted.getlist("example-must"),
        posted.getlist("example-post"),
        strict=False,
    )
    # One more than may be kept, so that the limit is told and not kept silently.
    return [Example(text, must != "no", _known(post)) for text, must, post in list(rows)[: MOST_EXAMPLES + 1]]


def _known(written: str) -> dict[str, str]:
    """What a form says of a post, in JSON; nothing where it says nothing that can be read."""
    try:
        found: Any = json.loads(written) if len(written) < 20_000 else {}
    except (ValueError, RecursionError):
        return {}
    return known_of(found) if isinstance(found, dict) else {}


def example_from(written: str, *, must_match: bool) -> Example | None:
    """An example that a button carries, in JSON: its text and what else is known of the post."""
    try:
        found: Any = json.loads(written)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        return None
    return Example(found["text"], must_match, known_of(found))


def of_query(query: Query, examples: list[Example]) -> Form:
    """The form of a query that is saved."""
    return Form(
        name=query.name,
        brand_id=query.brand_id,
        kind=query.kind,
        text=query.version.text if query.version else "",
        mark=mark_of(query),
        examples=tuple(examples),
    )


def check(text: str, examples: tuple[Example, ...] = ()) -> Checked:
    """All that can be said of a text, the worst first."""
    if not text:
        return Checked(None)
    parsed = read(text)
    told = tuple(_told(one, text) for one in parsed.problems[:_MOST_SHOWN])
    query = parsed.query
    return Checked(
        query,
        told,
        max(0, len(parsed.problems) - _MOST_SHOWN),
        show(query) if query else "",
        in_words(query) if query else None,
        sum(one.severity == "error" for one in told),
        len(text),
        tried=tuple(try_all(query, examples, seconds=_TRYING_S)) if query else (),
    )


def _told(problem: Problem, text: str) -> Told:
    line, column = problem.where(text)
    start, end = problem.span
    end = max(end, start + 1)
    first = max(text.rfind("\n", 0, start) + 1, start - _AROUND)
    newline = text.find("\n", start)
    last = min(len(text) if newline < 0 else newline, start + _AROUND)
    reach = min(end, last)
    cut = first > 0 and text[first - 1] != "\n"
    return Told(
        problem.severity.value,
        problem.message,
        line,
        column,
        ("…" if cut else "") + text[first:start],
        # The end of the text, or of a line, is a place too.
        text[start:reach] or " ",
        text[reach:last] + ("…" if last < len(text) and text[last] != "\n" else ""),
        start,
        end,
    )
