"""What a search's fields mean for this reader: names become ids, days become times, all become conditions.

Names are looked for among what the reader may see, by whole name first and then by the beginnings of its
words, without accents or letter case; a name that fits nothing is an error that says what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from rapport.brands.models import Brand, Channel
from rapport.inbox.models import Tag
from rapport.inbox.queries.search_days import period
from rapport.inbox.queries.search_fields import BY_NAME, NotUnderstood
from rapport.inbox.queries.search_parse import Narrowing, Query
from rapport.inbox.queries.search_terms import Key
from rapport.lib.near import near_matches
from rapport.lib.normalise import normalise
from rapport.networks.registry import connectors
from rapport.staff.models import Team, User

_IS = {
    "open": "c.status = 'open'",
    "closed": "c.status = 'closed'",
    "snoozed": "c.status = 'snoozed'",
    "waiting": "(c.status = 'open' AND c.waiting_since IS NOT NULL)",
    "unassigned": "c.assignee_id IS NULL",
    "mine": "c.assignee_id = %(s_me)s",
    "private": "c.visibility = 'private'",
    "public": "c.visibility = 'public'",
    "spam": "(c.status = 'closed' AND c.close_reason = 'spam')",
}
_HAS_NOTE = "EXISTS (SELECT FROM inbox_note n WHERE n.case_id = c.id)"
# Case numbers are what PostgreSQL calls a bigint.
_MOST_DIGITS = 18


@dataclass
class Meaning:
    """``cases``: conditions on ``inbox_case c``, with ``params``. ``channels``: ids that a message may have
    come to, None for any of the brands'. ``facts``, ``not_facts``: what a message's facts must and must not be. ``since``
    and ``until``: when it was said. ``authors``, ``not_authors``: phrases of names."""

    cases: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    channels: set[int] | None = None
    facts: list[Key] = field(default_factory=list)
    not_facts: list[Key] = field(default_factory=list)
    positive: bool = False
    since: datetime | None = None
    until: datetime | None = None
    authors: list[tuple[str, ...]] = field(default_factory=list)
    not_authors: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, condition: str, excluded: bool, **params: Any) -> None:
        self.cases.append(f"NOT coalesce({condition}, false)" if excluded else condition)
        self.params |= params

    @property
    def by_message(self) -> bool:
        """Whether it asks something of the very message that has the words."""
        return bool(self.facts or self.not_facts or self.authors or self.not_authors)


def resolve(*, user: User, query: Query, brand_ids: Sequence[int]) -> Meaning:
    """The meaning of ``query``'s fields for ``user``, who may see ``brand_ids``. Raises NotUnderstood."""
    meaning = Meaning(params={"s_me": user.id})
    for number, one in enumerate(query.fields):
        key = f"s_{number}"
        match one.name:
            case "is":
                _is(meaning, one)
            case "has":
                _has(meaning, one)
            case "assignee":
                _assignee(meaning, one, key, user, brand_ids)
            case "team":
                _team(meaning, one, key, brand_ids)
            case "tag":
                tags = Tag.objects.filter(brand_id__in=brand_ids).values_list("id", "name")
                condition = f"EXISTS (SELECT FROM inbox_case_tags t WHERE t.case_id = c.id AND t.tag_id = ANY(%({key})s))"
                meaning.add(condition, one.excluded, **{key: named(one, tags)})
            case "brand" | "channel" | "network":
                _channels(meaning, one, brand_ids)
            case "lang":
                condition = (
                    f"(lower(c.lang) = ANY(%({key})s) OR split_part(lower(c.lang), '-', 1) = ANY(%({key})s))"
                )
                meaning.add(condition, one.excluded, **{key: [value.lower() for value in one.values]})
            case "case":
                meaning.add(f"c.id = ANY(%({key})s)", one.excluded, **{key: _numbers(one)})
            case "from":
                (meaning.not_authors if one.excluded else meaning.authors).append(one.values)
            case _:
                _days(meaning, one)
    return meaning


def _is(meaning: Meaning, one: Narrowing) -> None:
    meaning.add(f"({' OR '.join(_IS[value] for value in one.values)})", one.excluded)


def _has(meaning: Meaning, one: Narrowing) -> None:
    if "note" in one.values:
        if len(one.values) > 1:
            raise NotUnderstood(_("Write “has:note” on its own."))
        meaning.add(_HAS_NOTE, one.excluded)
        return
    either = Key(tuple(f"h:{value}" for value in one.values))
    (meaning.not_facts if one.excluded else meaning.facts).append(either)
    meaning.positive |= not one.excluded


def _assignee(meaning: Meaning, one: Narrowing, key: str, user: User, brand_ids: Sequence[int]) -> None:
    ids: list[int] = []
    others = []
    for value in one.values:
        if value.lower() == "me":
            ids.append(user.id)
        elif value.lower() != "none":
            others.append(value)
    if others:
        people = User.objects.filter(Q(is_superuser=True) | Q(memberships__brand_id__in=brand_ids)).distinct()
        rest = Narrowing(name=one.name, values=tuple(others))
        ids += named(rest, people.values_list("id", "name", "email"))
    none = " OR c.assignee_id IS NULL" if any(value.lower() == "none" for value in one.values) else ""
    meaning.add(f"(c.assignee_id = ANY(%({key})s){none})", one.excluded, **{key: ids})


def _team(meaning: Meaning, one: Narrowing, key: str, brand_ids: Sequence[int]) -> None:
    names = tuple(value for value in one.values if value.lower() != "none")
    ids: list[int] = []
    if names:
        teams = Team.objects.filter(brand_id__in=brand_ids).values_list("id", "name")
        ids = named(Narrowing(name=one.name, values=names), teams)
    none = " OR c.team_id IS NULL" if len(names) < len(one.values) else ""
    meaning.add(f"(c.team_id = ANY(%({key})s){none})", one.excluded, **{key: ids})


def _channels(meaning: Meaning, one: Narrowing, brand_ids: Sequence[int]) -> None:
    channels = list(
        Channel.objects.filter(brand_id__in=brand_ids).values_list(
            "id", "brand_id", "network", "handle", "name"
        )
    )
    all_ids = {row[0] for row in channels}
    if one.name == "brand":
        brands = Brand.objects.filter(id__in=brand_ids).values_list("id", "name", "slug")
        chosen = set(named(one, brands))
        ids = {row[0] for row in channels if row[1] in chosen}
    elif one.name == "network":
        # By key rather than by number: the registry has no rows.
        known = sorted({row[2] for row in channels} | set(connectors()))
        labels = [
            (n, key, connectors()[key].label if key in connectors() else key) for n, key in enumerate(known)
        ]
        keys = {known[n] for n in named(one, labels)}
        ids = {row[0] for row in channels if row[2] in keys}
    else:
        ids = set(named(one, [(row[0], row[3], row[4]) for row in channels]))
    ids = all_ids - ids if one.excluded else ids
    meaning.channels = ids if meaning.channels is None else meaning.channels & ids


def channels_of(brand_ids: Sequence[int], chosen: set[int] | None) -> list[int] | None:
    """The channels a message may have come to; None when that is every channel there is."""
    channels = list(Channel.objects.values_list("id", "brand_id"))
    brands = set(brand_ids)
    allowed = [one for one, brand_id in channels if brand_id in brands and (chosen is None or one in chosen)]
    return None if len(allowed) == len(channels) else allowed


def _numbers(one: Narrowing) -> list[int]:
    numbers = [value.lstrip("#") for value in one.values]
    for value in numbers:
        if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
            raise NotUnderstood(
                _("“case:” takes a number, such as %(example)s.") % {"example": BY_NAME["case"].example}
            )
    return [int(value) for value in numbers]


def _days(meaning: Meaning, one: Narrowing) -> None:
    start, end = period(one.name, one.values[0])
    if one.name in {"after", "on"}:
        meaning.since = start if meaning.since is None else max(meaning.since, start)
    if one.name == "before":
        end = start
    if one.name in {"before", "on"}:
        meaning.until = end if meaning.until is None else min(meaning.until, end)


def named(one: Narrowing, rows: Iterable[tuple[Any, ...]]) -> list[int]:
    """The ids among ``rows`` (an id and its names) that a field's values name. Raises NotUnderstood for a value that
    names none."""
    known = [(row[0], [normalise(str(name)) for name in row[1:] if name], row[1]) for row in rows]
    found: set[int] = set()
    for value in one.values:
        wanted = normalise(value)
        ids = {row_id for row_id, names, _shown in known if wanted in names}
        ids = ids or {
            row_id for row_id, names, _shown in known if any(_begins(wanted, name) for name in names)
        }
        if not ids:
            near = near_matches(value, sorted({str(shown) for _id, _names, shown in known}))
            raise NotUnderstood(
                _("“%(name)s:” finds nothing called “%(value)s”%(near)s")
                % {"name": one.name, "value": value, "near": near}
            )
        found |= ids
    return sorted(found)


def _begins(wanted: str, name: str) -> bool:
    """Whether every word of ``wanted`` begins a word of ``name``; a script without spaces may have it anywhere."""
    words = name.split()
    return bool(wanted) and (
        all(any(word.startswith(part) for word in words) for part in wanted.split())
        or (not wanted.isascii() and wanted in name)
    )
