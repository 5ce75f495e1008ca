"""A search as text search queries: whole, for one text's terms, and in the pieces that the index is asked for.

Pure: no database. The index is asked for one word at a time, because it then leaps from each to the next; asked for
all in one query it would look every one up for each row that has the rarest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapport.inbox.queries.search_parse import Words
from rapport.lib import terms

# By a beginning, the words in use that begin so.
Endings = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Key:
    """A text search query that the index alone answers: any of ``terms``, or, when ``begun``, any that begins as
    one of them does, which the index has to collect first."""

    terms: tuple[str, ...]
    begun: bool = False

    @property
    def query(self) -> str:
        mark = ":*" if self.begun else ""
        # Of none, one that finds nothing.
        return f"({' | '.join(terms.quoted(one) + mark for one in self.terms or ('nothing:',))})"


@dataclass(frozen=True)
class Asked:
    """``whole``: what a text must fit. ``keys``: each of them it must fit for that, told by the index. ``rest``:
    what they leave open, such as an order of words; "" when they say it all."""

    whole: str
    keys: tuple[Key, ...]
    rest: str


def asked(
    wanted: Iterable[Words],
    excluded: Iterable[Words],
    facts: Iterable[Key],
    not_facts: Iterable[Key],
    known: Endings,
) -> Asked:
    """A search of the index: every ``wanted`` and one of each of ``facts``, nothing ``excluded``, none of
    ``not_facts``. ``known``: what beginnings stand for."""
    wanted, facts = list(wanted), list(facts)
    keys: dict[Key, None] = {}
    for words in wanted:
        *before, last = words.terms
        keys |= dict.fromkeys(Key((term,)) for term in before)
        if words.goes_on:
            keys[Key(tuple(sorted({last, *known.get(last, ())})))] = None
        else:
            keys[Key((last,), begun=terms.is_run(last) and len(last) == 1)] = None
    keys |= dict.fromkeys(facts)
    out = [*(f"!{_one(words, known)}" for words in excluded), *(f"!{one.query}" for one in not_facts)]
    rest = [*(_one(words, known) for words in wanted if len(words.terms) > 1), *out]
    whole = [*(_one(words, known) for words in wanted), *(one.query for one in facts), *out]
    return Asked(" & ".join(whole), tuple(keys), " & ".join(rest))


def of_vector(
    wanted: Iterable[Words], excluded: Iterable[Words], facts: Iterable[Key], not_facts: Iterable[Key]
) -> str:
    """The same of a vector, where a beginning costs nothing."""
    parts = [*(_one(words, None) for words in wanted), *(f"!{_one(words, None)}" for words in excluded)]
    return " & ".join([*parts, *(one.query for one in facts), *(f"!{one.query}" for one in not_facts)])


def _one(words: Words, known: Endings | None) -> str:
    if not words.goes_on:
        return terms.phrase(words.terms)
    *before, last = words.terms
    if known is None:
        ends = f"{terms.quoted(last)}:*"
    else:
        ends = f"({' | '.join(map(terms.quoted, sorted({last, *known.get(last, ())})))})"
    return f"({' <-> '.join([*map(terms.quoted, before), ends])})"
