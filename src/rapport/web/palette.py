"""What the command palette leads to: pages, lists, saved views, brands, channels and teams; cases and colleagues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.brands.models import Channel
from rapport.inbox.models import Case
from rapport.inbox.queries.filters import CaseFilters
from rapport.inbox.queries.lists import list_cases
from rapport.inbox.queries.rows import CaseRow, case_rows
from rapport.inbox.queries.search_fields import NotUnderstood
from rapport.inbox.saved import views_for
from rapport.lib.normalise import WITHOUT_SPACES, normalise
from rapport.networks.registry import connectors, is_here
from rapport.staff.access import brand_ids_for, brands_for, may_anywhere
from rapport.staff.models import User
from rapport.staff.people import visible_people
from rapport.staff.permissions import Permission
from rapport.staff.queries import teams_of
from rapport.web.numbers import whole_number
from rapport.web.place import place_from_saved

SHOWN = 5
MOST_OF_A_KIND = 200
# Names are compared here and not in SQL, so that accents do not matter; more colleagues than this have a page.
_MOST_PEOPLE = 5000
_LEAST = 2
_RUN = re.compile(WITHOUT_SPACES)


@dataclass(frozen=True)
class Target:
    """One page to go to. ``id`` stays the same, so that it can be offered first to whoever used it last."""

    id: str
    url: str
    label: str | Promise
    icon: str
    hint: str | Promise = ""


@dataclass(frozen=True)
class _Page:
    """A page that needs no thing of its own. ``permission``: somewhere, None for everybody."""

    route: str
    label: str | Promise
    icon: str
    permission: Permission | None = None
    anchor: str = ""


_PAGES = (
    _Page("desk", _("Desk"), "inbox"),
    _Page("views", _("Saved views"), "star"),
    _Page("search-help", _("How to search"), "circle-help"),
    _Page("saved-replies", _("Saved replies"), "message-square-text"),
    _Page("figures", _("Figures"), "chart-column"),
    _Page("channels", _("Channels"), "plug"),
    _Page("connect", _("Connect a channel"), "plug", Permission.MANAGE_CHANNELS),
    _Page("brands", _("Brands"), "id-card", Permission.MANAGE_CHANNELS),
    _Page("people", _("People"), "users-round"),
    _Page("teams", _("Teams"), "users-round"),
    _Page("permissions", _("Who may do what"), "shield-check"),
    _Page("invitations", _("Invitations"), "mail"),
    _Page("parked", _("Parked events"), "file-warning", Permission.REPLAY_EVENTS),
    _Page("account", _("Profile and settings"), "settings"),
    _Page("account", _("Language and look"), "languages", anchor="look"),
    _Page("account", _("Availability"), "clock", anchor="availability"),
    _Page("account", _("Change the password"), "key-round", anchor="password"),
    _Page("account", _("Where you are logged in"), "shield-check", anchor="logins"),
    _Page("account-notices", _("Notifications"), "bell"),
    _Page("keys", _("Keys"), "keyboard"),
    _Page("start", _("First steps"), "compass", Permission.MANAGE_CHANNELS),
    _Page("styleguide", _("Components"), "image"),
)


def targets(*, user: User) -> list[Target]:
    """Every page that ``user`` may go to, in the order of how often such a page is wanted. Commands lead to the
    desk's own lists, so those are not among them.
    """
    return [*_pages(user), *_saved(user), *_of_brands(user), *_channels(user), *_teams(user)]


def _pages(user: User) -> Iterator[Target]:
    for page in _PAGES:
        if page.permission is None or may_anywhere(user, page.permission):
            anchor = f"#{page.anchor}" if page.anchor else ""
            yield Target(f"{page.route}{anchor}", reverse(page.route) + anchor, page.label, page.icon)
    if is_here("letters") and may_anywhere(user, Permission.REPLY):
        yield Target("letter-new", reverse("letter-new"), _("Enter a letter or a call"), "plus")


def _saved(user: User) -> Iterator[Target]:
    for view in views_for(user=user)[:MOST_OF_A_KIND]:
        place = place_from_saved(view)
        if place is not None:
            hint = view.brand.name if view.brand else _("your own view")
            yield Target(
                f"saved-{view.pk}", place.url, view.name, "users-round" if view.brand else "star", hint
            )


def _of_brands(user: User) -> Iterator[Target]:
    managed = set(brand_ids_for(user, Permission.MANAGE_CHANNELS))
    for brand in brands_for(user, Permission.VIEW_CASES).order_by("name")[:MOST_OF_A_KIND]:
        stem = f"brand-{brand.pk}"
        yield Target(
            f"{stem}-cases", f"{reverse('desk')}?brand={brand.pk}", brand.name, "inbox", _("its cases")
        )
        yield Target(
            f"{stem}-profiles", reverse("profiles", args=[brand.slug]), brand.name, "id-card", _("profiles")
        )
        if brand.pk in managed:
            yield Target(
                f"{stem}-settings", reverse("brand", args=[brand.slug]), brand.name, "settings", _("settings")
            )
            reasons = reverse("reasons", args=[brand.slug])
            yield Target(f"{stem}-reasons", reasons, brand.name, "circle-check", _("reasons for closing"))


def _channels(user: User) -> Iterator[Target]:
    found = Channel.objects.filter(brand_id__in=brand_ids_for(user, Permission.VIEW_CASES))
    known = connectors()
    for pk, handle, network, brand in found.order_by("brand__name", "handle").values_list(
        "pk", "handle", "network", "brand__name"
    )[:MOST_OF_A_KIND]:
        hint = f"{known[network].label if network in known else network} · {brand}"
        yield Target(f"channel-{pk}", reverse("channel", args=[pk]), handle, "plug", hint)


def _teams(user: User) -> Iterator[Target]:
    managed = brand_ids_for(user, Permission.MANAGE_TEAM)
    if managed:
        for team in teams_of(user=user, brand_ids=managed).prefetch_related(None)[:MOST_OF_A_KIND]:
            url = reverse("team", args=[team.pk])
            yield Target(f"team-{team.pk}", url, team.name, "users-round", team.brand.name)


def cases_for(*, user: User, text: str) -> tuple[CaseRow, ...]:
    """The case with this number, then those that the search finds first; only what ``user`` may see."""
    brand_ids = brand_ids_for(user, Permission.VIEW_CASES)
    number = whole_number(text.strip().removeprefix("#"))
    numbered = list(
        Case.objects.filter(id=number, brand_id__in=brand_ids).values_list("id", flat=True) if number else []
    )
    found: tuple[CaseRow, ...] = ()
    if len(normalise(text)) >= _LEAST:
        try:
            found = list_cases(user=user, filters=CaseFilters(view="all", text=text), limit=SHOWN).rows
        except NotUnderstood:
            found = ()
    return (*case_rows(numbered, reader=user), *(row for row in found if row.id not in numbered))


def colleagues_for(*, user: User, text: str) -> list[tuple[int, str, str]]:
    """Colleagues whose name or address has every word of ``text`` at the beginning of one of its own: id, name
    and address, at most five."""
    words = normalise(text).split()
    if not words or len(normalise(text)) < _LEAST:
        return []
    people = visible_people(user).filter(is_active=True).order_by("name", "id")
    found = []
    for pk, name, email in people.values_list("pk", "name", "email")[:_MOST_PEOPLE]:
        if fits(words, f"{name} {email}"):
            found.append((pk, name, email))
            if len(found) == SHOWN:
                break
    return found


def fits(words: list[str], label: str) -> bool:
    """Whether each of the normalised words begins one of the label's; in scripts without spaces, is in it."""
    spelled = f" {normalise(label)}"
    return all(f" {word}" in spelled or (_without_spaces(word) and word in spelled) for word in words)


def _without_spaces(word: str) -> bool:
    return _RUN.match(word) is not None
