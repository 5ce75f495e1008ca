"""Which of many literals are in the words of posts.

Some ten thousand are found by a few automata. They are no answer to many more: making one holds Python's lock, and
everybody waits. But most literals are whole words, and a dictionary of words finds those as quickly whatever their
number. A phrase hangs on the rarest of its words, and is looked for where that is seen. What is left then, beginnings
of words and pieces of scripts without spaces, is few.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rapport.listening.anchors import WORDS, Rarity
from rapport.listening.batch import Batch, Joined, encoded

# Literals of one automaton: to make it takes about as long as to match one batch of posts.
_LITERALS = 10_000
# Up to so many, automata find whole words too, in less time than a dictionary.
_FEW = 4 * _LITERALS
_AT_ONCE = 2_000  # literals told apart, in less than a batch of posts takes


class Automata:
    """Texts that are found wherever they are in others, by their numbers. Immutable."""

    def __init__(
        self, literals: Iterable[str], numbers: Iterable[int] | None = None, *, gently: bool
    ) -> None:
        rest = iter(literals)
        self._numbers = None if numbers is None else list(numbers)
        self._all: list[tuple[int, BytesAhoCorasick]] = []  # with the place of the first literal
        first = 0
        while some := list(map(encoded, islice(rest, _LITERALS))):
            if gently:
                time.sleep(0.0005)
            self._all.append((first, BytesAhoCorasick(some, implementation=Implementation.ContiguousNFA)))
            first += len(some)

    def __bool__(self) -> bool:
        return bool(self._all)

    def places(self, joined: Joined) -> Iterator[tuple[int, int]]:
        """Each literal that is found, and the byte behind it."""
        numbers = self._numbers
        for first, automaton in self._all:
            for literal, _, end in automaton.find_matches_as_indexes(joined.bytes, overlapping=True):
                yield first + literal if numbers is None else numbers[first + literal], end

    def seen(self, joined: Joined) -> dict[int, set[int]]:
        """The literals of each text that has one: once each, however often a text repeats them."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        for literal, end in self.places(joined):
            found[joined.number(end)].add(literal)
        return found


class Literals:
    """Padded literals by their numbers. Immutable."""

    def __init__(self, literals: Mapping[str, int], rarity: Rarity, *, gently: bool) -> None:
        self._words: dict[str, int] = {}
        # By the number of a word, or by what is less than all numbers for a word that is asked for in phrases alone.
        hung: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        phrases: list[str] = []
        pieces: dict[str, int] = {}
        few = len(literals) <= _FEW
        for done, (literal, number) in enumerate(literals.items()):
            if gently and done % _AT_ONCE == 0:
                time.sleep(0.0005)
            if few or not (literal[0] == " " == literal[-1] and len(literal) > 2):
                pieces[literal] = number
            elif " " in (word := literal[1:-1]):
                phrases.append(literal)
            else:
                self._words[word] = number
        for done, phrase in enumerate(phrases):
            if gently and done % (_AT_ONCE // 10) == 0:
                time.sleep(0.0005)
            word = min(phrase.split(), key=lambda one: rarity.of(f"{WORDS} {one} "))
            hung[self._words.setdefault(word, -1 - len(hung))].append((phrase, literals[phrase]))
        self._hung = {number: tuple(several) for number, several in hung.items()}
        self._pieces = Automata(pieces, pieces.values(), gently=gently)

    def seen(self, batch: Batch) -> dict[int, set[int]]:
        """The literals of each post that has one."""
        found = self._pieces.seen(batch.joined_words) if self._pieces else {}
        words, hung = self._words, self._hung
        if not words:
            return found
        known = words.keys()
        for number, text in enumerate(batch.words):
            if not (here := known & text.split(" ")):
                continue
            seen = {words[word] for word in here}
            for word in seen & hung.keys():
                if word < 0:
                    seen.remove(word)
                seen.update(literal for phrase, literal in hung[word] if phrase in text)
            if number in found:
                found[number] |= seen
            elif seen:
                found[number] = seen
        return found
