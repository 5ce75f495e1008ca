"""NEAR in the words of a post, where all its parts are plain: without the second look that the reference takes.

Places here are in padded words (a space at each end), and literals are padded once for all posts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from rapport.lib.normalise import WITHOUT_SPACES
from rapport.listening.reference import near_extents
from rapport.listening.text import Heard, padded
from rapport.listening.tree import Emoji, Near, Node, Or, Prefix, Span, Term

_Places: TypeAlias = Callable[["_Words"], set[Span]]
_WITHOUT_SPACES = re.compile(WITHOUT_SPACES)


class _Words:
    """The padded words of one text, which can be counted."""

    def __init__(self, words: str) -> None:
        self.words = words
        if words.isascii() or _WITHOUT_SPACES.search(words) is None:
            self.before = self._spaces_before
        else:
            counted = _Counted(words[1:-1])
            self.before = lambda place: counted.words_before(max(0, place - 1))

    def _spaces_before(self, place: int) -> int:
        """How many words begin before a place: each is behind a space."""
        return self.words.count(" ", 0, place - 1) if place > 1 else 0


class _Counted(Heard):
    """A text of which only the words are known."""

    def __init__(self, words: str) -> None:
        self.original = ""
        self.text = words


def is_plain(node: Node) -> bool:
    """Whether a part asks for words alone."""
    match node:
        case Term() | Prefix():
            return not node.symbols and not node.accented
        case Near() | Or():
            return all(map(is_plain, node.parts))
        case _:
            return isinstance(node, Emoji)


def near(node: Near) -> Callable[[str], bool]:
    """A function that says whether a NEAR of plain parts is true of the padded words of one text."""
    places = _near(node)
    return lambda words: bool(places(_Words(words)))


def _places(node: Node) -> _Places:
    match node:
        case Near():
            return _near(node)
        case Or():
            parts = [_places(part) for part in node.parts]
            return lambda words: set().union(*(part(words) for part in parts))
        case Term():
            return _literals([padded(literal) for literal in (node.text, *node.forms)], begun=False)
        case Emoji():
            return _literals([padded(node.text)], begun=False)
        case Prefix():
            return _literals([padded(node.text).removesuffix(" ")], begun=True)
        case _:
            raise ValueError(f"a {type(node).__name__} is not plain")


def _literals(literals: list[str], *, begun: bool) -> _Places:
    """Where one of these stands, the spaces around it not counted; what is begun, to its word's end."""
    sizes = [(one, len(one) - len(one.lstrip(" ")), len(one.rstrip(" "))) for one in literals]

    def places(known: _Words) -> set[Span]:
        found = set()
        words = known.words
        for literal, first, last in sizes:
            at = words.find(literal)
            while at >= 0:
                end = at + last
                found.add((at + first, words.index(" ", end) if begun else end))
                at = words.find(literal, at + 1)
        return found

    return places


def _near(node: Near) -> _Places:
    parts = [_places(part) for part in node.parts]

    def places(words: _Words) -> set[Span]:
        found = []
        for part in parts:
            found.append(part(words))
            if not found[-1]:
                return set()
        return near_extents(node, found, words.before)

    return places
