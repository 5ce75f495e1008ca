"""A text in several posts: where it may be cut, and where a limit falls. Pure; the network's counting comes in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex

# How a piece is counted, with all that goes along: whether it fits into one post.
Fits = Callable[[str], bool]

# Addresses, handles and hashtags are never cut. Chinese and Japanese follow an address without a space.
_WHOLE = regex.compile(
    r"(?:https?://|www\.)[^\s\p{Han}\p{Hiragana}\p{Katakana}、。「」（）]+|[@＠#＃$][\w.\-]+(?:@[\w.\-]+\w)?",
    regex.IGNORECASE,
)
# A word: letters, with what joins them. In Chinese and Japanese a line may end behind nearly every character.
_WORD = regex.compile(r"(?:(?![\p{Han}\p{Hiragana}\p{Katakana}])[\p{L}\p{M}\p{N}\p{Pc}'’.,:;!?%&/\-\u200d])+")
# Thai and Lao vowels that belong to the consonant behind them, and to the one before them.
_HOLDS_NEXT = frozenset("เแโใไເແໂໃໄ")
_HELD_BY_LAST = frozenset("ะาำๅๆฯະາຳໆ")
_GRAPHEME = regex.compile(r"\X")
_SPACE = regex.compile(r"\s")
# Here a sentence ends; closing quotes and brackets still belong to it.
_SENTENCE = regex.compile(r"[.!?…؟۔।॥]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[」』”’）]*|\n")
# No line and no post begins with these.
_NOT_FIRST = regex.compile(
    r"[\p{Pe}\p{Pf}、。，．！？：；ー々〻ぁぃぅぇぉっゃゅょァィゥェォッャュョๆ%.,:;!?…]"
)
# A sentence's end is preferred unless the post would be emptier than this.
_FULL_ENOUGH = 0.5


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One post. ``text``: as it goes out; ``typed``: its stretch of what was written, spaces included, so that
    all of them together are the whole again."""

    text: str
    typed: str


class TooLongToCut(ValueError):
    """Something that must stay whole (an address, say) does not fit into one post. ``word``: what."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True)
class _Cut:
    """A place where a text may be cut. ``rank``: 3 the end of a sentence, 2 between words, 1 inside one."""

    at: int
    rank: int


def fitting(text: str, fits: Fits) -> int:
    """Where the limit falls: how many characters of ``text`` fit. What must stay whole is in or out."""
    ends = [cut.at for cut in _cuts(text)]
    return _last_fitting(text, 0, ends, fits)


def split(
    text: str, *, fits: Fits, last: Callable[[str], str] = lambda piece: piece, numbered: bool = False
) -> list[Piece]:
    """``text`` in as few posts as its sentences and words allow.

    ``last`` adds what only the last post has (the signature); ``numbered`` puts 1/3, 2/3 … behind each. Nothing
    but spaces at the cuts is lost, and ``typed`` keeps these too. Raises :class:`TooLongToCut`.
    """
    if fits(last(text)):
        return [Piece(text=last(text), typed=text)]
    cuts, digits = list(_cuts(text)), 1
    while True:
        # Every digit counts the same, so room for zeros is room for the numbers.
        room = f" {'0' * digits}/{'0' * digits}" if numbered else ""
        spans = _spans(text, cuts, _Rule(fits, last, room))
        if not numbered or len(str(len(spans))) <= digits:
            return _posts(spans, text, last=last, numbered=numbered)
        digits += 1


def _posts(
    spans: list[tuple[int, int]], text: str, *, last: Callable[[str], str], numbered: bool
) -> list[Piece]:
    posts = []
    for number, (start, end) in enumerate(spans, start=1):
        words = text[start:end].strip()
        if numbered:
            words = f"{words} {number}/{len(spans)}"
        posts.append(Piece(text=last(words) if number == len(spans) else words, typed=text[start:end]))
    return posts


@dataclass(frozen=True)
class _Rule:
    fits: Fits
    last: Callable[[str], str]
    room: str

    def takes(self, piece: str) -> bool:
        return self.fits(piece + self.room)

    def takes_last(self, piece: str) -> bool:
        return self.fits(self.last(piece + self.room))


def _spans(text: str, cuts: list[_Cut], rule: _Rule) -> list[tuple[int, int]]:
    """From where to where each post goes: every one as full as it may be."""
    spans: list[tuple[int, int]] = []
    ends = [cut.at for cut in cuts]
    start = 0
    while True:
        rest = text[start:]
        first = bisect_right(ends, start + len(rest) - len(rest.lstrip()))
        end = _last_fitting(text, start, ends[first:], rule.takes)
        if end == len(text):
            if rule.takes_last(rest.strip()):
                return [*spans, (start, end)]
            # It fits but for the signature, so the last post gets some of its words.
            end = ends[-2] if len(ends) - first > 1 else start
        if end <= start:
            raise TooLongToCut(text[start : ends[first]].strip())
        end = _best(start, end, cuts, ends)
        spans.append((start, end))
        start = end


def _best(start: int, end: int, cuts: list[_Cut], ends: list[int]) -> int:
    """The best place at or before ``end``: a sentence's end if the post stays full enough, else between words."""
    least = start + (end - start) * _FULL_ENOUGH
    until = bisect_right(ends, end)
    between = 0
    for number in range(until - 1, -1, -1):
        cut = cuts[number]
        if cut.at <= start:
            break
        if cut.rank == 3 and cut.at >= least:
            return cut.at
        if cut.rank >= 2 and not between:
            between = cut.at
        if cut.at < least and between:
            break
    return between or end


def _last_fitting(text: str, start: int, ends: list[int], fits: Fits) -> int:
    """The last of ``ends`` up to which the text from ``start`` fits; ``start`` when none does.

    Counting grows with the text but for an address that ends being one, so what the halving found is walked on
    from while it fits. Only a stretch that grows by doubling is looked at: a long text is not counted as a whole.
    """

    def good(number: int) -> bool:
        return fits(text[start : ends[number]].strip())

    if not ends or not good(0):
        return start
    low, step = 0, 1
    while low + step < len(ends) and good(low + step):
        low += step
        step *= 2
    high = min(low + step, len(ends))
    while high - low > 1:
        middle = (low + high) // 2
        if good(middle):
            low = middle
        else:
            high = middle
    while low + 1 < len(ends) and good(low + 1):
        low += 1
    return ends[low]


def _cuts(text: str) -> Iterator[_Cut]:
    """Every place where ``text`` may be cut, in order; its end is the last."""
    whole = sorted(found.span() for found in _WHOLE.finditer(text))
    words = [found.span() for found in _WORD.finditer(text)]
    sentences = {found.end() for found in _SENTENCE.finditer(text)}
    kept, held = _Spans(whole), _Spans(words)
    for found in _GRAPHEME.finditer(text):
        at = found.end()
        if at == len(text):
            yield _Cut(at, 3)
            return
        if kept.inside(at) or found[0] in _HOLDS_NEXT or text[at] in _HELD_BY_LAST:
            continue
        if at in sentences:
            yield _Cut(at, 3)
        elif _SPACE.match(text, at):
            yield _Cut(at, 2)
        elif _NOT_FIRST.match(text, at) or found[0].isspace() or held.inside(at):
            yield _Cut(at, 1)
        else:
            yield _Cut(at, 2)


class _Spans:
    """Stretches of a text, asked for places in growing order."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._spans = spans
        self._next = 0

    def inside(self, at: int) -> bool:
        """Whether ``at`` is between two characters of one of them."""
        while self._next < len(self._spans) and self._spans[self._next][1] <= at:
            self._next += 1
        return self._next < len(self._spans) and self._spans[self._next][0] < at
