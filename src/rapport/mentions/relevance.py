"""How likely a mention deserves a look, 0 to 100, by a rule that anybody can check by hand.

==================================================================  =====
The query is about our brand / a competitor / a topic               60 / 45 / 35
What it looks for stands in the title, or begins in the first 80    +15
characters of the text
For each further thing it looks for that is there too, three at     +5
most
Eight words or more besides addresses, handles and numbers          +10
Fewer than three of them                                            -20
None of them: only addresses, handles, hashtags                     -20 more
It only repeats another post                                        -30
==================================================================  =====

Of several queries the highest counts. Nothing of it is a guess at mood or intent. Copies have no place of their own,
because they are shown under what they repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rapport.listening.text import ELSEWHERE, TAG, plain, words
from rapport.mentions.models import QueryKind

BEGINNING = 80
_OF_KIND = {QueryKind.BRAND.value: 60, QueryKind.COMPETITOR.value: 45, QueryKind.TOPIC.value: 35}

Why = Sequence[Sequence[Any]]  # [part, start, end, term] …, as in Match.why


def relevance(*, text: str, repeats: bool, matches: Iterable[tuple[str, Why]]) -> int:
    """The relevance of a post that ``matches`` found: the kind of each query, and why it matched."""
    best = max((_of_match(kind, why) for kind, why in matches), default=0)
    said = [word for word in words(plain(TAG.sub(" ", text))).split() if word != ELSEWHERE and word.isalpha()]
    if len(said) >= 8:
        best += 10
    elif len(said) < 3:
        best -= 20 if said else 40
    return max(0, min(100, best - (30 if repeats else 0)))


def _of_match(kind: str, why: Why) -> int:
    early = any(part == "title" or (part == "text" and start < BEGINNING) for part, start, _, _ in why)
    terms = {term for _, _, _, term in why}
    return _OF_KIND.get(kind, 35) + (15 if early else 0) + 5 * min(3, max(0, len(terms) - 1))
