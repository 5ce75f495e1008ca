"""Teams: made, named, filled. To delete one is :mod:`rapport.inbox.actions.handover`: it may have cases."""

from __future__ import annotations

from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.models import Channel
from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.staff.access import require
from rapport.staff.models import Membership, Team, User
from rapport.staff.people import access_team
from rapport.staff.permissions import Permission

NAME_LENGTH = 120


def clean_team_name(name: str) -> str:
    """A team's name on one line. Raises Invalid when it is empty or too long."""
    name = " ".join(storable(name).split())
    if not name or len(name) > NAME_LENGTH:
        raise Invalid(_("Give the team a name of at most %(limit)d characters.") % {"limit": NAME_LENGTH})
    return name


def create_team(*, actor: User, brand_id: int, name: str) -> Team:
    """A new team of a brand, with nobody in it."""
    require(actor, brand_id, Permission.MANAGE_TEAM)
    name = clean_team_name(name)
    try:
        with transaction.atomic():
            team = Team.objects.create(brand_id=brand_id, name=name)
            _tell("team.created", actor, team, {"name": name})
    except IntegrityError:
        raise _taken(name) from None
    return team


def save_team(
    *,
    actor: User,
    team_id: int,
    name: str,
    member_ids: Collection[int],
    channel_ids: Collection[int],
) -> Team:
    """Rename a team, and say who is in it and which channels only it answers from.

    Members work for the team's brand, channels are its own: others are refused. Members who do not work
    for the brand any more, or whose login ended, stay as they are: nobody chose about them here.
    """
    team = access_team(actor, team_id)
    name = clean_team_name(name)
    chosen, wanted = set(member_ids), set(channel_ids)
    possible = set(team_candidates(team.brand_id).values_list("user_id", flat=True))
    ours = set(Channel.objects.filter(brand_id=team.brand_id).values_list("id", flat=True))
    if not chosen <= possible:
        raise Invalid(_("Somebody you chose does not work for this brand."))
    if not wanted <= ours:
        raise Invalid(_("A channel you chose does not belong to this brand."))
    try:
        with transaction.atomic():
            locked = Team.objects.select_for_update(no_key=True).get(id=team.pk)
            members = set(locked.members.values_list("id", flat=True))
            channels = set(locked.channels.values_list("id", flat=True))
            added, removed = chosen - members, (members & possible) - chosen
            if name != locked.name:
                locked.name = name
                locked.save(update_fields=["name"])
            locked.members.remove(*removed)
            locked.members.add(*added)
            locked.channels.set(wanted)
            _tell(
                "team.changed",
                actor,
                team,
                {
                    "name": name,
                    "added": sorted(added),
                    "removed": sorted(removed),
                    "channels": sorted(wanted) if wanted != channels else None,
                },
            )
    except IntegrityError:
        raise _taken(name) from None
    return locked


def team_candidates(brand_id: int) -> QuerySet[Membership]:
    """Who can be in a team of the brand: the memberships of its active people."""
    return Membership.objects.filter(brand_id=brand_id, user__is_active=True, user__is_bot=False)


def _taken(name: str) -> Invalid:
    return Invalid(_("This brand has a team called %(name)s already.") % {"name": name})


def _tell(action: str, actor: User, team: Team, data: dict[str, object]) -> None:
    record(
        action=action,
        actor_id=actor.pk,
        brand_id=team.brand_id,
        object_type="team",
        object_id=team.pk,
        data=data,
    )
