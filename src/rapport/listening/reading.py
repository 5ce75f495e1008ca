"""Many texts made ready quickly: :func:`read` is ``words(plain(text))`` of ``text.py``, in a fraction of the time.

Looking for addresses and handles at each place of a text costs more than everything else that is done with it.
Nearly all of them can be found by one sign and read from there; where that may not be the whole truth, the slow
way is taken. :func:`read_many` does that with some hundred texts joined, because each step costs more to begin than
to do for one text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from rapport.lib.normalise import WITHOUT_SPACES, normaliser
from rapport.listening.text import (
    ELSEWHERE,
    HANGUL,
    TAG,
    mentions,
    more_if_needed,
    plain,
    tag_name,
    tags,
    words,
)

# What stands here for ``ELSEWHERE``: most texts are ASCII, and are read faster if they stay so.
APART = "\x1a"
# Between texts that are read together.
BETWEEN = "\x03"
_words = normaliser(more_if_needed, keep=APART)
_words_of_many = normaliser(more_if_needed, keep=APART + BETWEEN)

# After the sign of an address or a handle, with nothing before the sign that could belong to it.
_SIGN = re.compile(
    rf"://[^\s<>\"“”«»{HANGUL}{WITHOUT_SPACES[1:-1]}]+|@(?:[A-Za-z0-9_]+(?:[.-][a-z0-9_]+)*@?|-)"
)
_BEFORE_HANDLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-@＠")


def read(text: str) -> str:
    """``words(plain(text))``, with ``APART`` for ``ELSEWHERE``."""
    kept = _kept(text, [])
    if kept is None or "＠" in text or APART in text:
        return _slowly(text)
    found = _words(kept)
    # An address without its scheme is rare, and leaves a trace.
    return _slowly(text) if "www" in found and _WWW.search(found) else found


def read_names(text: str) -> list[str]:
    """The handles and hashtags in a text, as ``mentions`` and ``tags`` of ``text.py`` find them, each with its sign:
    ``@ana``, ``#late``.
    """
    found: list[str] = []
    kept = _kept(text, found)
    if kept is None or "＠" in text or APART in text or "www" in kept.lower():
        found = [f"@{name}" for names, _, _ in mentions(text) for name in names]
        return [*found, *(f"#{name}" for name, _, _ in tags(text))]
    if "#" in kept or "＃" in kept:
        found += (f"#{name}" for tag in TAG.findall(kept) if (name := _tag_name(tag)))
    return found


_tag_name = functools.lru_cache(maxsize=4096)(tag_name)
_WWW = re.compile("www(?: |$)")


def _slowly(text: str) -> str:
    return words(plain(text)).replace(ELSEWHERE, APART)


def _kept(text: str, names: list[str]) -> str | None:
    """The text with one word for each address and handle, which is added to ``names``; None when looking by signs is
    not enough.
    """
    if "@" not in text and "://" not in text:
        return text
    pieces = []
    last = 0
    for match in _SIGN.finditer(text):
        start, end = match.span()
        if text[start] == "@":
            if (start > last and text[start - 1] in _BEFORE_HANDLE) or (start == last and last):
                return None
            # A short one has no room for a space behind the word that stands for it.
            if end - start < 3 or text[end - 1] == "@":
                return None
            name = text[start:end].lower()
            if "www" in name:
                return None
            names.append(name)
        else:
            scheme = text[max(last, start - 5) : start]
            if scheme == "https":
                start -= 5
            elif scheme[-4:] == "http":
                start -= 4
            else:
                return None
        pieces.append(text[last:start])
        last = end
    if not last:
        return text
    pieces.append(text[last:])
    return _PLACE.join(pieces)


_PLACE = f" {APART} "


# As above, and only what surely is all of an address or a handle: what is left of signs then is looked at slowly.
_SURE = re.compile(
    rf"://(?:(?<=https://)|(?<=http://))[^\s{BETWEEN}<>\"“”«»{HANGUL}{WITHOUT_SPACES[1:-1]}]++"
    r"|@(?<![A-Za-z0-9._%+\-@＠]@)[A-Za-z0-9_]{2,}+(?:[.-][a-z0-9_]++)*+(?!@|[A-Za-z]{0,5}://)"
)
_SCHEME = re.compile(f"https?(?={_PLACE})")
_LEFT = re.compile("@(?=[A-Za-z0-9_-])|://|＠")


def read_many(texts: Sequence[str]) -> list[str]:
    """:func:`read` of each text, padded: with a space at each end, or nothing but spaces."""
    found = [""] * len(texts)
    # Apart, for what is ASCII is read faster, and one letter that is not makes all of a joined text another.
    for are_ascii in (True, False):
        numbers = [number for number, text in enumerate(texts) if text.isascii() is are_ascii]
        if numbers:
            for number, words_of_one in zip(numbers, _together([texts[n] for n in numbers]), strict=True):
                found[number] = words_of_one
    return found


def _together(texts: list[str]) -> list[str]:
    """The words of texts, padded."""
    slow: dict[int, str] = {}
    joined = f" {BETWEEN} ".join(texts)
    if APART in joined or joined.count(BETWEEN) >= len(texts):
        slow = {n: text for n, text in enumerate(texts) if APART in text or BETWEEN in text}
        joined = f" {BETWEEN} ".join("" if n in slow else text for n, text in enumerate(texts))
    if "@" in joined or "://" in joined or "＠" in joined:
        joined = _SURE.sub(_PLACE, joined)
        slow |= ((number, texts[number]) for number in _numbers(_LEFT.finditer(joined), joined))
        # Of an address the scheme is left, with no space behind it; once, for ``httphttps://a`` has a word before it.
        joined = _SCHEME.sub("", joined)
    joined = f" {_words_of_many(joined)} "
    if "www " in joined:
        slow |= ((number, texts[number]) for number in _numbers(_WWW.finditer(joined), joined))
    found = joined.split(BETWEEN)
    for number, text in slow.items():
        found[number] = f" {_slowly(text)} "
    return found


def _numbers(places: Iterator[re.Match[str]], joined: str) -> Iterator[int]:
    """Of which of the joined texts something was found in; they come in order, so that each piece is counted once."""
    number = last = 0
    for place in places:
        number += joined.count(BETWEEN, last, place.start())
        last = place.start()
        yield number
