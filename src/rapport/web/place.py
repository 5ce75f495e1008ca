"""Where in the desk somebody is: which list, narrowed how, and which case. Each place has an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from rapport.brands.models import ChannelRole
from rapport.inbox.models import Priority, SavedView
from rapport.inbox.queries.filters import ME, NOBODY, CaseFilters
from rapport.inbox.queries.views import ORDERS, STATUS_SQL, VIEW_TABLE, Sort, View
from rapport.lib.errors import NotFound
from rapport.web.numbers import whole_number

_LONGEST_SEARCH = 200
_MOST_VALUES = 20  # of one kind, in one address
_YEARS = range(1971, 2200)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A list of the desk and what it is narrowed to. ``text`` is what is searched for; ``until`` is the
    last day. ``saved``: the saved view that the person came by."""

    view: View = "all"
    brands: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    networks: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tags: tuple[int, ...] = ()
    statuses: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    langs: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    contact: int | None = None
    since: date | None = None
    until: date | None = None
    text: str = ""
    sort: Sort | None = None
    saved: int | None = None

    @property
    def filters(self) -> CaseFilters:
        given = {one.name: getattr(self, one.name) for one in fields(CaseFilters)}
        given["since"] = _midnight(self.since) if self.since else None
        given["until"] = _midnight(self.until + timedelta(days=1)) if self.until else None
        return CaseFilters(**given)

    @property
    def params(self) -> dict[str, list[str]]:
        """What narrows and sorts the list, as its address says it."""
        found = {name: [str(one) for one in getattr(self, field)] for name, (field, _read) in FACETS.items()}
        for name, (field, _read) in SINGLES.items():
            value = getattr(self, field)
            found[name] = [str(value)] if value else []
        return {name: values for name, values in found.items() if values}

    @cached_property
    def query(self) -> str:
        """The query string with its question mark, "" when nothing is said."""
        pairs = self.params | ({"saved": [str(self.saved)]} if self.saved else {})
        return f"?{urlencode(pairs, doseq=True)}" if pairs else ""

    @property
    def narrowed(self) -> bool:
        """Whether the list shows less than its whole view."""
        return bool(self.params.keys() - {"sort"})

    @property
    def brand(self) -> int | None:
        """The one brand it is narrowed to."""
        return self.brands[0] if len(self.brands) == 1 else None

    @property
    def url(self) -> str:
        """The list's address."""
        return reverse("desk-list", args=[self.view]) + self.query

    @property
    def whole(self) -> Place:
        """The same list, not narrowed."""
        return Place(view=self.view, sort=self.sort)

    def of_view(self, view: View) -> Place:
        """Another view, narrowed alike but for the search, which looks in all open and closed cases, and
        the states, which each view has its own of. What a saved view narrowed is left behind with it."""
        if self.saved:
            return Place(view=view)
        return replace(self, view=view, text="", statuses=(), sort=None)

    def sorted_by(self, sort: Sort) -> Place:
        """The same list in another order; the view's usual one is not named."""
        usual = VIEW_TABLE[self.view].sorts[0]
        return replace(self, sort=None if sort == usual else sort)

    def without(self, name: str, value: object) -> Place:
        """The list when one thing that narrows it is taken away."""
        changed: dict[str, Any]
        if name in SINGLES:
            field = SINGLES[name][0]
            changed = {field: "" if field == "text" else None}
        else:
            field = FACETS[name][0]
            changed = {field: tuple(one for one in getattr(self, field) if one != value)}
        return replace(self, **changed)

    def case_url(self, case_id: int) -> str:
        """The address of a case beside this list."""
        return _address("desk-case", self.view, case_id) + self.query

    def action_url(self, case_id: int, action: str) -> str:
        """Where a form about a case goes, so that its answer knows the list beside it."""
        return _address(f"case-{action}", self.view, case_id) + self.query


@lru_cache(maxsize=4096)
def _address(name: str, view: View, case_id: int) -> str:
    """A page of a case asks for the same ones some sixty times."""
    return reverse(name, args=[view, case_id])


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _one_of(choices: Sequence[str]) -> Callable[[str], str | None]:
    return lambda value: value if value in choices else None


def _number(value: str) -> int | None:
    return whole_number(value) or None


def _network(value: str) -> str | None:
    return value if value.isascii() and value.replace("_", "").isalnum() and len(value) <= 40 else None


def _priority(value: str) -> int | None:
    return int(value) if value in {str(one) for one in Priority.values} else None


def _lang(value: str) -> str | None:
    return value.lower() if value.isascii() and value.isalpha() and len(value) in (2, 3) else None


def _person(value: str) -> str | None:
    number = _number(value)
    return value if value in (ME, NOBODY) else str(number) if number else None


def _day(value: str) -> date | None:
    try:
        day = parse_date(value)
    except ValueError:
        return None
    return day if day is not None and day.year in _YEARS else None


def _text(value: str) -> str:
    return value.replace("\0", "").strip()[:_LONGEST_SEARCH]


# What an address may say: its name, the field of Place, and how a value is read (None: not understood).
FACETS: dict[str, tuple[str, Callable[[str], int | str | None]]] = {
    "brand": ("brands", _number),
    "channel": ("channels", _number),
    "network": ("networks", _network),
    "role": ("roles", _one_of(ChannelRole.values)),
    "tag": ("tags", _number),
    "status": ("statuses", _one_of(tuple(STATUS_SQL))),
    "priority": ("priorities", _priority),
    "lang": ("langs", _lang),
    "assignee": ("assignees", _person),
    "team": ("teams", _person),
}
SINGLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "contact": ("contact", _number),
    "since": ("since", _day),
    "until": ("until", _day),
    "q": ("text", _text),
    "sort": ("sort", _one_of(tuple(ORDERS))),
}


def place_of(request: HttpRequest, view: str) -> Place:
    """The place a request's address names. Raises NotFound for a view that does not exist; a
    narrowing that is not understood is left out."""
    return place_from(view, dict(request.GET.lists()), saved=_number(request.GET.get("saved", "")))


def place_from(view: str, params: Mapping[str, Sequence[str]], *, saved: int | None = None) -> Place:
    """The place that a view and an address's parameters name, which may come from anywhere. Raises NotFound."""
    for known in VIEW_TABLE:
        if known == view:
            break
    else:
        raise NotFound(_("There is no such list."))
    given: dict[str, Any] = {}
    for name, (field, read) in FACETS.items():
        values = [read(value) for value in list(params.get(name, ()))[:_MOST_VALUES]]
        given[field] = tuple(dict.fromkeys(value for value in values if value is not None))
    for name, (field, read_one) in SINGLES.items():
        raw = [value for value in params.get(name, ()) if value]
        if raw and (value := read_one(raw[-1])):
            given[field] = value
    return Place(view=known, saved=saved, **given)


def place_from_saved(saved: SavedView) -> Place | None:
    """Where a saved view leads; None for one that names a list of another version of Rapport."""
    try:
        return place_from(saved.view, saved.filters, saved=saved.id)
    except NotFound:
        return None
