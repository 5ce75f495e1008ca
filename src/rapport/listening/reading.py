"""Many texts made ready quickly: :func:`read` is ``words(plain(text))`` of ``text.py``, in a fraction of the time.

Looking for addresses and handles at each place of a text costs more than everything else that is done with it.
Nearly all of them can be found by one sign and read from there; where that may not be the whole truth, the slow
way is taken.
"""

from __future__ import annotations

import re

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
_words = normaliser(more_if_needed, keep=APART)

# After the sign of an address or a handle, with nothing before the sign that could belong to it.
_SIGN = re.compile(
    rf"://[^\s<>\"“”«»{HANGUL}{WITHOUT_SPACES[1:-1]}]+|@(?:[A-Za-z0-9_]+(?:[.-][a-z0-9_]+)*@?|-)"
)
_BEFORE_HANDLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-@＠")


def read(text: str, names: list[str] | None = None) -> str:
    """``words(plain(text))``, with ``APART`` for ``ELSEWHERE``.

    To ``names``, if given, the handles and hashtags in it are added, as ``mentions`` and ``tags`` of ``text.py`` find
    them, each with its sign: ``@ana``, ``#late``.
    """
    if "@" not in text and "://" not in text:
        kept: str | None = text
    else:
        kept = _kept(text, names)
    if kept is None or "＠" in text or APART in text:
        return _slowly(text, names)
    found = _words(kept)
    # An address without its scheme is rare, and leaves a trace.
    if "www" in found and _WWW.search(found):
        return _slowly(text, names)
    if names is not None and ("#" in kept or "＃" in kept):
        names += (f"#{name}" for tag in TAG.findall(kept) if (name := tag_name(tag)))
    return found


_WWW = re.compile("www(?: |$)")


def _slowly(text: str, names: list[str] | None) -> str:
    if names is not None:
        names[:] = [f"@{name}" for found, _, _ in mentions(text) for name in found]
        names += (f"#{name}" for name, _, _ in tags(text))
    return words(plain(text)).replace(ELSEWHERE, APART)


def _kept(text: str, names: list[str] | None) -> str | None:
    """The text with one word for each address and handle; None when looking by signs is not enough."""
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
            if names is not None:
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
