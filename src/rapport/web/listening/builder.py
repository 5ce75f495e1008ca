"""Groups of words beside the text of a query: each side written from the other, where both can say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.listening.parse import LONGEST, MOST_LEAVES, read
from rapport.listening.query import Query
from rapport.listening.show import show_node
from rapport.listening.tree import And, Leaf, Near, Node, Not, Or, Term

ANY, ALL, NONE = "any", "all", "none"
MODES: dict[str, Promise] = {
    ANY: _("Any of these"),
    ALL: _("All of these"),
    NONE: _("None of these"),
}


@dataclass(frozen=True)
class Group:
    """One group: ``mode`` is a key of :data:`MODES`, ``words`` are words and phrases as people write them."""

    mode: str
    words: tuple[str, ...] = ()

    @property
    def lines(self) -> str:
        """Its words, a line each."""
        return "\n".join(self.words)


def text_of(groups: Iterable[Group]) -> str:
    """The query that asks for all the groups."""
    parts: list[str] = []
    left_out: list[str] = []
    for group in groups:
        leaves = list(dict.fromkeys(_written(word) for word in group.words if word.strip()))
        if not leaves:
            continue
        if group.mode == ALL:
            parts += leaves
            continue
        joined = " OR ".join(leaves)
        several = f"({joined})" if len(leaves) > 1 else joined
        if group.mode == NONE:
            left_out.append(f"NOT {several}")
        else:
            parts.append(several)
    parts += left_out
    # Brackets around the one group that there is say nothing.
    if len(parts) == 1 and parts[0].startswith("("):
        return parts[0][1:-1]
    return " AND ".join(parts)


def groups_of(query: Query) -> tuple[list[Group], Promise | None]:
    """The groups that a query consists of, or none and what of it groups cannot show."""
    if query.accents or query.stems:
        return [], _("an option for the whole query")
    parts = query.root.parts if isinstance(query.root, And) else (query.root,)
    together: list[str] = []
    groups: list[Group] = []
    left_out: list[Group] = []
    for part in parts:
        match part:
            case Not():
                words = _alternatives(part.part)
                if words is None:
                    return [], _trouble(part.part)
                left_out.append(Group(NONE, words))
            case Or():
                words = _alternatives(part)
                if words is None:
                    return [], _trouble(part)
                groups.append(Group(ANY, words))
            case Near() | And():
                return [], _trouble(part)
            case _:
                together.append(_entry(part))
    all_of = [Group(ALL, tuple(together))] if together else []
    return [*all_of, *groups, *left_out], None


def _alternatives(node: Node) -> tuple[str, ...] | None:
    parts = node.parts if isinstance(node, Or) else (node,)
    found = [_entry(part) for part in parts if not isinstance(part, And | Or | Not | Near)]
    return tuple(found) if len(found) == len(parts) else None


def _trouble(node: Node) -> Promise:
    near = isinstance(node, Near) or (
        isinstance(node, Or | And) and any(isinstance(one, Near) for one in node.parts)
    )
    return _("words near each other (NEAR)") if near else _("brackets inside brackets")


def _entry(leaf: Leaf) -> str:
    """A word or phrase as it stands in a group: without its quotation marks where it means the same."""
    shown = show_node(leaf)
    bare = shown[1:-1]
    if isinstance(leaf, Term) and shown.startswith('"') and _leaf(_written(bare)) == leaf:
        return bare
    return shown


def _written(word: str) -> str:
    """What somebody wrote into a group, as a leaf of a query: in quotes unless it is one by itself."""
    word = " ".join(word.split())
    if _leaf(word) is not None:
        return word
    quoted = word.translate({ord(one): " " for one in '"\\“”„«»'}).strip()
    return f'"{" ".join(quoted.split())}"'


def _leaf(word: str) -> Leaf | None:
    """The one leaf that a text is; None for what is more, less, or wrong."""
    if word[:1] in "-−–(" or word.upper() in ("AND", "OR", "NOT"):
        return None
    query = read(word).query
    if query is None or query.accents or query.stems or isinstance(query.root, And | Or | Not | Near):
        return None
    return query.root


def from_lines(modes: Sequence[str], lines: Sequence[str]) -> list[Group]:
    """Groups as a form has them: a mode and, a line each, its words.

    Each word is read by itself, so of more than a query can hold one too many is taken: enough to be told so.
    """
    words_left, characters_left = MOST_LEAVES + 1, LONGEST + 1
    groups = []
    for mode, text in zip(modes, lines, strict=False):
        words = []
        for word in dict.fromkeys(filter(None, (" ".join(line.split()) for line in text.splitlines()))):
            if words_left <= 0 or characters_left <= 0:
                break
            words.append(word[:characters_left])
            words_left -= 1
            characters_left -= len(word)
        groups.append(Group(mode if mode in MODES else ANY, tuple(words)))
    return groups
