"""Who can be given a case."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from rapport.inbox.models import Tag
from rapport.staff.models import Membership, User
from rapport.staff.permissions import Permission, roles_with


def assignable_users(*, brand_id: int) -> QuerySet[User]:
    """Active people who may answer for the brand, by name. Automations are not people."""
    answers = Membership.objects.filter(
        user_id=OuterRef("pk"), brand_id=brand_id, role__in=roles_with(Permission.REPLY)
    )
    return User.objects.filter(Q(is_superuser=True) | Exists(answers), is_active=True, is_bot=False).order_by(
        "name", "id"
    )


def colleagues_of(*, brand_id: int) -> QuerySet[User]:
    """The same people with what a menu says of them, and no more: there may be hundreds, in case after case."""
    return assignable_users(brand_id=brand_id).only("name", "initials", "availability", "away_until")


def brand_tags(*, brand_id: int) -> QuerySet[Tag]:
    """The brand's tags, by name."""
    return Tag.objects.filter(brand_id=brand_id).order_by("name", "id")
