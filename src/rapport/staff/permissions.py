"""Who may do what for a brand, in one table. Docs, pages and checks all read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.staff.models import Role

# Each role includes the ones after it.
ROLES_BY_POWER: tuple[Role, ...] = (Role.ADMIN, Role.LEAD, Role.AGENT, Role.VIEWER)


class Permission(StrEnum):
    VIEW_CASES = "view_cases"
    REPLY = "reply"
    NOTE = "note"
    WORK_CASES = "work_cases"
    VIEW_FIGURES = "view_figures"
    MANAGE_TEAM = "manage_team"
    MANAGE_CHANNELS = "manage_channels"
    REPLAY_EVENTS = "replay_events"
    VIEW_AUDIT = "view_audit"
    WATCH_CHANNELS = "watch_channels"
    SHARE_VIEWS = "share_views"
    SHARE_REPLIES = "share_replies"
    MANAGE_LISTENING = "manage_listening"


@dataclass(frozen=True)
class Grant:
    """The least powerful role that has the permission, and what it allows, in words."""

    least: Role
    allows: str | Promise


GRANTS: dict[Permission, Grant] = {
    Permission.VIEW_CASES: Grant(Role.VIEWER, _("See cases, threads, contacts and search in them.")),
    Permission.VIEW_FIGURES: Grant(Role.VIEWER, _("See response figures.")),
    Permission.REPLY: Grant(Role.AGENT, _("Answer a customer, undo, retry a failed reply.")),
    Permission.NOTE: Grant(Role.AGENT, _("Write internal notes.")),
    Permission.WORK_CASES: Grant(Role.AGENT, _("Assign, tag, prioritise, snooze, close and reopen cases.")),
    Permission.SHARE_VIEWS: Grant(
        Role.LEAD, _("Share saved views with everybody of the brand, and change shared ones.")
    ),
    Permission.SHARE_REPLIES: Grant(
        Role.LEAD, _("Share saved replies with everybody of the brand, and change shared ones.")
    ),
    Permission.MANAGE_LISTENING: Grant(
        Role.LEAD, _("Save and change listening queries, what is muted, rules and alerts.")
    ),
    Permission.MANAGE_TEAM: Grant(
        Role.LEAD, _("Invite people, give roles up to one's own, let people go, manage teams.")
    ),
    Permission.REPLAY_EVENTS: Grant(Role.LEAD, _("See parked events and replay them.")),
    Permission.VIEW_AUDIT: Grant(Role.LEAD, _("See who did what.")),
    Permission.WATCH_CHANNELS: Grant(
        Role.LEAD, _("Be told, on every page and by e-mail, when a channel has trouble.")
    ),
    Permission.MANAGE_CHANNELS: Grant(
        Role.ADMIN,
        _("Connect, pause and reconnect channels; change a brand's name, colour, time zone and hours."),
    ),
}


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """Every role that has ``permission``."""
    least = ROLES_BY_POWER.index(GRANTS[permission].least)
    return ROLES_BY_POWER[: least + 1]
