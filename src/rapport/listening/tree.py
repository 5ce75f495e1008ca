"""A query as it was understood: what ``parse.py`` makes, and the matcher and the reference evaluate.

Leaves hold text as :func:`rapport.lib.normalise.normalise` writes it. Two nodes are equal when they ask for
the same, wherever they stood in the source: ``span`` (offsets into the source, end excluded) is not compared.

**What is not known.** A field of a post may be unknown (``None``, see ``post.py``). A field node is then
neither true nor false, and neither is its negation: ``lang:en`` and ``-lang:en`` both leave out a post whose
language nobody knows (Kleene's three values: AND is the least, OR the greatest, NOT turns true and false
round). A post matches when its query is true; the fields that left it undecided are reported. Because this
logic keeps De Morgan's laws, :func:`pushed` moves every NOT down to the leaves, after which two values are
enough: a negated field is true when it is *known* and does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
Value: TypeAlias = str | int | datetime


def _nowhere() -> Span:
    return (0, 0)


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a phrase, found as neighbouring words of a text.

    ``text`` is normalised and not empty. Its ends must be ends of words in the text, except where the end is of
    a script that is written without spaces, or Hangul, whose words are found as any piece (``text.padded``).
    ``forms`` are other normalised words that count as this one (light stemming). With ``symbols`` a place counts
    only if the text there has these signs too (``at&t``, ``c++``); with ``accented`` only if it has these
    accents: both are a second look at the original (``text.reads``).
    """

    text: str
    forms: tuple[str, ...] = ()
    symbols: str = ""
    accented: str = ""
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Prefix:
    """``lugg*``: like a term, but its last word is only the beginning of one in the text."""

    text: str
    symbols: str = ""
    accented: str = ""
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class OneLetter:
    """``organi?ation``: like a term, but each ``?`` in ``text`` is one character that is not a space.

    With ``beginning`` the last word is only the beginning of one (``organi?ation*``).
    """

    text: str
    beginning: bool = False
    accented: str = ""
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Emoji:
    """Emoji, normalised: a flag is two words, and skin tones are left out. Found like a term."""

    text: str
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Raw:
    """``raw:"AT&T it's"``: these very characters in the original text or title, upper and lower case told apart.

    Where an end of it is a letter or digit of a script with spaces, none may adjoin it in the text.
    """

    text: str
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Tag:
    """``#lostbags``: a hashtag, of the text or told by the network. ``name`` is as ``text.tag_name`` writes it."""

    name: str
    beginning: bool = False
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """``@aero``: a handle, of the text or told by the network. ``name`` is as ``text.handle_name`` writes it.

    A name without a server is also found with one: ``@ana`` finds ``@ana@example.social``.
    """

    name: str
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Ticker:
    """``$AAPL``: the sign of a share. ``name`` is upper case, without the dollar."""

    name: str
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """``likes:>10``, ``lang:en,es``: a fact of a post. True when one of ``values`` fits.

    ``operator`` is one of ``: > >= < <=``, other than ``:`` for numbers only. What each field compares, and how its
    values are written, is said in ``fields.py``.
    """

    name: str
    operator: str
    values: tuple[Value, ...]
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Near:
    """Each part once, none overlapping another, with at most ``n`` other words between all of them together.

    With ``ordered`` in the order of ``parts``. Parts are ``Term``, ``Prefix``, ``OneLetter``, ``Emoji``, ``Or`` of
    these, or another ``Near``, whose place is all from its first word to its last. All in one text: title and
    text are two. More than two parts are words each, and all of it is at most ``n`` words longer than they are. What
    is counted as a word: ``text.words_begin``.
    """

    n: int
    ordered: bool
    parts: tuple[Node, ...]
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of ``parts``; at least two, none of them an ``And``."""

    parts: tuple[Node, ...]
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """One of ``parts``; at least two, none of them an ``Or``."""

    parts: tuple[Node, ...]
    span: Span = field(default_factory=_nowhere, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """What ``part`` is not; ``part`` is no ``Not``."""

    part: Node
    span: Span = field(default_factory=_nowhere, compare=False)


Words: TypeAlias = Term | Prefix | OneLetter | Emoji
Leaf: TypeAlias = Term | Prefix | OneLetter | Emoji | Raw | Tag | Mention | Ticker | Field
Node: TypeAlias = Leaf | Near | And | Or | Not


def pushed(node: Node, *, negated: bool = False) -> Node:
    """The same query with every ``Not`` at a leaf or a ``Near``; see the head of this file for why that helps.

    Trees have at most ``parse.TALLEST`` levels, so this may recurse.
    """
    if isinstance(node, Not):
        return pushed(node.part, negated=not negated)
    if isinstance(node, And | Or):
        parts: list[Node] = []
        kind = And if isinstance(node, And) != negated else Or
        for part in node.parts:
            found = pushed(part, negated=negated)
            parts += found.parts if isinstance(found, kind) else (found,)
        return kind(tuple(parts), node.span)
    return Not(node, node.span) if negated else node


def has_fields(node: Node) -> bool:
    """Whether a field is asked for anywhere in it."""
    if isinstance(node, And | Or):
        return any(map(has_fields, node.parts))
    return has_fields(node.part) if isinstance(node, Not) else isinstance(node, Field)


def without_fields(node: Node) -> Node | None:
    """What is left to be true of a post's words if every field is taken to fit; None when that is nothing."""
    return _without_fields(pushed(node))


def _without_fields(node: Node) -> Node | None:
    match node:
        case Field() | Not(part=Field()):
            return None
        case And():
            parts = [part for one in node.parts if (part := _without_fields(one)) is not None]
            return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None
        case Or():
            alternatives = [_without_fields(one) for one in node.parts]
            left = tuple(one for one in alternatives if one is not None)
            return Or(left) if len(left) == len(alternatives) else None
        case _:
            return node
