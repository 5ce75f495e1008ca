"""How near words are: from the first word to the last of what a NEAR asks for.

A text may be made of nothing but the words of a query, and then there are places without number. So they are not
told apart: for each character where one begins, its ends are the bits of a number, and what is near is found for
all ends of a beginning at once. The time is that of the text's length, whatever is in it; how much one beginning
can reach is bounded by the parser (``MOST_BETWEEN``) and by ``text.words_begin``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from rapport.listening.text import words_begin
from rapport.listening.tree import Emoji, Near, OneLetter, Prefix, Span, Term

# Where something begins, and its ends: bit n is set when one is n characters on.
Extents: TypeAlias = dict[int, int]


def extents(spans: Iterable[Span]) -> Extents:
    """The same places, by their beginnings."""
    found: Extents = {}
    for start, end in spans:
        found[start] = found.get(start, 0) | 1 << (end - start)
    return found


def either(several: Iterable[Extents]) -> Extents:
    """The places of all of them."""
    found: Extents = {}
    for one in several:
        for start, ends in one.items():
            found[start] = found.get(start, 0) | ends
    return found


def near_extents(node: Near, parts: Sequence[Extents], begins: Sequence[int]) -> Extents:
    """From the first word to the last of every way to take one place of each part, close enough.

    ``begins`` are the offsets where the words of the text begin, and one behind it (``text.words_begin``).
    """
    if not all(parts):
        return {}
    if len(parts) > 2:
        return _together(node, parts, begins)
    first, second = parts
    found = _followed(first, second, node.n, begins)
    if node.ordered or first == second:
        return found
    return either((found, _followed(second, first, node.n, begins)))


def _together(node: Near, parts: Sequence[Extents], begins: Sequence[int]) -> Extents:
    """Of three and more words: in any order one after the other, and all of it not too many words long."""
    everything = (1 << len(parts)) - 1
    found = {1 << number: part for number, part in enumerate(parts)}  # by which parts are in it, as bits
    for taken in range(1, everything + 1):
        last = [number for number in range(len(parts)) if taken >> number & 1]
        if len(last) > 1:
            if node.ordered:
                last = last[-1:]
            found[taken] = either(
                _followed(found[taken ^ 1 << number], parts[number], node.n, begins) for number in last
            )
    longest = node.n + sum(map(_words_in, node.parts))
    return {
        start: ends
        for start, all_ends in found[everything].items()
        if (ends := all_ends & _up_to(_place(begins, bisect_left(begins, start + 1) + longest - 1), start))
    }


def _words_in(part: object) -> int:
    if not isinstance(part, Term | Prefix | OneLetter | Emoji):
        raise ValueError(f"a {type(part).__name__} cannot be among three or more that are near")
    return len(words_begin(part.text)) - 1


def _place(begins: Sequence[int], number: int) -> int:
    """Where the word of this number begins; of numbers there are no words for, what is behind the text."""
    return begins[min(number, len(begins) - 1)]


def _up_to(end: int, start: int) -> int:
    return (1 << (end - start + 1)) - 1


def _followed(first: Extents, second: Extents, most: int, begins: Sequence[int]) -> Extents:
    """From where ``first`` begins to where ``second`` ends, when that begins behind it with ``most`` words between."""
    starts = sorted(second)
    # Neighbouring beginnings are taken together by two overlapping runs of 2ⁿ; here by n, for whom and which.
    asked: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for start, ends in first.items():
        for begin, end in _reached(start, ends, most, begins):
            low, high = bisect_left(starts, begin), bisect_left(starts, end)
            if low < high:
                power = (high - low).bit_length() - 1
                asked[power] += ((start, low), (start, high - (1 << power)))
    found: Extents = {}
    run = [second[start] for start in starts]
    for power in range(max(asked, default=-1) + 1):
        if power:
            half = 1 << power - 1
            run = [
                run[at] | run[at + half] << (starts[at + half] - starts[at]) for at in range(len(run) - half)
            ]
        for start, at in asked[power]:
            found[start] = found.get(start, 0) | run[at] << (starts[at] - start)
    return found


def _reached(start: int, ends: int, most: int, begins: Sequence[int]) -> Iterator[Span]:
    """The pieces of the text in which may begin what follows one of ``ends``, with ``most`` words between."""
    while ends:
        last = start + (ends & -ends).bit_length() - 1
        begin = last
        while True:
            behind = _place(begins, bisect_left(begins, last) + most + 1)
            # Of all ends in the piece the last reaches farthest.
            farther = start + (ends & _up_to(behind - 1, start)).bit_length() - 1
            if farther == last:
                break
            last = farther
        yield begin, behind
        ends = ends >> (behind - start) << (behind - start)
