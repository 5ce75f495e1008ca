"""What could be typed next in a search: fields, and the values a field takes for this reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from rapport.brands.models import Brand, Channel
from rapport.inbox.models import Tag
from rapport.inbox.queries.search_fields import BY_NAME, FIELDS, SearchField
from rapport.lib.normalise import normalise
from rapport.staff.models import Team, User

MOST = 10
_LAST = re.compile(r"""(?:^|\s)(-?)(?:([A-Za-z]{2,20}):("[^"]*|\S*)|([A-Za-z]*))$""")
_DAYS = ("today", "yesterday", "7d", "30d")


@dataclass(frozen=True)
class Completion:
    """``text`` is the whole search with the completion in it; ``shown`` the completion, ``does`` what it means."""

    text: str
    shown: str
    does: str | Promise


def completions(*, user: User, brand_ids: Sequence[int], text: str) -> list[Completion]:
    """At most ten completions (of fields, all) of what ``text`` ends with; none within an ordinary word or a phrase."""
    last = _LAST.search(text)
    if last is None or text[: last.start()].count('"') % 2:
        return []
    minus, name, typed, word = last.groups()
    before = text[: last.end() - len((name + ":" + typed) if name else word)]
    if not name:
        fields = [one for one in FIELDS if one.name.startswith(word.lower()) and not (minus and one.once)]
        return [Completion(f"{before}{one.name}:", f"{one.name}:", one.does) for one in fields]
    field = BY_NAME.get(name.lower())
    if field is None:
        return []
    *chosen, typed = typed.lstrip('"').split(",")
    start = before + f"{field.name}:" + "".join(f"{one}," for one in chosen)
    return [
        Completion(f"{start}{_quoted(value)} ", value, does)
        for value, does in _fitting(typed, _values(field, user, brand_ids))
    ]


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search(r"[\s,]", value) else value


def _fitting(typed: str, values: Iterable[tuple[str, str | Promise]]) -> list[tuple[str, str | Promise]]:
    wanted = normalise(typed)
    found = []
    for value, does in values:
        words = normalise(value)
        if words.startswith(wanted) or f" {wanted}" in words:
            found.append((value, does))
        if len(found) == MOST:
            break
    return found


def _values(field: SearchField, user: User, brand_ids: Sequence[int]) -> Iterable[tuple[str, str | Promise]]:
    if field.values is not None:
        return list(field.values.items())
    match field.name:
        case "assignee":
            people = User.objects.filter(Q(is_superuser=True) | Q(memberships__brand_id__in=brand_ids))
            names = people.filter(is_active=True).distinct().order_by("name").values_list("name", flat=True)
            return [("me", user.name), ("none", _("nobody")), *((name, "") for name in names)]
        case "team":
            teams = Team.objects.filter(brand_id__in=brand_ids).values_list("name", "brand__name")
            return [*teams.order_by("name"), ("none", _("no team"))]
        case "tag":
            tags = Tag.objects.filter(brand_id__in=brand_ids).order_by("name").values_list("name", flat=True)
            return [(name, "") for name in dict.fromkeys(tags)]
        case "brand":
            return [
                (name, "") for name in Brand.objects.filter(id__in=brand_ids).values_list("name", flat=True)
            ]
        case "channel":
            channels = Channel.objects.filter(brand_id__in=brand_ids).order_by("handle")
            return list(channels.values_list("handle", "brand__name"))
        case "network":
            networks = Channel.objects.filter(brand_id__in=brand_ids).values_list("network", flat=True)
            return [(name, "") for name in sorted(set(networks))]
        case "before" | "after" | "on":
            return [(value, "") for value in _DAYS]
    return []
