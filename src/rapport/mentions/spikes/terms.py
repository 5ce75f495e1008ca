"""Which terms are new in some texts against others: by log-likelihood (Dunning 1993). Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from rapport.lib.normalise import WITHOUT_SPACES, normalise
from rapport.lib.terms import tags

# The logarithm's ratio that chance alone exceeds in one of a thousand.
_UNLIKELY = 10.83
_LEAST_POSTS = 3
_PIECES = (3, 4, 5, 6)
_LONGEST_TEXT = 2000
_RUN = re.compile(f"{WITHOUT_SPACES}+")
_LINK = re.compile(r"https?://\S+")


def new_terms(texts: Iterable[str], before: Iterable[str], *, most: int = 12) -> list[tuple[str, int, int]]:
    """Words, hashtags and names that far more of ``texts`` have than of ``before``: term, and in how many of each.

    The most telling first. Of scripts without spaces pieces of three to six characters; of pieces that are in one
    another the longest that says as much.
    """
    now, then = Counter[str](), Counter[str]()
    here = there = 0
    for text in texts:
        here += 1
        now.update(_terms(text))
    for text in before:
        there += 1
        then.update(_terms(text))
    told = []
    for term, count in now.items():
        if count < _LEAST_POSTS or count * max(there, 1) <= 2 * then[term] * here:
            continue
        ratio = _log_likelihood(count, here, then[term], there)
        if ratio > _UNLIKELY or not there:
            told.append((ratio, len(term), term))
    told.sort(reverse=True)
    chosen: list[str] = []
    for _ratio, _length, term in told:
        if not any(_alike(term, other) for other in chosen):
            chosen.append(term)
            if len(chosen) == most:
                break
    return [(term, now[term], then[term]) for term in chosen]


def _alike(term: str, other: str) -> bool:
    """Whether they say the same: one in the other, or pieces of scripts without spaces that overlap."""
    if term in other or other in term:
        return True
    return _RUN.match(term) is not None and any(term[at : at + 3] in other for at in range(len(term) - 2))


def _terms(text: str) -> set[str]:
    text = _LINK.sub(" ", text[:_LONGEST_TEXT])
    found = set(tags(text))
    names = {tag[1:] for tag in found}
    for word in normalise(text).split():
        if _RUN.match(word):
            found.update(word[at : at + n] for n in _PIECES for at in range(len(word) - n + 1))
        elif len(word) > 2 and not word.isdigit() and word not in names:
            found.add(word)
    return found


def _log_likelihood(a: int, all_a: int, b: int, all_b: int) -> float:
    """Twice the logarithm of how much likelier two rates are than one."""
    rate = (a + b) / (all_a + all_b)

    def part(hits: int, tries: int) -> float:
        found = 0.0
        if hits:
            found += hits * math.log(hits / (tries * rate))
        if hits < tries and rate < 1:
            found += (tries - hits) * math.log((tries - hits) / (tries * (1 - rate)))
        return found

    return 2 * (part(a, all_a) + part(b, all_b)) if all_b else 0.0
