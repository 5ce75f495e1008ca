"""What it means that a query matches a post: slow, and as plain as we can write it.

The matcher must find exactly what this finds; tests compare the two. It also says why.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from rapport.listening.extents import Extents, either, extents, near_extents
from rapport.listening.facts import fits, originals
from rapport.listening.post import Post
from rapport.listening.query import Query
from rapport.listening.text import (
    Heard,
    accented,
    handle_names,
    is_piece,
    mentions,
    padded,
    reads,
    tag_name,
    tags,
    tickers,
    with_signs,
)
from rapport.listening.tree import (
    And,
    Emoji,
    Field,
    Leaf,
    Mention,
    Near,
    Node,
    Not,
    OneLetter,
    Or,
    Prefix,
    Raw,
    Span,
    Tag,
    Term,
    Ticker,
    Words,
    pushed,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """A leaf that is true: where it was found in the original ``"text"`` or ``"title"``, end excluded.

    What the network said besides the text has a place ``"tags"`` or ``"mentions"``, and a field its name; both
    without offsets (0, 0).
    """

    leaf: Leaf
    where: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """Whether it matched, why, and which fields were not known."""

    matched: bool
    why: tuple[Hit, ...] = ()
    unknown: tuple[str, ...] = ()


def evaluate(query: Query, post: Post) -> Result:
    """Ask one query of one post."""
    return Asked(post).result(query.root)


class Asked:
    """One post with its texts made ready, to be asked many queries."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.texts = {name: Heard(original) for name, original in originals(post)}

    def result(self, root: Node) -> Result:
        """The answer, with the fields that were not known and without which the answer might be another."""
        found = self.value(root)
        if found is None:
            return Result(False, unknown=tuple(sorted(self._unknown(root))))
        return Result(True, tuple(self._why(pushed(root)))) if found else Result(False)

    def value(self, node: Node) -> bool | None:
        """True, false, or None when it is not known."""
        match node:
            case And():
                values = [self.value(part) for part in node.parts]
                return False if False in values else None if None in values else True
            case Or():
                values = [self.value(part) for part in node.parts]
                return True if True in values else None if None in values else False
            case Not():
                inner = self.value(node.part)
                return None if inner is None else not inner
            case Field():
                return fits(node, self.post)
            case Near():
                return any(self._places(node, heard) for heard in self.texts.values())
            case _:
                return any(True for _ in self.hits(node))

    def hits(self, leaf: Leaf) -> Iterator[Hit]:
        """Every place where a leaf is found."""
        match leaf:
            case Field():
                if fits(leaf, self.post):
                    yield Hit(leaf, leaf.name)
            case Tag():
                for name, heard in self.texts.items():
                    for tag, start, end in tags(heard.original):
                        if _is_tag(leaf, tag):
                            yield Hit(leaf, name, start, end)
                if any(_is_tag(leaf, tag_name(tag)) for tag in self.post.tags):
                    yield Hit(leaf, "tags")
            case Mention():
                for name, heard in self.texts.items():
                    for names, start, end in mentions(heard.original):
                        if leaf.name in names:
                            yield Hit(leaf, name, start, end)
                if any(leaf.name in handle_names(handle) for handle in self.post.mentions):
                    yield Hit(leaf, "mentions")
            case Ticker():
                for name, heard in self.texts.items():
                    for ticker, start, end in tickers(heard.original):
                        if ticker == leaf.name:
                            yield Hit(leaf, name, start, end)
            case Raw():
                for name, heard in self.texts.items():
                    for start, end in raw_places(leaf.text, heard.original):
                        yield Hit(leaf, name, start, end)
            case _:
                for name, heard in self.texts.items():
                    for start, end in places(leaf, heard):
                        yield _hit(leaf, name, heard, start, end)

    def _places(self, node: Node, heard: Heard) -> Extents:
        """Where a part of a NEAR stands in one text's words."""
        match node:
            case Near():
                parts = [self._places(part, heard) for part in node.parts]
                return near_extents(node, parts, heard.begins)
            case Or():
                return either(self._places(part, heard) for part in node.parts)
            case Term() | Prefix() | OneLetter() | Emoji():
                return extents(places(node, heard))
            case _:
                raise ValueError(f"a {type(node).__name__} cannot be near something")

    def _why(self, node: Node) -> Iterator[Hit]:
        match node:
            case And() | Or():
                for part in node.parts:
                    if self.value(part):
                        yield from self._why(part)
            case Not():
                return
            case Near():
                for name, heard in self.texts.items():
                    found = self._places(node, heard)
                    starts = sorted(found)
                    ends = (start + found[start].bit_length() - 1 for start in starts)
                    reach = list(itertools.accumulate(ends, max))
                    for leaf in _leaves(node):
                        for start, end in places(leaf, heard):
                            # Of the extents that begin no later than the place, whether one reaches over it.
                            begun = bisect_right(starts, start)
                            if begun and reach[begun - 1] >= end:
                                yield _hit(leaf, name, heard, start, end)
            case _:
                yield from self.hits(node)

    def _unknown(self, node: Node) -> set[str]:
        match node:
            case And() | Or():
                return set().union(*(self._unknown(part) for part in node.parts if self.value(part) is None))
            case Not():
                return self._unknown(node.part)
            case Field():
                return {node.name}
            case _:
                return set()


def _hit(leaf: Words, name: str, heard: Heard, start: int, end: int) -> Hit:
    first, last = heard.span(start, end)
    if isinstance(leaf, Term) and leaf.symbols:
        first, last = with_signs(heard.original, first, last, symbols=leaf.symbols)
    return Hit(leaf, name, first, last)


def places(leaf: Words, heard: Heard) -> Iterator[Span]:
    """Where a leaf's words stand in a text's words, overlapping ones too; what is begun, to its word's end."""
    match leaf:
        case Term():
            for literal in (leaf.text, *leaf.forms):
                for start, end in _literal(padded(literal), heard.text):
                    if reads(
                        heard.original, *heard.span(start, end), symbols=leaf.symbols, accents=leaf.accented
                    ):
                        yield start, end
        case Emoji():
            yield from _literal(padded(leaf.text), heard.text)
        case Prefix():
            for start, end in _literal(padded(leaf.text).removesuffix(" "), heard.text):
                if reads(
                    heard.original, *heard.span(start, end), symbols=leaf.symbols, accents=leaf.accented
                ):
                    yield start, _word_end(heard.text, end)
        case OneLetter():
            for found in re.finditer(f"(?={one_letter(leaf)})", heard.text):
                start, end = found.span(1)
                original = slice(*heard.span(start, end))
                if not leaf.accented or re.fullmatch(
                    _wild(leaf.accented), accented(heard.original[original])
                ):
                    yield start, _word_end(heard.text, end) if leaf.beginning else end


def one_letter(leaf: OneLetter) -> str:
    """The pattern of a leaf's words in normalised text, in one group."""
    before = "" if is_piece(leaf.text[0]) else "(?<![^ ])"
    after = "" if leaf.beginning or is_piece(leaf.text[-1]) else "(?![^ ])"
    return f"{before}({_wild(leaf.text)}){after}"


def _wild(text: str) -> str:
    return "".join("[^ ]" if char == "?" else re.escape(char) for char in text)


def raw_places(raw: str, original: str) -> Iterator[Span]:
    """Where these very characters stand, with no letter or digit adjoining an end that is one."""
    for start, end in _literal(raw, original, pad=""):
        glued_before = start > 0 and _in_word(original[start]) and _in_word(original[start - 1])
        glued_after = end < len(original) and _in_word(original[end - 1]) and _in_word(original[end])
        if not (glued_before or glued_after):
            yield start, end


def _in_word(character: str) -> bool:
    return character.isalnum() and not is_piece(character)


def _literal(literal: str, text: str, *, pad: str = " ") -> Iterator[Span]:
    """Every place of a literal, its padding not counted. Overlapping ones too."""
    inside = f"{pad}{text}{pad}"
    spaces = len(literal) - len(literal.lstrip(pad)) if pad else 0
    size = len(literal.strip(pad)) if pad else len(literal)
    at = inside.find(literal)
    while at >= 0:
        start = at + spaces - len(pad)
        yield start, start + size
        at = inside.find(literal, at + 1)


def _word_end(text: str, end: int) -> int:
    space = text.find(" ", end)
    return len(text) if space < 0 else space


def _leaves(node: Node) -> Iterator[Words]:
    if isinstance(node, Near | Or):
        for part in node.parts:
            yield from _leaves(part)
    elif isinstance(node, Term | Prefix | OneLetter | Emoji):
        yield node


def _is_tag(leaf: Tag, name: str) -> bool:
    return name.startswith(leaf.name) if leaf.beginning else name == leaf.name
