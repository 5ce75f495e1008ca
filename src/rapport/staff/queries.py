"""Who works here, as one who asks may see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from rapport.brands.models import Brand
from rapport.staff.access import brand_ids_for
from rapport.staff.models import (
    Availability,
    Invitation,
    Membership,
    Role,
    Signature,
    Team,
    User,
)
from rapport.staff.people import visible_people
from rapport.staff.permissions import ROLES_BY_POWER, Permission

SKILLS_SHOWN = 200


@dataclass(frozen=True)
class Wanted:
    """Which people: everything given must hold. ``brand_ids``: those whose roles and teams are looked at."""

    text: str = ""
    brand_ids: tuple[int, ...] | None = None
    role: str = ""
    team_id: int | None = None
    availability: str = ""
    active: bool = True


def people(*, user: User, wanted: Wanted) -> QuerySet[User]:
    """The colleagues that ``user`` may see and that are ``wanted``, by name.

    With ``memberships`` (and their brands) and ``teams``, of brands that ``user`` may see and no others.
    """
    mine = set(brand_ids_for(user, Permission.VIEW_CASES))
    brands = sorted(mine if wanted.brand_ids is None else mine & set(wanted.brand_ids))
    found = visible_people(user).filter(is_active=wanted.active)
    if wanted.text:
        # By whole words: each must be part of the name, the address or a skill.
        for word in wanted.text.split()[:8]:
            found = found.filter(
                Q(name__icontains=word) | Q(email__icontains=word) | Q(skills__icontains=word)
            )
    works = Membership.objects.filter(user_id=OuterRef("pk"), brand_id__in=brands)
    if wanted.role in Role.values:
        works = works.filter(role=wanted.role)
    if wanted.role == "owner":
        found = found.filter(is_superuser=True)
    elif wanted.role:
        found = found.filter(Exists(works))
    elif wanted.brand_ids is not None:
        found = found.filter(Q(Exists(works)) | Q(is_superuser=True))
    if wanted.team_id is not None:
        teams = Team.objects.filter(members=OuterRef("pk"), id=wanted.team_id, brand_id__in=brands)
        found = found.filter(Exists(teams))
    away = Q(availability=Availability.AWAY) & (Q(away_until=None) | Q(away_until__gt=timezone.now()))
    if wanted.availability == Availability.AWAY:
        found = found.filter(away)
    elif wanted.availability == Availability.AVAILABLE:
        found = found.exclude(away)
    memberships = Membership.objects.filter(brand_id__in=brands).select_related("brand")
    return found.order_by("name", "id").prefetch_related(
        Prefetch("memberships", memberships.order_by("brand__name")),
        Prefetch("teams", Team.objects.filter(brand_id__in=brands).select_related("brand").order_by("name")),
    )


@dataclass
class RoleGroup:
    """Who has one role for a brand."""

    role: Role
    people: list[User] = field(default_factory=list)


def people_by_role(*, user: User, brand: Brand) -> list[RoleGroup]:
    """The brand's active people under their roles, the most powerful first; owners are admins."""
    groups = {role: RoleGroup(role) for role in ROLES_BY_POWER}
    roles = dict(Membership.objects.filter(brand=brand).values_list("user_id", "role"))
    known = visible_people(user).filter(is_active=True).filter(Q(is_superuser=True) | Q(id__in=roles))
    for person in known.order_by("name", "id"):
        role = Role.ADMIN if person.is_superuser else Role(roles[person.pk])
        groups[role].people.append(person)
    return list(groups.values())


def teams_of(*, user: User, brand_ids: Iterable[int]) -> QuerySet[Team]:
    """The teams of these brands that ``user`` may see, with their brand, active members and channels."""
    mine = set(brand_ids_for(user, Permission.VIEW_CASES)) & set(brand_ids)
    members = User.objects.filter(is_active=True).order_by("name", "id")
    return (
        Team.objects.filter(brand_id__in=mine)
        .select_related("brand")
        .prefetch_related(Prefetch("members", members), "channels")
        .order_by("brand__name", "name", "id")
    )


def open_invitations(*, user: User) -> QuerySet[Invitation]:
    """Invitations that wait, of the brands whose people ``user`` manages, the newest first."""
    return (
        Invitation.objects.filter(
            brand_id__in=brand_ids_for(user, Permission.MANAGE_TEAM), accepted_at=None, revoked_at=None
        )
        .select_related("brand", "invited_by")
        .prefetch_related("teams")
        .order_by("-id")
    )


def skills_in_use(*, user: User) -> list[str]:
    """Skills that colleagues named, to complete one's own from, at most some hundreds."""
    seen = visible_people(user).filter(is_active=True).values_list("skills", flat=True)
    spelled: dict[str, str] = {}
    for skills in seen.exclude(skills=[])[:2000]:
        for skill in skills:
            spelled.setdefault(skill.casefold(), skill)
    return sorted(spelled.values(), key=str.casefold)[:SKILLS_SHOWN]


def sign_as(*, user: User, brand_id: int) -> tuple[str, str]:
    """Initials and first name that stand for ``user`` under replies for a brand."""
    own = Signature.objects.filter(user=user, brand_id=brand_id).first()
    if own is None:
        return user.initials, user.first_name
    return own.initials or user.initials, own.name or user.first_name
