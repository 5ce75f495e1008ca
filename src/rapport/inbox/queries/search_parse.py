"""What somebody typed into the search box, understood: words, phrases, what is left out, and fields.

Pure: no database. What a field's value means is looked up in ``search_resolve.py``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from rapport.inbox.queries.search_fields import BY_NAME, FIELDS, NotUnderstood
from rapport.lib import terms
from rapport.lib.near import near_matches
from rapport.lib.normalise import normalise
from rapport.lib.text import storable

LONGEST_QUERY = 200
MOST_TERMS = 16
_QUOTES = '"“”„‟«»＂'
_TOKEN = re.compile(
    rf"""(?P<no>[-−–])?
        (?:(?P<field>[A-Za-z]{{2,20}}):(?![/\\:]))?
        (?:[{_QUOTES}](?P<quoted>[^{_QUOTES}]*)(?:[{_QUOTES}]|$)|(?P<bare>\S*))""",
    re.X,
)
_VALUE = re.compile(r"[\w@#＃＠+-]")


@dataclass(frozen=True, kw_only=True)
class Words:
    """A word or a phrase. ``terms``: neighbours in the index, never empty. ``goes_on``: the last may be
    the beginning of a longer word. ``normalised``: how it looks in a normalised text, for marking; a hashtag
    or mention keeps its sign in ``terms`` only."""

    terms: tuple[str, ...]
    normalised: str
    goes_on: bool = False


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """One field as it was typed: any of ``values`` must fit, or none when ``excluded``."""

    name: str
    values: tuple[str, ...]
    excluded: bool = False


@dataclass(frozen=True, kw_only=True)
class Query:
    """A search. ``words`` and ``phrases`` must all be in one text, ``excluded`` not; every field must fit."""

    words: tuple[Words, ...] = ()
    phrases: tuple[Words, ...] = ()
    excluded: tuple[Words, ...] = ()
    fields: tuple[Narrowing, ...] = field(default=())

    @property
    def wanted(self) -> tuple[Words, ...]:
        return (*self.words, *self.phrases)

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing that could be found: no letter, digit, emoji or field."""
        return not (self.wanted or self.fields)


def parse_query(text: str) -> Query:
    """``text`` as a search. Raises NotUnderstood, with what to do instead, for an unknown field, a field without a
    value or with one it does not take, and for what only says what to leave out."""
    text = storable(text)
    if len(text) > LONGEST_QUERY:
        raise NotUnderstood(_("Search for fewer words."))
    words: list[Words] = []
    phrases: list[Words] = []
    excluded: list[Words] = []
    fields: list[Narrowing] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        # The pattern takes any character that is no space, so it always gets on.
        place = max(match.end(), place + 1) if match else place + 1
        if match is None:
            continue
        name, quoted = match["field"], match["quoted"]
        value = quoted if quoted is not None else match["bare"]
        if name and (quoted is not None or _is_value(name, value)):
            fields.append(_narrowing(name.lower(), value, quoted is not None, match["no"] is not None))
            continue
        if name:
            value = f"{name}:{value}"
        found = _words(value, exact=quoted is not None)
        if found is None:
            continue
        if match["no"]:
            excluded.append(found)
        elif quoted is not None:
            phrases.append(found)
        else:
            words.append(found)
    query = Query(words=tuple(words), phrases=tuple(phrases), excluded=tuple(excluded), fields=tuple(fields))
    _check(query)
    return query


def _check(query: Query) -> None:
    if len(query.wanted) + len(query.excluded) + len(query.fields) > MOST_TERMS:
        raise NotUnderstood(_("Search for fewer words."))
    if query.excluded and not query.wanted:
        raise NotUnderstood(_("Add a word to look for: a search cannot only leave words out."))


def _is_value(name: str, value: str) -> bool:
    """Whether ``name:value`` is a field and not a text with a colon: ``is:``, ``tag:x``, but not ``hm:)``."""
    return name.lower() in BY_NAME or _VALUE.match(value) is not None


def _narrowing(name: str, value: str, quoted: bool, excluded: bool) -> Narrowing:
    known = BY_NAME.get(name)
    if known is None:
        names = ", ".join(f"{one.name}:" for one in FIELDS)
        raise NotUnderstood(
            _(
                "There is no field “%(name)s:”%(near)s Fields are %(names)s. To find the words themselves, put them in quotes."
            )
            % {"name": name, "near": near_matches(name, BY_NAME), "names": names}
        )
    values = (value.strip(),) if quoted else tuple(one.strip() for one in value.split(",") if one.strip())
    if not values or not values[0]:
        raise NotUnderstood(
            _("Write after “%(name)s:” what it should be, without a space, such as %(example)s.")
            % {"name": name, "example": known.example}
        )
    if known.once and (excluded or len(values) > 1):
        raise NotUnderstood(
            _("“%(name)s:” takes one day and cannot be left out with a minus.") % {"name": name}
        )
    if known.values is not None:
        values = tuple(one.lower() for one in values)
        for one in values:
            if one not in known.values:
                raise NotUnderstood(
                    _("“%(name)s:” does not know “%(value)s”. It takes %(values)s.")
                    % {"name": name, "value": one, "values": ", ".join(known.values)}
                )
    return Narrowing(name=name, values=values, excluded=excluded)


def _words(text: str, *, exact: bool) -> Words | None:
    """The terms of a word or, when ``exact``, a phrase; None when it has no letter, digit or emoji."""
    normalised = normalise(text)
    if not normalised:
        return None
    tag = "" if exact or " " in text.strip() else terms.tag_term(text)
    if tag:
        return Words(terms=(tag,), normalised=normalised, goes_on=_goes_on(text) and len(tag) > 3)
    found = terms.asked(normalised)
    goes_on = not exact and _goes_on(text) and terms.may_go_on(found[-1])
    return Words(terms=found, normalised=normalised, goes_on=goes_on)


def _goes_on(text: str) -> bool:
    """Whether the text ends within a word: in a letter, a digit or a mark."""
    return unicodedata.category(text[-1])[0] in "LNM"


def words_of(text: str) -> tuple[Words, ...]:
    """Each word of a name, for a field that looks in texts."""
    return tuple(found for word in text.split() if (found := _words(word, exact=False)) is not None)
