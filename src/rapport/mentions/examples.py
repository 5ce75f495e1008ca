"""Test cases kept with a query: texts it must match, and texts it must not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid
from rapport.lib.text import storable, storable_json
from rapport.listening.matcher import Matcher
from rapport.listening.parse import read
from rapport.listening.post import Post
from rapport.listening.query import Query as Asked
from rapport.listening.reference import evaluate
from rapport.mentions.models import Query, QueryExample
from rapport.staff.models import User

MOST_EXAMPLES = 50
LONGEST_EXAMPLE = 5000  # characters
# What may be known of an example besides its text, with the most characters of each.
KNOWN: Mapping[str, int] = {"title": 1000, "author": 200, "author_name": 200, "lang": 16, "network": 40}


@dataclass(frozen=True)
class Example:
    """One of them. ``post``: what else is known of it, of :data:`KNOWN`; what is not there is not known."""

    text: str
    must_match: bool = True
    post: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tried:
    """What a query makes of an example. ``unknown``: fields it asks for that nobody knows of this text."""

    example: Example
    right: bool
    unknown: tuple[str, ...] = ()


class ExamplesFail(Invalid):
    """A query does not do what its examples say; ``tried`` are those that fail."""

    def __init__(self, tried: Sequence[Tried]) -> None:
        self.tried = tuple(tried)
        super().__init__(
            _(
                "Nothing was saved yet: an example does not come out as it should. Change the query or the example, "
                "or save it anyway."
            )
        )


def can_be_tried(example: Example) -> bool:
    """Whether it has words, and no more than may be kept."""
    return 0 < len(_words(example)) <= LONGEST_EXAMPLE


def try_all(asked: Asked, examples: Iterable[Example], *, seconds: float | None = None) -> list[Tried]:
    """The examples with what the query makes of each; with ``seconds`` only those it comes to in that time."""
    until = None if seconds is None else time.monotonic() + seconds
    matcher = Matcher({0: asked})
    tried = []
    for example in examples:
        if until is not None and time.monotonic() >= until:
            break
        right = _right(matcher, example)
        missed = example.must_match and not right
        tried.append(Tried(example, right, evaluate(asked, _post(example)).unknown if missed else ()))
    return tried


def _right(matcher: Matcher, example: Example) -> bool:
    # The matcher finds what the reference does, a hundred times as fast; only what is unknown it does not say.
    return bool(matcher.match(_post(example))) == example.must_match


def failing(text: str, examples: Iterable[Example]) -> list[Tried]:
    """The examples that do not come out right; all are tried. Without a query that can be read there are none."""
    asked = read(text).query
    if asked is None:
        return []
    matcher = Matcher({0: asked})
    return [Tried(one, right=False) for one in examples if not _right(matcher, one)]


def _words(example: Example) -> str:
    return storable(example.text.replace("\r\n", "\n")).strip()


def _post(example: Example) -> Post:
    known = example.post
    return Post(
        id="",
        text=example.text,
        title=known.get("title"),
        author=known.get("author"),
        author_name=known.get("author_name"),
        lang=known.get("lang"),
        network=known.get("network"),
    )


def clean_examples(given: Iterable[Example]) -> list[Example]:
    """What was typed, fit to be kept: the empty ones left out. Raises Invalid."""
    found = []
    for one in given:
        text = _words(one)
        if not text:
            continue
        if len(text) > LONGEST_EXAMPLE:
            raise Invalid(
                _("An example can have %(limit)s characters. “%(words)s…” is longer.")
                % {"limit": LONGEST_EXAMPLE, "words": text[:20]}
            )
        found.append(Example(text, one.must_match, known_of(one.post)))
    if len(found) > MOST_EXAMPLES:
        raise Invalid(
            _("A query can have %(most)s examples. Take some of them out.") % {"most": MOST_EXAMPLES}
        )
    return found


def known_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Of what somebody says of a post, what an example keeps."""
    clean = storable_json(dict(given))
    return {
        name: clean[name][:limit]
        for name, limit in KNOWN.items()
        if isinstance(clean.get(name), str) and clean[name]
    }


def kept_examples(query: Query) -> list[Example]:
    """The examples of a query, oldest first."""
    return [Example(one.text, one.must_match, one.post) for one in query.examples.order_by("id")]


def keep_examples(*, query: Query, examples: Sequence[Example], user: User) -> bool:
    """Make these the examples of a query, in the caller's transaction. True when that changed something.

    One that was there already stays as it is, with who made it.
    """
    before: dict[tuple[object, ...], list[int]] = {}
    for row in query.examples.order_by("id"):
        before.setdefault(_key(Example(row.text, row.must_match, row.post)), []).append(row.pk)
    fresh = []
    for one in examples:
        there = before.get(_key(one))
        if there:
            there.pop()
        else:
            fresh.append(
                QueryExample(
                    query=query,
                    text=one.text,
                    must_match=one.must_match,
                    post=dict(one.post),
                    created_by=user,
                )
            )
    gone = [number for numbers in before.values() for number in numbers]
    QueryExample.objects.filter(id__in=gone).delete()
    QueryExample.objects.bulk_create(fresh)
    return bool(gone or fresh)


def _key(example: Example) -> tuple[object, ...]:
    return (example.text, example.must_match, tuple(sorted(example.post.items())))
