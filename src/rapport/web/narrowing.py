"""What a list can be narrowed to, as the panel and the chips above the list show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from rapport.brands.models import Brand, Channel, ChannelRole
from rapport.contacts.models import Contact
from rapport.inbox.models import Case, CaseStatus, Priority, Tag
from rapport.inbox.queries.filters import ME, NOBODY
from rapport.inbox.queries.people import assignable_users
from rapport.inbox.queries.views import STATUS_SQL, VIEW_TABLE
from rapport.networks.registry import connectors
from rapport.staff.access import brands_for
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission
from rapport.web.place import FACETS, SINGLES, Place
from rapport.web.text import language_name, plain_name

_MOST_OPTIONS = 200
_LANGUAGES_AMONG = 2000  # open cases

LABELS: dict[str, str | Promise] = {
    "brand": gettext_lazy("Brand"),
    "channel": gettext_lazy("Channel"),
    "network": gettext_lazy("Network"),
    "role": gettext_lazy("Role of the channel"),
    "tag": gettext_lazy("Tag"),
    "status": pgettext_lazy("of a case", "Status"),
    "priority": gettext_lazy("Priority"),
    "lang": gettext_lazy("Language"),
    "assignee": gettext_lazy("Assignee"),
    "team": gettext_lazy("Team"),
    "contact": gettext_lazy("Customer"),
    "since": gettext_lazy("From"),
    "until": gettext_lazy("Until"),
    "q": gettext_lazy("Found for"),
}


@dataclass(frozen=True)
class Option:
    """One of its values."""

    value: object
    label: str
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """One kind of thing a list can be narrowed to."""

    name: str
    label: str | Promise
    options: tuple[Option, ...]

    @property
    def chosen(self) -> int:
        return sum(option.chosen for option in self.options)


@dataclass(frozen=True)
class Chip:
    """One thing that narrows the list, and the address without it."""

    label: str | Promise
    value: str
    url: str


def narrowing_context(user: User, place: Place) -> dict[str, Any]:
    """The panel's choices, among what this person may see, and the chips of what is chosen."""
    brands = list(brands_for(user, Permission.VIEW_CASES).order_by("name"))
    scope = [brand for brand in brands if not place.brands or brand.id in place.brands]
    only = scope[0] if len(scope) == 1 else None
    names = {"brand": {brand.id: brand.name for brand in brands}, **_named(place, scope, only)}
    facets = [_facet(place, name, names[name]) for name in FACETS]
    return {
        "brands": brands,
        "only_brand": only,
        # One brand or channel is everybody's, so there is nothing to choose; a single tag is not.
        "facets": [one for one in facets if len(one.options) > (0 if one.name == "tag" else 1) or one.chosen],
        "chips": list(_chips(place, names, [brand.id for brand in brands])),
    }


def _named(place: Place, scope: Sequence[Brand], only: Brand | None) -> dict[str, dict[Any, str]]:
    """What can be chosen, by the name of its facet, as value and words."""
    ids = [brand.id for brand in scope]
    channels = list(
        Channel.objects.filter(brand_id__in=ids)
        .only("id", "network", "handle", "role", "brand_id")
        .order_by("network", "handle")[:_MOST_OPTIONS]
    )
    labels = connectors()
    networks = {
        one.network: str(labels[one.network].label) if one.network in labels else one.network
        for one in channels
    }
    roles = {one.role for one in channels}
    any_status = VIEW_TABLE[place.view].any_status
    return {
        "channel": {one.id: f"{networks[one.network]} · {one.handle}" for one in channels},
        "network": dict(sorted(networks.items(), key=lambda item: item[1])),
        "role": {value: str(label) for value, label in ChannelRole.choices if value in roles},
        "tag": _of_brands(scope, Tag.objects.filter(brand_id__in=ids).order_by("name", "id")),
        "status": {one: str(CaseStatus(one).label) for one in STATUS_SQL} if any_status else {},
        "priority": {value: str(label) for value, label in reversed(Priority.choices)},
        "lang": _languages(ids, place.langs),
        "assignee": {
            ME: _("Me"),
            NOBODY: _("Nobody"),
            **({str(one.id): one.name for one in assignable_users(brand_id=only.id)} if only else {}),
        },
        "team": {
            ME: _("My teams"),
            NOBODY: _("No team"),
            **{
                str(team): name
                for team, name in _of_brands(
                    scope, Team.objects.filter(brand_id__in=ids).order_by("name", "id")
                ).items()
            },
        },
    }


def _of_brands(scope: Sequence[Brand], found: QuerySet[Tag] | QuerySet[Team]) -> dict[int, str]:
    """The things' names, with their brand's where there are several."""
    names = {brand.id: brand.name for brand in scope}
    rows = list(found.values_list("id", "name", "brand_id")[:_MOST_OPTIONS])
    if len(scope) == 1:
        return {one: name for one, name, _brand in rows}
    return {one: f"{name} · {names[brand]}" for one, name, brand in rows}


def _languages(brand_ids: Sequence[int], chosen: Sequence[str]) -> dict[str, str]:
    """The languages of some open cases, and those chosen, by name."""
    some = Case.objects.filter(brand_id__in=brand_ids, status=CaseStatus.OPEN).values_list("lang", flat=True)
    heard = {lang.split("-")[0].lower() for lang in some[:_LANGUAGES_AMONG]}
    named = {lang: language_name(lang) for lang in (heard | set(chosen)) - {""}}
    return dict(sorted(named.items(), key=lambda item: item[1]))


def _facet(place: Place, name: str, named: Mapping[Any, str]) -> Facet:
    chosen = getattr(place, FACETS[name][0])
    return Facet(
        name=name,
        label=LABELS[name],
        options=tuple(Option(value, label, value in chosen) for value, label in named.items()),
    )


def _chips(place: Place, names: Mapping[str, Mapping[Any, str]], brand_ids: Sequence[int]) -> Iterator[Chip]:
    for name, (field, _read) in FACETS.items():
        chosen = getattr(place, field)
        known = dict(names[name])
        if name in _ELSEWHERE and (others := [one for one in chosen if one not in known]):
            known |= _ELSEWHERE[name](others, brand_ids)
        for value in chosen:
            label = known.get(value, _("not known"))
            yield Chip(LABELS[name], label, place.without(name, value).url)
    for name in ("contact", "since", "until", "q"):
        field, _read_one = SINGLES[name]
        value = getattr(place, field)
        if value:
            yield Chip(LABELS[name], _shown(name, value, brand_ids), place.without(name, value).url)


def _shown(name: str, value: Any, brand_ids: Sequence[int]) -> str:
    if name == "contact":
        seen = Contact.objects.filter(id=value, cases__brand_id__in=brand_ids).first()
        return plain_name(seen.name) if seen and seen.name else _("not known")
    if name in ("since", "until"):
        return date_format(value, "DATE_FORMAT")
    return str(value)


def _tag_names(ids: Sequence[Any], brand_ids: Sequence[int]) -> dict[Any, str]:
    return dict(Tag.objects.filter(id__in=ids, brand_id__in=brand_ids).values_list("id", "name"))


def _channel_names(ids: Sequence[Any], brand_ids: Sequence[int]) -> dict[Any, str]:
    return dict(Channel.objects.filter(id__in=ids, brand_id__in=brand_ids).values_list("id", "handle"))


def _people_names(ids: Sequence[Any], brand_ids: Sequence[int]) -> dict[Any, str]:
    """Colleagues of these brands, also those who answer for them no more."""
    known = User.objects.filter(Q(memberships__brand_id__in=brand_ids) | Q(is_superuser=True), id__in=ids)
    return {str(one): name for one, name in known.values_list("id", "name")}


def _team_names(ids: Sequence[Any], brand_ids: Sequence[int]) -> dict[Any, str]:
    found = Team.objects.filter(id__in=ids, brand_id__in=brand_ids).values_list("id", "name")
    return {str(one): name for one, name in found}


# Names of what is chosen but not offered: beyond the longest panel, or of somebody who left.
_ELSEWHERE: dict[str, Callable[[Sequence[Any], Sequence[int]], dict[Any, str]]] = {
    "channel": _channel_names,
    "tag": _tag_names,
    "assignee": _people_names,
    "team": _team_names,
}
