"""NEAR in the words of a post, where all its parts are plain: without the second look that the reference takes.

Places here are in padded words (a space at each end), and literals are padded once for all posts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rapport.listening.extents import Extents, either, near_extents
from rapport.listening.text import padded, words_begin
from rapport.listening.tree import Emoji, Near, Node, Or, Prefix, Term

_Places: TypeAlias = Callable[[str], Extents]


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
    return lambda words: bool(places(words))


def _places(node: Node) -> _Places:
    match node:
        case Near():
            return _near(node)
        case Or():
            parts = [_places(part) for part in node.parts]
            return lambda words: either(part(words) for part in parts)
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

    def places(words: str) -> Extents:
        found: Extents = {}
        for literal, first, last in sizes:
            at = words.find(literal)
            while at >= 0:
                end = words.index(" ", at + last) if begun else at + last
                start = at + first
                found[start] = found.get(start, 0) | 1 << (end - start)
                at = words.find(literal, at + 1)
        return found

    return places


def _near(node: Near) -> _Places:
    parts = [_places(part) for part in node.parts]

    def places(words: str) -> Extents:
        found = []
        for part in parts:
            found.append(part(words))
            if not found[-1]:
                return {}
        return near_extents(node, found, words_begin(words))

    return places
