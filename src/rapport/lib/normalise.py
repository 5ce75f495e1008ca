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
from collections.abc import Iterator

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
_EMOJI = regex.compile(r"(?![©®])[\p{Extended_Pictographic}\p{Regional_Indicator}]")
_PLAIN = str.maketrans(
    {"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t"}
)
# NFKC would write them as letters at the end of the word before.
_NOT_LETTERS = re.compile("[™℠]")
_ASCII_WORD = re.compile("[0-9A-Za-z]+")
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


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


def normalise(text: str) -> str:
    """``text`` as words to compare; "" when it holds none. Total, and twice is the same as once."""
    if text.isascii():
        return " ".join(text.translate(_ASCII).split())
    # Nothing composes over a space, so words can be looked up one by one, and most were met before.
    return " ".join(filter(None, map(_word, text.split())))


def _word(word: str) -> str:
    return _known(word) if len(word) <= _LONGEST_KNOWN else _words(word)


def _words(text: str) -> str:
    composed = unicodedata.normalize("NFKC", _NOT_LETTERS.sub(" ", text))
    # What stood between two characters may be gone now, so they may compose.
    folded = unicodedata.normalize("NFKC", composed.translate(_FOLDING))
    return " ".join(_RUN_WITHOUT.sub(r" \g<0> ", folded).split())


_LONGEST_KNOWN = 24
_known = functools.lru_cache(maxsize=50_000)(_words)


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
        yield match.start(), match.end(), normalise(cluster).replace(" ", "")
