"""X's rules out of a listening query: each finds at least what the query finds, and the query itself decides here.

X matches words by tokens, cut at punctuation and symbols; quotes keep signs together; hashtags and names are found whole
(https://docs.x.com/x-api/posts/filtered-stream/integrate/operators). What X cannot ask (NOT, fields, beginnings of words,
distances) is left out, which makes a rule wider. In two ways X finds less, and no rule can help: it tells accents apart, so
a word is asked for as it was written and without accents; and a piece of a word is none to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from rapport.listening.query import Query
from rapport.listening.text import tag_name, words
from rapport.listening.tree import (
    And,
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
    pushed,
)

LONGEST = 1024  # letters of a rule, on pay per use
# Reposts are never heard by themselves, and X would charge for each.
_ENDING = " -is:retweet"
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _All:
    parts: tuple[_Asked, ...]


@dataclass(frozen=True, slots=True)
class _One:
    parts: tuple[_Asked, ...]


# What is asked of X: an operator as it is written, all or one of several, True for whatever X has, False for nothing.
_Asked: TypeAlias = str | bool | _All | _One


def rules_of(query: Query) -> list[str] | None:
    """Rules that together find whatever on X the query can find. [] when nothing there can; None when there are no
    such rules, because some of what it finds has nothing in it that X could look for."""
    asked = _asked(pushed(query.root), query.source)
    if asked is False:
        return []
    most = LONGEST - len(_ENDING)
    found = _fitting(asked, most)
    return None if found is None else [f"{one}{_ENDING}" for one in dict.fromkeys(found)]


def _asked(node: Node, source: str) -> _Asked:
    match node:
        case And() | Near():
            return _all(_asked(part, source) for part in node.parts)
        case Or():
            return _one(_asked(part, source) for part in node.parts)
        case Not(part=Field(name="network") as field):
            return "x" not in field.values
        case Field(name="network"):
            return "x" in node.values
        case Field(name="from"):
            names = [str(one) for one in node.values if _HANDLE.fullmatch(str(one))]
            return _one(f"from:{one}" for one in names)
        case Term():
            return _term(node, source)
        case Prefix():
            return _words(node.text.split()[:-1], node.span, source)
        case OneLetter():
            whole = node.text.split()[: -1 if node.beginning else None]
            return _words([one for one in whole if "?" not in one], node.span, source)
        case Raw():
            return _all(_spelled(one.lower(), [one.lower()]) for one in _WORD.findall(node.text))
        case Tag(beginning=False):
            same = [one for one in _written(node.span, source) if tag_name(one) == node.name]
            return _one(f"#{one}" for one in (*same, node.name))
        case Mention():
            # Names with a server are of other networks.
            return f"@{node.name}" if _HANDLE.fullmatch(node.name) else False
        case Ticker():
            return f"${node.name}"
        case _:
            return True


def _term(node: Term, source: str) -> _Asked:
    if node.symbols:
        return f'"{node.symbols}"' if '"' not in node.symbols and "\\" not in node.symbols else True
    first = _words(node.text.split(), node.span, source)
    return _one([first, *(_all(_spelled(one, [one]) for one in form.split()) for form in node.forms)])


def _words(texts: list[str], span: Span, source: str) -> _Asked:
    """All of some normalised words, each as it was written and as it is without accents."""
    written = _written(span, source)
    return _all(_spelled(one, written) for one in texts)


def _written(span: Span, source: str) -> list[str]:
    return [one.lower() for one in _WORD.findall(source[span[0] : span[1]])]


def _spelled(word: str, written: list[str]) -> _Asked:
    # One letter would find half of X, and what was written with an apostrophe inside X cuts in its own way.
    known = _spellings(word, written)
    enough = len(word) > 1 or not word.isascii()
    return _one(f'"{one}"' for one in known) if enough and known else True


def _spellings(word: str, written: Iterable[str]) -> list[str]:
    same = [one for one in written if words(one).replace(" ", "") == word]
    return list(dict.fromkeys([*same, word])) if same else []


def _all(parts: Iterable[_Asked]) -> _Asked:
    found: list[_Asked] = []
    for part in parts:
        if part is False:
            return False
        if part is not True:
            found += part.parts if isinstance(part, _All) else (part,)
    found = list(dict.fromkeys(found))
    return _All(tuple(found)) if len(found) > 1 else found[0] if found else True


def _one(parts: Iterable[_Asked]) -> _Asked:
    found: list[_Asked] = []
    for part in parts:
        if part is True:
            return True
        if part is not False:
            found += part.parts if isinstance(part, _One) else (part,)
    found = list(dict.fromkeys(found))
    return _One(tuple(found)) if len(found) > 1 else found[0] if found else False


def _fitting(asked: _Asked, most: int) -> list[str] | None:
    """Rules of ``most`` letters at the longest; None when there are none."""
    match asked:
        case True | False:
            return None
        case str():
            return [asked] if len(asked) <= most else None
        case _One():
            # Alternatives that are words are put together; the others are a rule each.
            short = [one for part in asked.parts if len(one := _text(part, inner=True)) + 2 <= most]
            found = list(_packed(short, most))
            for part in asked.parts:
                if len(_text(part, inner=True)) + 2 > most:
                    more = _fitting(part, most)
                    if more is None:
                        return None
                    found += more
            return found
        case _All():
            whole = _text(asked, inner=False)
            if len(whole) <= most:
                return [whole]
            # Fewer conditions find more: the shortest ones that fit, else one of them alone.
            kept: list[str] = []
            for text in sorted((_text(one, inner=True) for one in asked.parts), key=len):
                if len(" ".join([*kept, text])) <= most:
                    kept.append(text)
            if kept:
                return [" ".join(kept)]
            alone = (_fitting(part, most) for part in asked.parts)
            return next((rules for rules in alone if rules is not None), None)


def _packed(texts: list[str], most: int) -> Iterator[str]:
    some: list[str] = []
    for text in texts:
        if some and len(_joined([*some, text])) > most:
            yield _joined(some)
            some = []
        some.append(text)
    if some:
        yield _joined(some)


def _joined(texts: list[str]) -> str:
    # One alternative may be several words, whose brackets are its own.
    return texts[0] if len(texts) == 1 else f"({' OR '.join(texts)})"


def _text(asked: _Asked, *, inner: bool) -> str:
    """As X writes it; ``inner``: within something else, so with brackets of its own."""
    match asked:
        case _All():
            text = " ".join(_text(one, inner=True) for one in asked.parts)
            return f"({text})" if inner else text
        case _One():
            return f"({' OR '.join(_text(one, inner=True) for one in asked.parts)})"
    return str(asked)
