"""Trees as bytes: of a hundred thousand queries a process asks few, and as objects all of them would be a quarter of
a gigabyte that Python walks through again and again to look for garbage.
"""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rapport.listening.tree import (
    And,
    Emoji,
    Field,
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
    Value,
)

_KINDS: tuple[type[Node], ...] = (
    Term, Prefix, OneLetter, Emoji, Raw, Tag, Mention, Ticker, Field, Near, And, Or, Not,
)  # fmt: skip
_NUMBER = {kind: number for number, kind in enumerate(_KINDS)}
_SPAN_BITS = 16  # of each end: a query has at most ``parse.LONGEST`` characters
# What a shared piece is written like depends on who else holds it; in this version it does not.
_ALIKE = 2


def packed(node: Node, *, places: bool = True) -> bytes:
    """A tree, to be read by :func:`unpacked` of the same process; without ``places`` equal trees are mostly equal bytes."""
    return marshal.dumps(_plain(node, places), 4 if places else _ALIKE)


def unpacked(found: bytes) -> Node:
    """The tree again."""
    return _node(marshal.loads(found))  # noqa: S302 - our own, and never stored


def _plain(node: Node, places: bool) -> tuple[Any, ...]:
    """Its kind, its place, and its values; a leaf's are cut off behind the last that says something."""
    start, end = node.span if places else (0, 0)
    head = (_NUMBER[type(node)], start << _SPAN_BITS | end)
    match node:
        case Term():
            return (*head, *_cut(node.text, node.forms, node.symbols, node.accented))
        case Prefix():
            return (*head, *_cut(node.text, node.symbols, node.accented))
        case OneLetter():
            return (*head, *_cut(node.text, node.beginning, node.accented))
        case Emoji() | Raw():
            return (*head, node.text)
        case Tag():
            return (*head, *_cut(node.name, node.beginning))
        case Mention() | Ticker():
            return (*head, node.name)
        case Field():
            values = tuple((one.isoformat(),) if isinstance(one, datetime) else one for one in node.values)
            return (*head, node.name, node.operator, values)
        case Near():
            return (*head, node.n, node.ordered, tuple(_plain(part, places) for part in node.parts))
        case And() | Or():
            return (*head, tuple(_plain(part, places) for part in node.parts))
        case Not():
            return (*head, _plain(node.part, places))


def _cut(text: str, *rest: object) -> tuple[object, ...]:
    while rest and not rest[-1]:
        rest = rest[:-1]
    return (text, *rest)


def _node(plain: Sequence[Any]) -> Node:
    number, place, *values = plain
    kind: Any = _KINDS[number]
    span: Span = (place >> _SPAN_BITS, place & (1 << _SPAN_BITS) - 1)
    if kind is And or kind is Or:
        values[0] = tuple(map(_node, values[0]))
    elif kind is Not:
        values[0] = _node(values[0])
    elif kind is Near:
        values[2] = tuple(map(_node, values[2]))
    elif kind is Field:
        values[2] = tuple(map(_value, values[2]))
    found: Node = kind(*values, span=span)
    return found


def _value(written: Any) -> Value:
    found: Value = datetime.fromisoformat(written[0]) if isinstance(written, tuple) else written
    return found
