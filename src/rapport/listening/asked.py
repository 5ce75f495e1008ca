"""Rules as a layer keeps and asks them: of most it is enough to know which literals a post has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from rapport.listening.anchors import fragment
from rapport.listening.checks import plain_literals
from rapport.listening.text import padded
from rapport.listening.tree import And, Near, Node, Not, OneLetter, Or, Prefix, Term

# Sets of literals of each of which a post must have one; literals it must not have; and the number of what else
# is to be asked of it, or -1.
Asked: TypeAlias = tuple[tuple[tuple[int, ...], ...], tuple[int, ...], int]


def asked(rest: Node | None, number: Callable[[str], int], more: Callable[[Node], int]) -> Asked:
    """What is asked for ``rest``; ``number`` gives the number of a literal, ``more`` that of another question."""
    needed: list[tuple[int, ...]] = []
    never: list[int] = []
    left: list[Node] = []
    for part in rest.parts if isinstance(rest, And) else () if rest is None else (rest,):
        if isinstance(part, Not) and (excluded := plain_literals(part.part)) is not None:
            never += map(number, excluded)
            continue
        needed += (tuple(map(number, dict.fromkeys(one))) for one in necessary(part))
        if plain_literals(part) is None:
            left.append(part)
    if len(left) > 1:
        return tuple(needed), tuple(never), more(And(tuple(left)))
    return tuple(needed), tuple(never), more(left[0]) if left else -1


def necessary(node: Node) -> Iterable[tuple[str, ...]]:
    """Literals of each group of which one is in the words of every post of which ``node`` is true."""
    plain = plain_literals(node)
    if plain is not None:
        return [plain]
    match node:
        case Near():
            return [group for part in node.parts for group in necessary(part)]
        case Or():
            found = [list(necessary(part)) for part in node.parts]
            return [tuple(literal for groups in found for literal in groups[0])] if all(found) else []
        case Term():
            return [tuple(map(padded, (node.text, *node.forms)))]
        case Prefix():
            return [(padded(node.text).removesuffix(" "),)]
        case OneLetter():
            fixed = fragment(node)
            return [(fixed,)] if fixed else []
        case _:
            return []
