"""One way of writing for every text, so that search and listening compare words and not their spelling.

What :func:`normalise` makes of a text: words in lower case without accents, one space between them, and
spaces around every run of a script that is written without spaces. Two texts that a reader would call
the same become the same, however they were composed:

- compatibility forms are resolved and letters lowered (NFKC and full case folding): ``Ｆｌｉｇｈｔ``, ``ﬂight``;
- accents of Latin, Greek and Cyrillic letters, vowel points of Hebrew and Arabic and the tatweel are left
  out, and letters with a stroke or joined are spelled plainly: ``č`` is ``c``, ``đ`` is ``d``, ``æ`` is ``ae``;
- marks of Indic, Thai and other scripts are letters there, and stay; so do the marks of kana;
- invisible characters (joiners, direction marks, soft hyphens, variation selectors) are left out;
- an emoji is a word; everything else that is neither letter, mark nor digit, also ``_``, separates words.

Scripts without spaces: Thai, Lao, Khmer, Myanmar, Chinese characters, kana, bopomofo.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator

import regex

# Thai and Lao, Myanmar, Khmer, CJK radicals to kana and bopomofo, ideographs, compatibility ideographs, half-width
# kana, ideographs of the second and third plane; in brackets, for patterns.
WITHOUT_SPACES = (
    r"[\u0E00-\u0EFF\u1000-\u109F\uA9E0-\uA9FF\uAA60-\uAA7F\u1780-\u17FF\u2E80-\u2FDF\u3005-\u3007\u3021-\u30FF"
    r"\u3105-\u312F\u31A0-\u31BF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\uFF66-\uFF9F"
    r"\U00020000-\U0003FFFF]"
)
_RUN_WITHOUT = re.compile(rf"{WITHOUT_SPACES}+")
_ACCENT = regex.compile(
    r"[\u0300-\u036F\u0483-\u0489\u0591-\u05C7\u0610-\u061A\u0640\u064B-\u065F\u0670\u06D6-\u06DC\u06DF-\u06E8"
    r"\u06EA-\u06ED\u08D3-\u08FF\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F]+"
)
_INVISIBLE = regex.compile(r"\p{Default_Ignorable_Code_Point}|\p{Cf}")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]")
# No script stacks as many, and composing takes time in the square of a run, which a stranger may make long.
_MANY_MARKS = regex.compile(r"(\p{M}{30})\p{M}+")
_EMOJI = regex.compile(r"(?![©®])[\p{Extended_Pictographic}\p{Regional_Indicator}]")
_PLAIN = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t"}
)
# NFKC would write them as letters at the end of the word before.
_NOT_LETTERS = re.compile("[™℠]")
_ASCII_WORD = re.compile("[0-9A-Za-z]+")
# Of UTF-8: ASCII letters lowered, other ASCII but digits a space, and every byte of another character as it is.
_BYTES = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() and code < 128 else 32 if code < 128 else code
    for code in range(256)
)
# Letters and marks of Thai, kana and the most used ideographs that fold to themselves and, but for their order,
# stand beside each other without composing: most of what is written without spaces, and rarely the same twice.
_AS_THEY_ARE = re.compile(
    r"[\u0E01-\u0E3A\u0E40-\u0E4E\u0E50-\u0E59\u3005-\u3007\u3041-\u3096\u309D\u309E\u30A1-\u30FA\u30FC-\u30FE"
    r"\u3400-\u4DBF\u4E00-\u9FFF]+"
).fullmatch


class _Folding(dict[int, str]):
    """What each composed character becomes, worked out the first time it is met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


def _fold(char: str) -> str:
    if _EMOJI.match(char):
        return f" {char} "
    if _INVISIBLE.match(char):
        return ""
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    plain = unicodedata.normalize("NFKC", _ACCENT.sub("", spelled)).translate(_PLAIN)
    return "".join(one if _WORD.match(one) else "" if _INVISIBLE.match(one) else " " for one in plain)


_FOLDING = _Folding()


def few_marks(text: str) -> str:
    """``text`` with runs of combining marks cut to thirty, so that it can be composed in time of its length."""
    return _MANY_MARKS.sub(r"\1", text) if len(text) > 30 and not text.isascii() else text


def normaliser(more: Callable[[str], str] | None = None, *, keep: str = "") -> Callable[[str], str]:
    """:func:`normalise`, or one that goes on with what it finds: ``more`` is given normalised words, one or several
    with a space between them, and gives some back. It must treat each word alone, because results are kept.
    ``keep`` are ASCII signs that are as good as letters.
    """
    pieces = _Pieces(more)
    table = bytes(
        code if code < 128 and chr(code) in keep else becomes for code, becomes in enumerate(_BYTES)
    )

    def normalise(text: str) -> str:
        # Surrogates without their other half come with JSON; they separate words.
        plain = text.encode("utf-8", "surrogatepass").translate(table).decode("utf-8", "surrogatepass")
        if plain.isascii():
            return " ".join(plain.split())
        # Nothing composes over a space or what became one, so pieces can be looked up, and most were met before.
        found = " ".join([one if one.isascii() else pieces[one] for one in plain.split()])
        while "  " in found:  # beside pieces that became nothing
            found = found.replace("  ", " ")
        return found.strip(" ")

    return normalise


class _Pieces(dict[str, str]):
    """What pieces between ASCII separators, which are not ASCII, become; "" for nothing.

    Those that are likely to come again are kept. It starts anew when it is full, which costs less than keeping
    the order of use: what is common is back at once.
    """

    def __init__(self, more: Callable[[str], str] | None) -> None:
        self._more = more

    def __missing__(self, piece: str) -> str:
        if _AS_THEY_ARE(piece):
            return unicodedata.normalize("NFKC", few_marks(piece))
        found = _words(piece)
        if self._more is not None:
            found = self._more(found)
        if len(piece) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[piece] = found
        return found


_LONGEST_KEPT = 24
_MOST_KEPT = 65_536  # some 15 MB
_normalise = normaliser()


def normalise(text: str) -> str:
    """``text`` as words to compare; "" when it holds none. Total, and twice is the same as once."""
    return _normalise(text)


def _words(text: str) -> str:
    """What :func:`normalise` says, in as many steps; ``text`` may be anything."""
    if "™" in text or "℠" in text:
        text = _NOT_LETTERS.sub(" ", text)
    folded = unicodedata.normalize("NFKC", few_marks(text)).translate(_FOLDING)
    if not folded.isascii():
        folded = few_marks(folded)  # some were two
        # What stood between two characters may be gone now, so they may compose.
        folded = _RUN_WITHOUT.sub(r" \g<0> ", unicodedata.normalize("NFKC", folded))
    return " ".join(folded.split())


class Mapped:
    """A normalised text that knows where each of its characters came from.

    ``text`` equals ``normalise(original)``; ``span(start, end)`` is the piece of the original, as a pair of
    offsets, that became ``text[start:end]``, never cutting a character from its marks.
    """

    def __init__(self, original: str) -> None:
        self.text = normalise(original)
        self._starts: list[int] = []
        self._ends: list[int] = []
        if original.isascii():
            self._align_ascii(original)
        else:
            self._align(original)

    def _align_ascii(self, original: str) -> None:
        """Letters and digits stand for themselves, and one space for whatever is between them."""
        for match in _ASCII_WORD.finditer(original):
            if self._starts:
                self._point(match.start(), match.start())
            self._starts += range(match.start(), match.end())
            self._ends += range(match.start() + 1, match.end() + 1)

    def _align(self, original: str) -> None:
        """Fold piece by piece, and walk along the whole text's own folding, which leads."""
        place = 0
        for start, end, piece in _pieces(original):
            for char in piece:
                while place < len(self.text) and self.text[place] == " ":
                    self._point(start, start)
                    place += 1
                if place < len(self.text) and self.text[place] == char:
                    self._point(start, end)
                    place += 1
        while len(self._starts) < len(self.text):
            self._point(len(original), len(original))

    def _point(self, start: int, end: int) -> None:
        self._starts.append(start)
        self._ends.append(end)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` lies in the original; ``start < end``."""
        return self._starts[start], max(self._ends[start:end])


def _pieces(original: str) -> Iterator[tuple[int, int, str]]:
    """Each character with its marks: its offsets, and what it becomes without spaces."""
    for match in regex.finditer(r"\X", original):
        cluster = match.group()
        known = _character if len(cluster) <= _LONGEST_KEPT else _character.__wrapped__
        yield match.start(), match.end(), known(cluster)


# The characters of a language come again and again.
@functools.lru_cache(maxsize=4096)
def _character(cluster: str) -> str:
    return normalise(cluster).replace(" ", "")
