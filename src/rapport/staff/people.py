"""Colleagues are reached through these functions, which check who asks.

Whoever works for a brand sees who else does. To change somebody takes ``MANAGE_TEAM`` and a role that is
no less than theirs; what holds for every brand at once (a login's end) takes that in each of their brands.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from rapport.brands.models import Brand
from rapport.lib.errors import Invalid, NotAllowed, NotFound
from rapport.staff.access import brand_ids_for, brands_for, require
from rapport.staff.models import Membership, Role, Team, User
from rapport.staff.permissions import ROLES_BY_POWER, Permission


def visible_people(user: User) -> QuerySet[User]:
    """Themselves, the colleagues of their brands and the owners, automations apart; owners see everybody.

    Somebody who was deactivated is seen by those who manage one of their brands.
    """
    if not user.is_active:
        return User.objects.none()
    people = User.objects.filter(is_bot=False)
    if user.is_superuser:
        return people
    here = Membership.objects.filter(
        user_id=OuterRef("pk"), brand_id__in=brand_ids_for(user, Permission.VIEW_CASES)
    )
    managed = Membership.objects.filter(
        user_id=OuterRef("pk"), brand_id__in=brand_ids_for(user, Permission.MANAGE_TEAM)
    )
    return people.filter(
        Q(pk=user.pk) | Q(Q(Exists(here)) | Q(is_superuser=True), is_active=True) | Exists(managed)
    )


def access_person(user: User, person_id: int) -> User:
    """A colleague whom ``user`` may see. Raises :class:`NotFound`."""
    person = visible_people(user).filter(id=person_id).first()
    if person is None:
        raise NotFound(_("There is no such person, or you may not see them."))
    return person


def access_team(user: User, team_id: int, permission: Permission = Permission.MANAGE_TEAM) -> Team:
    """A team with its brand. Raises :class:`NotFound` or :class:`NotAllowed`."""
    team = Team.objects.select_related("brand").filter(id=team_id).first()
    if team is None:
        raise NotFound(_("There is no such team, or you may not see it."))
    require(user, team.brand_id, permission)
    return team


def power(role: str | None) -> int:
    """How much a role may do: 0 for none, more for each that includes another."""
    return len(ROLES_BY_POWER) - ROLES_BY_POWER.index(Role(role)) if role else 0


def role_of(user: User, brand_id: int) -> Role | None:
    """The role by which ``user`` acts for a brand; an owner is an admin of it."""
    if user.is_superuser:
        return Role.ADMIN
    found = user.memberships.filter(brand_id=brand_id).values_list("role", flat=True).first()
    return Role(found) if found else None


def grantable(role: Role | None) -> tuple[Role, ...]:
    """The roles that somebody with ``role`` may give: up to their own."""
    return tuple(one for one in ROLES_BY_POWER if power(one) <= power(role))


def require_over(*, actor: User, person: User, brand_id: int) -> Role:
    """Raise unless ``actor`` may change what ``person`` is for a brand; returns the actor's role there."""
    require(actor, brand_id, Permission.MANAGE_TEAM)
    if person.is_superuser and not actor.is_superuser:
        raise NotAllowed(_("Only an owner can change an owner."))
    mine = role_of(actor, brand_id)
    theirs = Membership.objects.filter(user=person, brand_id=brand_id).values_list("role", flat=True).first()
    if mine is None or power(theirs) > power(mine):
        raise NotAllowed(_("Their role for this brand is above yours. Ask an admin."))
    return mine


def may_rule(*, actor: User, person: User) -> bool:
    """Whether ``actor`` may end or give back the whole login of ``person``."""
    if actor.pk == person.pk or not actor.is_active:
        return False
    if actor.is_superuser:
        return True
    if person.is_superuser:
        return False
    mine = dict(
        actor.memberships.filter(brand__in=brands_for(actor, Permission.MANAGE_TEAM)).values_list(
            "brand_id", "role"
        )
    )
    theirs = list(person.memberships.values_list("brand_id", "role"))
    return bool(theirs) and all(
        brand_id in mine and power(role) <= power(mine[brand_id]) for brand_id, role in theirs
    )


def require_rule(*, actor: User, person: User) -> None:
    """Raise :class:`NotAllowed`, or :class:`Invalid` for oneself, unless :func:`may_rule`."""
    if actor.pk == person.pk:
        raise Invalid(_("You cannot do this to yourself. Ask a colleague."))
    if not may_rule(actor=actor, person=person):
        raise NotAllowed(
            _(
                "This ends their whole login, and you do not manage all they do. Remove them from your brand, "
                "or ask an owner."
            )
        )


def keep_an_admin(*, user_id: int, brand_ids: Collection[int]) -> None:
    """Raise :class:`Invalid` when a brand would have nobody left who may do everything.

    Inside a transaction: the brands are locked, so that two admins cannot remove each other at once.
    """
    held = list(
        Brand.objects.select_for_update(no_key=True, of=("self",))
        .filter(id__in=brand_ids, memberships__user_id=user_id, memberships__role=Role.ADMIN)
        .order_by("id")
    )
    if not held or User.objects.filter(is_superuser=True, is_active=True).exclude(id=user_id).exists():
        return
    others = set(
        Membership.objects.filter(brand__in=held, role=Role.ADMIN, user__is_active=True, user__is_bot=False)
        .exclude(user_id=user_id)
        .values_list("brand_id", flat=True)
    )
    for brand in held:
        if brand.pk not in others:
            raise Invalid(
                _("This is the last admin of %(brand)s. Make somebody else an admin first.")
                % {"brand": brand.name}
            )
