"""The lists of the desk and how they can be sorted: one table, which pages, keys and counts read.

SQL here speaks of a case ``c``. ``%(user)s`` is who asks, ``%(teams)s`` are their teams, ``%(due)s`` is the
moment before which somebody must have begun to wait to be due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

View = Literal[
    "mine",
    "unassigned",
    "teams",
    "all",
    "waiting",
    "due",
    "mentions",
    "following",
    "snoozed",
    "closed",
    "spam",
]
VIEWS: tuple[View, ...] = get_args(View)
Sort = Literal["newest", "waiting", "priority"]

# 42% of people expect an answer within 60 minutes (DESIGN, A2); see also durations.py. Who comes to that
# within the next quarter of an hour is due already. Brands have no targets of their own yet.
TARGET = timedelta(minutes=60)
DUE_SOON = timedelta(minutes=15)

WAITS = "coalesce(c.waiting_since, 'infinity'::timestamptz)"


@dataclass(frozen=True, kw_only=True)
class Order:
    """``keys``: what a list is sorted by, with the type of each; then by id, all in one direction, so that
    a place in the list is one comparison that an index of the same expressions answers."""

    label: str | Promise
    keys: tuple[tuple[str, str], ...]
    ascending: bool


ORDERS: dict[Sort, Order] = {
    "newest": Order(
        label=_("Newest words first"), keys=(("c.last_message_at", "timestamptz"),), ascending=False
    ),
    # With one target for everybody this is by what is due first, too.
    "waiting": Order(label=_("Longest wait first"), keys=((WAITS, "timestamptz"),), ascending=True),
    "priority": Order(
        label=_("Most urgent first"),
        keys=(("(c.priority * -1)", "integer"), (WAITS, "timestamptz")),
        ascending=True,
    ),
}
_OPEN_SORTS: tuple[Sort, ...] = ("newest", "waiting", "priority")
_WAIT_SORTS: tuple[Sort, ...] = ("waiting", "priority", "newest")
_TIME_SORTS: tuple[Sort, ...] = ("newest",)


@dataclass(frozen=True, kw_only=True)
class ViewSpec:
    """One list.

    ``hint`` is what the empty list says. ``where`` holds beside the status. ``statuses``: which cases it
    holds; others can be asked for when ``any_status``. ``sorts``: the first is the usual one. ``key``
    opens it.
    """

    label: str | Promise
    hint: str | Promise
    key: str
    where: str = ""
    statuses: tuple[str, ...] = ("open",)
    any_status: bool = False
    sorts: tuple[Sort, ...] = _OPEN_SORTS
    counted: bool = True


VIEW_TABLE: dict[View, ViewSpec] = {
    "mine": ViewSpec(
        label=pgettext_lazy("list of cases", "Mine"),
        hint=_("Cases that are given to you appear here. Take one from the unassigned ones."),
        key="1",
        where="c.assignee_id = %(user)s",
        any_status=True,
    ),
    "unassigned": ViewSpec(
        label=pgettext_lazy("list of cases", "Unassigned"),
        hint=_("Everything has somebody. Cases that nobody has taken yet appear here."),
        key="2",
        where="c.assignee_id IS NULL",
        any_status=True,
    ),
    "teams": ViewSpec(
        label=pgettext_lazy("list of cases", "My teams"),
        hint=_("Cases that are given to one of your teams appear here."),
        key="3",
        where="c.team_id = ANY(%(teams)s::bigint[])",
        any_status=True,
    ),
    "all": ViewSpec(
        label=pgettext_lazy("list of cases", "Open"),
        hint=_("Every open case appears here, newest words first."),
        key="4",
        any_status=True,
    ),
    "waiting": ViewSpec(
        label=pgettext_lazy("list of cases", "Waiting"),
        hint=_("Nobody waits for an answer. Who does appears here, longest wait first."),
        key="5",
        where=f"{WAITS} < 'infinity'::timestamptz",
        sorts=_WAIT_SORTS,
    ),
    "due": ViewSpec(
        label=pgettext_lazy("list of cases", "Due"),
        hint=_("Nobody waits too long. Who has waited for an hour, or nearly so, appears here."),
        key="6",
        where=f"{WAITS} <= %(due)s",
        sorts=_WAIT_SORTS,
    ),
    "mentions": ViewSpec(
        label=pgettext_lazy("list of cases", "Mentions"),
        hint=_("Cases in which a colleague names you in a note, as @name, appear here."),
        key="7",
        where="c.id IN (SELECT mention.case_id FROM inbox_mention mention WHERE mention.user_id = %(user)s)",
        statuses=("open", "snoozed", "closed"),
        any_status=True,
        sorts=_TIME_SORTS,
    ),
    "following": ViewSpec(
        label=pgettext_lazy("list of cases", "Following"),
        hint=_("Cases that you follow appear here: those you were given, wrote in or chose to follow."),
        key="W",
        where="c.id IN (SELECT follow.case_id FROM inbox_casefollow follow "
        "WHERE follow.user_id = %(user)s AND NOT follow.muted)",
        any_status=True,
    ),
    "snoozed": ViewSpec(
        label=pgettext_lazy("list of cases", "Snoozed"),
        hint=_("Cases that were put away until later appear here."),
        key="8",
        statuses=("snoozed",),
        sorts=_TIME_SORTS,
    ),
    "closed": ViewSpec(
        label=pgettext_lazy("list of cases", "Closed"),
        hint=_("Closed cases appear here, with the reason."),
        key="9",
        statuses=("closed",),
        sorts=_TIME_SORTS,
        counted=False,
    ),
    "spam": ViewSpec(
        label=pgettext_lazy("list of cases", "Spam"),
        hint=_("Cases that were closed as spam appear here. Nobody is told when their authors write again."),
        key="0",
        where="c.close_reason = 'spam'",
        statuses=("closed",),
        sorts=_TIME_SORTS,
        counted=False,
    ),
}

# What a case's status may be in a list, in the words of the partial indexes.
STATUS_SQL: dict[str, str] = {
    "open": "c.status = 'open'",
    "snoozed": "c.status = 'snoozed' AND NOT c.status = 'open'",
    "closed": "c.status = 'closed' AND NOT c.status = 'open'",
}
