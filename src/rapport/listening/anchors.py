"""What must be seen in a post before a query can match it, and what is left to ask then.

A query becomes rules. Each has anchors, one of which every post that the rule matches must have, and a rest that
is asked of the posts that have one. An OR is a rule for each part; of an AND the part whose anchors are the
rarest; a NOT has none. A rule without anchors is asked of every post.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from rapport.listening.text import is_piece, padded
from rapport.listening.tree import (
    And,
    Emoji,
    Field,
    Mention,
    Near,
    Node,
    OneLetter,
    Or,
    Prefix,
    Raw,
    Tag,
    Term,
    Ticker,
    pushed,
)

# An anchor is a text behind a letter that says where it must be seen: in the words, in the original, or among
# the names of a post (see ``names.py``), whole or as the beginning of one.
WORDS, RAW, NAME, BEGINNING = "w", "r", "n", "b"

# A share of posts, and the anchors of which each of them has one; None when there are none such.
_Priced: TypeAlias = tuple[float, tuple[str, ...] | None]
_NONE: _Priced = (1e9, None)


@dataclass(frozen=True, slots=True)
class Rule:
    """``anchors`` is None when nothing must be seen; ``rest`` is None when seeing one is all."""

    anchors: tuple[str, ...] | None
    rest: Node | None


class Rarity:
    """How often an anchor is seen, as a share of posts: counted in texts like those to come, else guessed.

    A wrong guess costs time, never a match.
    """

    # Of words by their length, from the posts of eight languages that support desks get.
    _BY_LENGTH = (0.5, 0.2, 0.12, 0.06, 0.03, 0.012, 0.006, 0.004, 0.003, 0.002, 0.001)
    _PIECES = (1.0, 0.3, 0.05, 0.02, 0.01, 0.005)

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._seen: Counter[str] = Counter()
        self._texts = 0
        for text in texts:
            self._seen.update(set(text.split()))
            self._texts += 1

    def of(self, anchor: str) -> float:
        """A share between 0 and 1."""
        if anchor[0] != WORDS:
            return 0.001
        return min(self._word(word, whole=whole) for word, whole in _wholes(anchor[1:]))

    def _word(self, word: str, *, whole: bool) -> float:
        lengths = self._PIECES if is_piece(word[0]) else self._BY_LENGTH
        guess = lengths[min(len(word), len(lengths) - 1)]
        if not whole:
            return guess * 2
        if not self._texts:
            return guess
        return (self._seen[word] + guess) / (self._texts + 1)


def _wholes(literal: str) -> Iterator[tuple[str, bool]]:
    """The words of a literal, and whether each is one from end to end."""
    words = literal.split()
    for number, word in enumerate(words):
        begun = number > 0 or literal[0] == " "
        ended = number < len(words) - 1 or literal[-1] == " "
        yield word, begun and ended


def rules(root: Node, rarity: Rarity) -> list[Rule]:
    """The rules of a query; it matches when one of them does."""
    return _merged(_rules(pushed(root), rarity))


def _rules(node: Node, rarity: Rarity) -> Iterator[Rule]:
    match node:
        case Or():
            for part in node.parts:
                yield from _rules(part, rarity)
        case And():
            priced = [_priced(part, rarity) for part in node.parts]
            best = min(range(len(priced)), key=lambda number: priced[number][0])
            part = node.parts[best]
            others = node.parts[:best] + node.parts[best + 1 :]
            rest = (others[0] if len(others) == 1 else And(others)) if _is_exact(part) else node
            yield Rule(priced[best][1], rest)
        case _:
            yield Rule(_priced(node, rarity)[1], None if _is_exact(node) else node)


def _merged(found: Iterable[Rule]) -> list[Rule]:
    """Rules without a rest are one rule."""
    kept: list[Rule] = []
    plain: list[str] = []
    for rule in found:
        if rule.rest is None and rule.anchors is not None:
            plain += rule.anchors
        else:
            kept.append(rule)
    return [Rule(tuple(dict.fromkeys(plain)), None), *kept] if plain else kept


def _priced(node: Node, rarity: Rarity) -> _Priced:
    """The anchors of ``node`` (with its NOTs pushed down), and the share of posts that have one of them.

    Each part is asked once: asked once for its price and once more for its anchors, it would be twice on each level.
    """
    match node:
        case Or():
            found = [_priced(part, rarity) for part in node.parts]
            if any(anchors is None for _, anchors in found):
                return _NONE
            return sum(cost for cost, _ in found), tuple(one for _, anchors in found for one in anchors or ())
        case And() | Near():
            return min((_priced(part, rarity) for part in node.parts), key=lambda found: found[0])
        case _:
            anchors = _leaf_anchors(node)
            return _NONE if anchors is None else (sum(map(rarity.of, anchors)), anchors)


def _leaf_anchors(node: Node) -> tuple[str, ...] | None:
    """Of which one is seen wherever the leaf is true; None when there are none such."""
    match node:
        case Term():
            return tuple(f"{WORDS}{padded(literal)}" for literal in (node.text, *node.forms))
        case Emoji():
            return (f"{WORDS}{padded(node.text)}",)
        case Prefix():
            return (f"{WORDS}{padded(node.text).removesuffix(' ')}",)
        case OneLetter():
            fixed = fragment(node)
            return (f"{WORDS}{fixed}",) if fixed else None
        case Raw():
            return (f"{RAW}{node.text}",)
        case Tag():
            return (f"{BEGINNING if node.beginning else NAME}#{node.name}",)
        case Mention():
            return (f"{NAME}@{node.name}",)
        case Ticker():
            return (f"{NAME}${node.name}",)
        case Field(name="from"):
            return tuple(f"{NAME}from:{value}" for value in node.values)
        case _:
            return None


def _is_exact(node: Node) -> bool:
    """Whether seeing an anchor of it is as much as finding it true."""
    match node:
        case Term() | Prefix():
            return not node.symbols and not node.accented
        case Emoji() | Tag() | Mention() | Ticker():
            return True
        case Or():
            return all(map(_is_exact, node.parts))
        case _:
            return False


def fragment(node: OneLetter) -> str:
    """The longest piece without ``?`` of such words, as it is looked for in padded text; "" if there is none."""
    pieces = node.text.split("?")
    if not is_piece(node.text[0]):
        pieces[0] = f" {pieces[0]}"
    if not node.beginning and not is_piece(node.text[-1]):
        pieces[-1] = f"{pieces[-1]} "
    return max((piece for piece in pieces if piece.strip()), key=len, default="")
