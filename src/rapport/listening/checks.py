"""What is left to ask of a post that has an anchor, as functions that ask the cheapest first."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

from rapport.listening.anchors import fragment
from rapport.listening.facts import fits, originals
from rapport.listening.names import every, shares
from rapport.listening.near import is_plain, near
from rapport.listening.post import Post
from rapport.listening.reference import Asked, raw_places
from rapport.listening.text import padded
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
)

# Between texts and posts. No word has it, and what it may do in an original is find a candidate too many.
APART = "\x02"


class Subject:
    """A post that is asked about: what each question may need, made when one does."""

    def __init__(self, post: Post) -> None:
        self.post = post

    @functools.cached_property
    def asked(self) -> Asked:
        """The slow way, for the few questions that need places in the original."""
        return Asked(self.post)

    @functools.cached_property
    def names(self) -> set[str]:
        """Hashtags and handles with their signs, of the texts and told by the network."""
        return set(every(self.post))

    @functools.cached_property
    def shares(self) -> set[str]:
        """The signs of shares in it."""
        return shares(self.post)


# Its words with a space at each end (title and text apart), and the post.
Check: TypeAlias = Callable[[str, Subject], bool]


def check(node: Node) -> Check:
    """A function that says whether ``node``, whose NOTs are at the leaves, is true."""
    literals = plain_literals(node)
    if literals is not None:
        return _seen(literals)
    match node:
        case And():
            return _all([check(part) for part in sorted(node.parts, key=_effort)])
        case Or():
            plain = tuple(one for part in node.parts for one in plain_literals(part) or ())
            others = [check(part) for part in sorted(node.parts, key=_effort) if plain_literals(part) is None]
            return _any([_seen(plain), *others] if plain else others)
        case Not(part=Field() as field):
            return lambda _words, subject: fits(field, subject.post) is False
        case Not():
            return _not(check(node.part))
        case Field():
            return lambda _words, subject: fits(node, subject.post) is True
        case Tag():
            return _tag(node)
        case Mention():
            return lambda _words, subject: f"@{node.name}" in subject.names
        case Ticker():
            return lambda _words, subject: node.name in subject.shares
        case Raw():
            return lambda _words, subject: _raw(node.text, subject.post)
        case Near() if is_plain(node):
            may, is_near = possible(node), near(node)
            return lambda words, subject: may(words, subject) and any(map(is_near, words.split(APART)))
        case _:
            may = possible(node)
            return lambda words, subject: may(words, subject) and subject.asked.value(node) is True


def possible(node: Node) -> Check:
    """A quick look that is true wherever a part of a NEAR, or what needs a second look, is."""
    match node:
        case Near():
            return _all([possible(part) for part in node.parts])
        case Or():
            return _any([possible(part) for part in node.parts])
        case OneLetter():
            return _seen((fragment(node),))
        case Term():
            return _seen(tuple(map(padded, (node.text, *node.forms))))
        case Prefix():
            return _seen((padded(node.text).removesuffix(" "),))
        case _:
            return check(node)


def plain_literals(node: Node) -> tuple[str, ...] | None:
    """The texts of which one must be in the words for ``node`` to be true, if that is all it asks."""
    match node:
        case Term(symbols="", accented=""):
            return tuple(map(padded, (node.text, *node.forms)))
        case Prefix(symbols="", accented=""):
            return (padded(node.text).removesuffix(" "),)
        case Emoji():
            return (padded(node.text),)
        case Or():
            found = [plain_literals(part) for part in node.parts]
            return None if None in found else tuple(one for part in found for one in part or ())
        case _:
            return None


def _effort(node: Node) -> int:
    match node:
        case Not():
            return _effort(node.part)
        case And() | Or():
            return max(map(_effort, node.parts))
        case Near():
            return 5
        case OneLetter():
            return 4
        case Tag() | Mention() | Ticker() | Raw():
            return 3
        case Field():
            return 2
    return 1 if plain_literals(node) else 4


def _seen(literals: tuple[str, ...]) -> Check:
    if len(literals) == 1:
        literal = literals[0]
        return lambda words, _subject: literal in words

    return lambda words, _subject: any(map(words.__contains__, literals))


def _all(checks: list[Check]) -> Check:
    if len(checks) == 2:
        first, second = checks
        return lambda words, subject: first(words, subject) and second(words, subject)

    def all_of(words: str, subject: Subject) -> bool:
        return all(one(words, subject) for one in checks)

    return all_of


def _any(checks: list[Check]) -> Check:
    if len(checks) == 2:
        first, second = checks
        return lambda words, subject: first(words, subject) or second(words, subject)

    def any_of(words: str, subject: Subject) -> bool:
        return any(one(words, subject) for one in checks)

    return any_of


def _not(inner: Check) -> Check:
    return lambda words, subject: not inner(words, subject)


def _tag(node: Tag) -> Check:
    tag = f"#{node.name}"
    if node.beginning:
        return lambda _words, subject: any(name.startswith(tag) for name in subject.names)
    return lambda _words, subject: tag in subject.names


def _raw(raw: str, post: Post) -> bool:
    return any(raw in text and any(True for _ in raw_places(raw, text)) for _, text in originals(post))
