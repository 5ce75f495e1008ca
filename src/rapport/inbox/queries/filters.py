"""What a list of cases can be narrowed to, and the SQL of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox.queries.views import DUE_SOON, STATUS_SQL, TARGET, VIEW_TABLE, Sort, View
from rapport.lib.errors import Invalid
from rapport.staff.models import Team, User

ME, NOBODY = "me", "none"


@dataclass(frozen=True, kw_only=True)
class CaseFilters:
    """Which list, what it is narrowed to, and how it is sorted.

    Of several values of one kind any one is enough; different kinds hold together. ``assignees`` and
    ``teams`` are ids, :data:`ME` (for teams: all of one's own) or :data:`NOBODY`. ``since`` and ``until``
    (not included) bound a case's newest message. With ``text``, ``all`` looks in cases of every state.
    ``sort`` and ``statuses`` that a list does not have are its usual ones.
    """

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
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    sort: Sort | None = None

    @property
    def order(self) -> Sort:
        """How the list is sorted."""
        sorts = VIEW_TABLE[self.view].sorts
        return self.sort if self.sort in sorts else sorts[0]

    @property
    def status_list(self) -> tuple[str, ...]:
        """The states the list's cases may be in."""
        spec = VIEW_TABLE[self.view]
        if spec.any_status and (chosen := tuple(one for one in STATUS_SQL if one in self.statuses)):
            return chosen
        if self.view == "all" and self.text.strip():
            return tuple(STATUS_SQL)
        return spec.statuses


class Params:
    """Values of a statement, each under a name of its own; ``user``, ``teams``, ``due`` are always there."""

    def __init__(self, user: User, team_ids: Sequence[int]) -> None:
        self.values: dict[str, Any] = {
            "user": user.id,
            "teams": list(team_ids),
            "due": timezone.now() - TARGET + DUE_SOON,
        }

    def add(self, value: object) -> str:
        """Where ``value`` stands in the statement."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def team_ids_of(user: User, brand_ids: Sequence[int]) -> list[tuple[int, int]]:
    """``(team, brand)`` of the person's teams among these brands."""
    return list(
        Team.objects.filter(members=user, brand_id__in=brand_ids).order_by("id").values_list("id", "brand_id")
    )


def known_view(filters: CaseFilters) -> None:
    """Raise Invalid for a list that does not exist."""
    if filters.view not in VIEW_TABLE:
        raise Invalid(_("There is no such list."))


def base_sql(filters: CaseFilters) -> list[str]:
    """What the list holds before it is narrowed, but for the status."""
    where = VIEW_TABLE[filters.view].where
    return [where] if where else []


def status_sql(statuses: Sequence[str]) -> str:
    """That a case is in one of these states."""
    return "(" + " OR ".join(f"({STATUS_SQL[one]})" for one in statuses) + ")"


_OF_CHANNELS = "c.channel_id IN (SELECT ch.id FROM brands_channel ch WHERE {channels})"


def filter_sql(filters: CaseFilters, params: Params, *, channels_elsewhere: bool = False) -> list[str]:
    """The conditions that narrow a list. ``channels_elsewhere``: the caller sees to the channels."""
    found: list[str] = []
    if not channels_elsewhere and (channels := _channel_sql(filters, params)):
        found.append(_OF_CHANNELS.format(channels=channels))
    if filters.tags:
        tags = params.add(list(filters.tags))
        found.append(
            f"EXISTS (SELECT FROM inbox_case_tags t WHERE t.case_id = c.id AND t.tag_id = ANY({tags}::bigint[]))"
        )
    if filters.priorities:
        found.append(f"c.priority = ANY({params.add(list(filters.priorities))}::int[])")
    if filters.langs:
        found.append(f"split_part(c.lang, '-', 1) = ANY({params.add(list(filters.langs))}::text[])")
    if filters.assignees:
        found.append(_person_sql("c.assignee_id", filters.assignees, params, me="%(user)s"))
    if filters.teams:
        found.append(_person_sql("c.team_id", filters.teams, params, me="ANY(%(teams)s::bigint[])"))
    if filters.contact is not None:
        found.append(f"c.contact_id = {params.add(filters.contact)}")
    if filters.since is not None:
        found.append(f"c.last_message_at >= {params.add(filters.since)}::timestamptz")
    if filters.until is not None:
        found.append(f"c.last_message_at < {params.add(filters.until)}::timestamptz")
    return found


def by_channel(filters: CaseFilters) -> bool:
    """Whether the list is narrowed by something about channels."""
    return bool(filters.channels or filters.networks or filters.roles)


def _channel_sql(filters: CaseFilters, params: Params) -> str:
    found = []
    if filters.channels:
        found.append(f"ch.id = ANY({params.add(list(filters.channels))}::bigint[])")
    if filters.networks:
        found.append(f"ch.network = ANY({params.add(list(filters.networks))}::text[])")
    if filters.roles:
        found.append(f"ch.role = ANY({params.add(list(filters.roles))}::text[])")
    return " AND ".join(found)


def _person_sql(column: str, values: Sequence[str], params: Params, *, me: str) -> str:
    found = []
    if NOBODY in values:
        found.append(f"{column} IS NULL")
    if ME in values:
        found.append(f"{column} = {me}")
    if ids := [int(one) for one in values if one not in (ME, NOBODY)]:
        found.append(f"{column} = ANY({params.add(ids)}::bigint[])")
    return "(" + " OR ".join(found) + ")"
