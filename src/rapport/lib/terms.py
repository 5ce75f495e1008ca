"""What an index holds of a text, and what to ask it: PostgreSQL text search vectors of our own terms.

The parser of PostgreSQL is not asked. A text is normalised (see ``normalise.py``) and cut: a word of a
script with spaces is one term; a run of a script without them gives every pair of neighbours and its last
character, so that any piece of it, from one character on, is found. Positions are kept, so a phrase is
neighbouring terms. Hashtags and mentions are terms of their own besides their words: ``flight`` finds
``#flight``, and ``#flight`` does not find ``flight``. Terms with a colon stand for facts of a text, such as
its channel; no word has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import regex

from rapport.lib.normalise import WITHOUT_SPACES, normalise

# PostgreSQL counts positions to 16,383 and holds a megabyte; what comes later is not in the index.
MOST_POSITIONS = 16_000
MOST_BYTES = 600_000
# A longer word is an address or noise, and is found by its beginning.
LONGEST_TERM = 60
# A longer one is found whole only.
LONGEST_BEGUN = 40
_MOST_OF_ONE = 255
_GAP = 8  # between parts of a text, so that no phrase spans two

_RUN = re.compile(WITHOUT_SPACES)
_TAG = regex.compile(r"(?<![\p{L}\p{M}\p{N}_])[#＃@＠][\p{L}\p{M}\p{N}_]+(?:[.\-@][\p{L}\p{M}\p{N}_]+)*")
_BEGINNING = regex.compile(r"[\p{L}\p{M}]+")


def vector(parts: Iterable[str], facts: Iterable[str] = ()) -> str:
    """The literal of a ``tsvector`` with the terms of a text's parts and with ``facts`` (terms with a colon)."""
    places: dict[str, list[int]] = {}
    place = size = 0
    marks: set[str] = set(facts)
    for part in parts:
        marks |= tags(part)
        for term in _terms(normalise(part)):
            place += 1
            if term in places:
                if len(places[term]) < _MOST_OF_ONE:
                    places[term].append(place)
                continue
            size += len(term.encode())
            if place > MOST_POSITIONS or size > MOST_BYTES:
                break
            places[term] = [place]
        place += _GAP
    pieces = [f"'{term}':{','.join(map(str, at))}" for term, at in places.items()]
    return " ".join([*pieces, *(f"'{mark}'" for mark in marks)])


def tags(text: str) -> set[str]:
    """The hashtags and mentions of a text as terms: ``#lostbags``, ``@aero_help``."""
    if "#" not in text and "@" not in text and "＃" not in text and "＠" not in text:
        return set()
    return {tag for match in _TAG.finditer(text) if (tag := tag_term(match.group()))}


def tag_term(word: str) -> str:
    """The term of one hashtag or mention; "" for what is none."""
    found = _TAG.fullmatch(word.rstrip(".-…!?,;:)"))
    if found is None:
        return ""
    name = normalise(found.group()[1:]).replace(" ", "_")
    return ("#" if word[0] in "#＃" else "@") + name[:LONGEST_TERM] if name else ""


def _terms(normalised: str) -> Iterator[str]:
    for word in normalised.split():
        if _RUN.match(word):
            yield from (word[n : n + 2] for n in range(len(word)))
        else:
            yield word[:LONGEST_TERM]


def asked(normalised: str) -> tuple[str, ...]:
    """The neighbouring terms by which a normalised piece of text is found.

    A run of a script without spaces at the end may go on, so its last character is no term of its own,
    unless it is the only one.
    """
    words = normalised.split()
    found: list[str] = []
    for number, word in enumerate(words):
        if _RUN.match(word) and number == len(words) - 1 and len(word) > 1:
            found += [word[n : n + 2] for n in range(len(word) - 1)]
        else:
            found += _terms(word)
    return tuple(found)


def is_run(term: str) -> bool:
    """Whether a term is of a script that is written without spaces."""
    return _RUN.match(term) is not None


def may_go_on(word: str) -> bool:
    """Whether a word of a text may be typed by its beginning: letters alone, three, or two of other alphabets."""
    least = 3 if word.isascii() else 2
    return least <= len(word) <= LONGEST_BEGUN and not is_run(word) and _BEGINNING.fullmatch(word) is not None


def quoted(term: str) -> str:
    """A term inside the literal of a ``tsquery``."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def phrase(found: Sequence[str]) -> str:
    """Terms that must be neighbours, as a ``tsquery``; a lone character of a run is any pair it begins."""
    last = quoted(found[-1]) + (":*" if is_run(found[-1]) and len(found[-1]) == 1 else "")
    return "(" + " <-> ".join([*map(quoted, found[:-1]), last]) + ")"
