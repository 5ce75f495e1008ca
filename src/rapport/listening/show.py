"""A tree, written as a query again: ``parse(show(query)) == query``."""

from __future__ import annotations

import re
from datetime import datetime

from rapport.listening.lexer import QUOTES
from rapport.listening.query import Query
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
    Tag,
    Term,
    Ticker,
    Value,
)  # fmt: skip

_BARE = re.compile(r"[^\W_]+\Z")
_BARE_VALUE = re.compile(r"[\w.@/+-]+\Z")
_RESERVED = ("and", "or", "not", "near", "onear")
_SPECIAL = re.compile(rf"[\\{QUOTES}]")


def show(query: Query) -> str:
    """The query in one canonical line."""
    options = (["accents:exact"] if query.accents else []) + (
        [f"stem:{','.join(query.stems)}"] if query.stems else []
    )
    return " ".join([*options, show_node(query.root, stems=bool(query.stems))])


def show_node(node: Node, *, stems: bool = False) -> str:
    """One part of a query. With ``stems``, words without other forms are quoted, as they must have been."""
    match node:
        case And():
            return " AND ".join(_inside(part, stems, And) for part in node.parts)
        case Or():
            return " OR ".join(_inside(part, stems, Or) for part in node.parts)
        case Not():
            return f"NOT {_inside(node.part, stems, Not)}"
        case Near():
            return _near(node, stems)
        case _:
            return _leaf(node, stems)


def _inside(node: Node, stems: bool, around: type) -> str:
    shown = show_node(node, stems=stems)
    plain = not isinstance(node, And | Or) and not (around is not And and isinstance(node, Not))
    return shown if plain else f"({shown})"


def _near(node: Near, stems: bool) -> str:
    if len(node.parts) > 2:
        return f'"{" ".join(_loose(part) for part in node.parts)}"~{node.n}'
    operator = f"{'O' if node.ordered else ''}NEAR/{node.n}"
    first, second = (
        f"({show_node(part, stems=stems)})" if isinstance(part, Or | Near) else show_node(part, stems=stems)
        for part in node.parts
    )
    return f"{first} {operator} {second}"


def _loose(part: Node) -> str:
    """One of the words of a ``"…"~n``; what is several words for us was one piece there."""
    if isinstance(part, Emoji):
        return _leaf(part, stems=False)
    if not isinstance(part, Term | Prefix):
        raise ValueError(f"a {type(part).__name__} cannot be among words in quotes")
    return _words(part).replace(" ", "-") + ("*" if isinstance(part, Prefix) else "")


def _words(leaf: Term | Prefix) -> str:
    return leaf.symbols or leaf.accented or leaf.text


def _leaf(node: Node, stems: bool) -> str:
    match node:
        case Term():
            written = _words(node)
            plain = _BARE.match(written) and written not in _RESERVED
            return written if node.forms or (plain and not stems) else f'"{written}"'
        case Prefix():
            written = f"{_words(node)}*"
            return written if _BARE.match(written[:-1]) else f'"{written}"'
        case OneLetter():
            return (node.accented or node.text).replace(" ", "-") + ("*" if node.beginning else "")
        case Emoji():
            return node.text.replace(" ", "")
        case Raw():
            return f"raw:{_quoted(node.text)}"
        case Tag():
            return f"#{node.name}{'*' if node.beginning else ''}"
        case Mention():
            return f"@{node.name}"
        case Ticker():
            return f"${node.name}"
        case Field():
            values = ",".join(_value(one) for one in node.values)
            return f"{node.name}:{'' if node.operator == ':' else node.operator}{values}"
        case _:
            raise ValueError(f"a {type(node).__name__} is no leaf")


def _value(value: Value) -> str:
    if isinstance(value, datetime):
        day = value.date().isoformat()
        return day if value.isoformat().endswith("T00:00:00+00:00") else value.isoformat()
    written = str(value)
    return written if _BARE_VALUE.match(written) else _quoted(written)


def _quoted(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    return f'"{escaped}"'
