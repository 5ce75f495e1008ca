"""Texts as listening compares them: the words of :func:`rapport.lib.normalise.normalise`, and what is no word.

Search and listening share that normaliser. On top of it listening

- leaves out addresses, e-mail addresses and handles, each of which becomes one word that no query has
  (:func:`plain`), so that ``delta`` is not found in ``https://delta.com`` or ``@delta_fan``, and no phrase spans
  one. Hashtags stay words: ``delta`` finds ``#delta``;
- parts Hangul from letters that are attached to it, and finds it as any piece, because particles and
  compounds are written without spaces: ``삼성`` finds ``삼성은``, ``iphone`` finds ``iPhone은``;
- reads Cyrillic and Greek letters that look like Latin ones as these, in words that mix the two.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator

import regex

from rapport.lib.normalise import WITHOUT_SPACES, Mapped, few_marks, normaliser

# Signs that a query may insist on, where they adjoin a word: C++, AT&T, C#, 50%, $5.
SIGNS = "&+#%$€£¥°"
# What an address, an e-mail address or a handle becomes.
ELSEWHERE = "ꟺ"

HANGUL = "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"
_PIECES = re.compile(f"{WITHOUT_SPACES}|[{HANGUL}]")
_RUN_OF_HANGUL = re.compile(f"[{HANGUL}]+")
_ALPHABETS = "\u0370-\u03ff\u0400-\u052f"
_MORE_TO_DO = re.compile(
    f"[a-z][{_ALPHABETS}]|[{_ALPHABETS}][a-z]|[{HANGUL}][^ {HANGUL}]|[^ {HANGUL}][{HANGUL}]"
)
_MIXED = re.compile(f"[a-z][{_ALPHABETS}]|[{_ALPHABETS}][a-z]")
# Letters by the shape of their capital or small form, whichever is the one that deceives.
_LOOK_ALIKE = str.maketrans(
    "авеёзкмнорстухцѕіјһԁԛԝӏґ" + "αβεζηικμνορτυχω",
    "abee3kmhopctyxusijhdqwlr" + "abezhikmnoptyxw",
)

_LINK = rf"(?i:https?://|www\.)[^\s<>\"“”«»{HANGUL}{WITHOUT_SPACES[1:-1]}]+"
_MAIL = r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_HANDLE = r"(?<![A-Za-z0-9_@＠])[@＠][A-Za-z0-9_]+(?:[.-][a-z0-9_]+)*(?:@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)?"
_NO_WORDS = re.compile(f"{_LINK}|{_MAIL}|{_HANDLE}")
_ADDRESS = re.compile(rf"{_LINK}|(?<![@＠]){_MAIL}")  # @ana@example.social is a handle
_LINKS = re.compile(_LINK)
_HANDLES = re.compile(_HANDLE)
TAG = regex.compile(r"(?<![\p{L}\p{M}\p{N}_&/])[#＃]([\p{L}\p{M}\p{N}_\u200c\u200d]+)")
_TICKER = re.compile(r"(?<![A-Za-z0-9_$＄])[$＄]([A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?)(?![A-Za-z0-9_$＄])")
_QUESTION = re.compile("[?？؟՞፧⸮]")
_EMOJI = regex.compile(r"(?![©®™ℹ])[\p{Extended_Pictographic}\p{Regional_Indicator}]")
_TOKEN = regex.compile(r"[\p{L}\p{M}\p{N}]+|(?![©®])[\p{Extended_Pictographic}\p{Regional_Indicator}]")
_INVISIBLE = regex.compile(r"\p{Default_Ignorable_Code_Point}|\p{Cf}")
_SIGN = re.compile(f"([{re.escape(SIGNS)}])")
_MARK = regex.compile(r"\p{M}")


def _more(normalised: str) -> str:
    if _MIXED.search(normalised):
        pieces = normalised.split()
        normalised = " ".join(one.translate(_LOOK_ALIKE) if _MIXED.search(one) else one for one in pieces)
    return " ".join(_RUN_OF_HANGUL.sub(r" \g<0> ", normalised).split())


def more_if_needed(normalised: str) -> str:
    return _more(normalised) if _MORE_TO_DO.search(normalised) else normalised


_read = normaliser(more_if_needed)


def words(text: str) -> str:
    """``text`` as words to compare, one space between them; twice is the same as once."""
    return _read(text)


def plain(text: str) -> str:
    """``text`` without what is no word, each place of its own length, so that offsets stay what they were."""
    if "@" not in text and "＠" not in text and "://" not in text and "www." not in text.lower():
        return text
    return _NO_WORDS.sub(_elsewhere, text)


def _elsewhere(match: re.Match[str]) -> str:
    return f" {ELSEWHERE}".ljust(match.end() - match.start())


def padded(literal: str) -> str:
    """Normalised words, one at least, as they are looked for in ``" " + text + " "``: a space at each end that must
    end a word.
    """
    before = "" if _PIECES.match(literal[0]) else " "
    return f"{before}{literal}{'' if _PIECES.match(literal[-1]) else ' '}"


def is_piece(character: str) -> bool:
    """Whether words of this character's script are found as any piece: Hangul, and scripts without spaces."""
    return _PIECES.match(character) is not None


class Heard:
    """One text, ready to be matched: ``text`` is its words, ``span`` leads back to the original."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = words(plain(original))

    @functools.cached_property
    def _mapped(self) -> tuple[Mapped, list[int]]:
        """The shared normaliser's map, and for each character of ``text`` its place there.

        Spaces aside the two have the same characters one by one.
        """
        mapped = Mapped(plain(self.original))
        places = [place for place, char in enumerate(mapped.text) if char != " "]
        number = itertools.count()
        return mapped, [-1 if char == " " else places[next(number)] for char in self.text]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` lies in the original; neither end of it may be a space."""
        mapped, places = self._mapped
        return mapped.span(places[start], places[end - 1] + 1)

    @functools.cached_property
    def begins(self) -> list[int]:
        """Where its words begin: see :func:`words_begin`."""
        return words_begin(self.text)


# No word of Hangul is longer, and no letter has as many marks. What is counts as several, or one text could be one
# word, and everything in it near.
_LONGEST = 30
_COUNTED = regex.compile(
    rf"[^ {HANGUL}{WITHOUT_SPACES[1:-1]}]++|[{HANGUL}]{{1,{_LONGEST}}}+|{WITHOUT_SPACES}\p{{M}}{{0,{_LONGEST}}}+"
)


def words_begin(normalised: str) -> list[int]:
    """Where the words of a text begin that are counted as being between others, and last what is behind all of it.

    In scripts without spaces each character is one, with the marks behind it.
    """
    return [*(match.start() for match in _COUNTED.finditer(normalised)), len(normalised) + 1]


def accented(text: str) -> str:
    """Words as :func:`words` writes them, but with their accents."""
    folded = unicodedata.normalize("NFKC", few_marks(re.sub("[™℠]", " ", text))).casefold()
    found = " ".join(_TOKEN.findall(_INVISIBLE.sub("", unicodedata.normalize("NFC", folded))))
    return _more(found)


def signed(text: str, *, accents: bool = False) -> str:
    """Words with those of ``SIGNS`` that adjoin them: ``AT&T`` is ``at&t``, and ``AT & T`` is ``at & t``."""
    write = accented if accents else words
    pieces = (
        "".join(piece if piece in SIGNS else write(piece) for piece in _SIGN.split(token) if piece)
        for token in unicodedata.normalize("NFKC", few_marks(text)).split()
    )
    return " ".join(filter(None, pieces))


def reads(original: str, start: int, end: int, *, symbols: str = "", accents: str = "") -> bool:
    """The second look: whether ``original[start:end]`` has the signs and accents that a leaf insists on."""
    if symbols:
        start, end = with_signs(original, start, end, symbols=symbols)
        return signed(original[start:end], accents=bool(accents)) == symbols
    return not accents or accented(original[start:end]) == accents


def with_signs(original: str, start: int, end: int, *, symbols: str) -> tuple[int, int]:
    """A place with the signs that adjoin it, at the ends where ``symbols`` has one."""
    while symbols[0] in SIGNS and start > 0 and _is_sign(original[start - 1]):
        start -= 1
    while symbols[-1] in SIGNS and end < len(original) and _is_sign(original[end]):
        end += 1
    return start, end


def _is_sign(character: str) -> bool:
    return unicodedata.normalize("NFKC", character) in SIGNS


def tag_name(name: str) -> str:
    """A hashtag without its sign, as it is compared; "" when there is nothing to compare."""
    return words(name.lstrip("#＃")).replace(" ", "_")


def tags(text: str) -> Iterator[tuple[str, int, int]]:
    """The hashtags of an original text: name, and where it stands with its sign."""
    if "#" in text or "＃" in text:
        for match in TAG.finditer(plain(text)):
            if name := tag_name(match[1]):
                yield name, match.start(), match.end()


def handle_name(handle: str) -> str:
    """A handle without its sign, as it is compared."""
    return unicodedata.normalize("NFKC", few_marks(handle.strip())).casefold().lstrip("@")


def handle_names(handle: str) -> tuple[str, ...]:
    """The names a handle answers to: itself, and without its server."""
    name = handle_name(handle)
    local = name.partition("@")[0]
    return (name,) if local == name else (name, local)


def mentions(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """The handles of an original text: their names, and where each stands with its sign."""
    if "@" in text or "＠" in text:
        for match in _HANDLES.finditer(_hidden(text)):
            yield handle_names(match.group()), match.start(), match.end()


def _hidden(text: str) -> str:
    """The text without addresses, which may hold a handle (``https://example.social/@ana``)."""
    return _ADDRESS.sub(_elsewhere, text)


def tickers(text: str) -> Iterator[tuple[str, int, int]]:
    """The signs of shares in an original text, in upper case, and where each stands with its dollar."""
    if "$" in text or "＄" in text:
        for match in _TICKER.finditer(plain(text)):
            yield match[1].upper().replace("_", "."), match.start(), match.end()


def links(text: str) -> list[str]:
    """The addresses of an original text, without the punctuation behind them."""
    return [match.group().rstrip(".,;:!?…'’)]}>") for match in _LINKS.finditer(text)]


def asks(text: str) -> bool:
    """Whether there is a question mark of any script in it, outside addresses."""
    return _QUESTION.search(text) is not None and _QUESTION.search(plain(text)) is not None


def has_emoji(text: str) -> bool:
    """Whether there is an emoji in it."""
    return _EMOJI.search(text) is not None
