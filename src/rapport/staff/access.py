"""A brand is reached through these functions, which check who asks. Rooms build their own on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from rapport.brands.models import Brand, Channel
from rapport.lib.errors import NotAllowed, NotFound
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission, roles_with


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one person may enter, while a page is shown to them: their roles by brand; of who may do everything, all
    brands' ids by name, else none."""

    user_id: int
    roles: dict[int, str]
    every: tuple[int, ...]


_seen: ContextVar[_Seen | None] = ContextVar("roles_seen", default=None)


@contextmanager
def roles_read_once(user: User) -> Iterator[None]:
    """Within it, what ``user`` may do is asked of the database once: a page asks a dozen times.

    For what only reads. Whoever changes something asks anew, so that a role taken away meanwhile counts.
    """
    if user.is_superuser:
        seen = _Seen(user.pk, {}, tuple(Brand.objects.values_list("id", flat=True)))
    else:
        seen = _Seen(user.pk, dict(user.memberships.values_list("brand_id", "role")), ())
    before = _seen.set(seen)
    try:
        yield
    finally:
        _seen.reset(before)


def _seen_of(user: User) -> _Seen | None:
    seen = _seen.get()
    return seen if seen and seen.user_id == user.pk else None


def brands_for(user: User, permission: Permission) -> QuerySet[Brand]:
    """The brands for which ``user`` has ``permission``."""
    if not user.is_active:
        return Brand.objects.none()
    if user.is_superuser:
        return Brand.objects.all()
    return Brand.objects.filter(memberships__user=user, memberships__role__in=roles_with(permission))


def brand_ids_for(user: User, permission: Permission) -> list[int]:
    """Their ids."""
    seen = _seen_of(user)
    if seen is not None and user.is_active:
        if user.is_superuser:
            return list(seen.every)
        return sorted(brand_id for brand_id, role in seen.roles.items() if role in roles_with(permission))
    return list(brands_for(user, permission).values_list("id", flat=True))


def may_anywhere(user: User, permission: Permission) -> bool:
    """Whether ``user`` has ``permission`` for any brand."""
    if _seen_of(user) is not None:
        return bool(brand_ids_for(user, permission))
    return brands_for(user, permission).exists()


def may(user: User, brand_id: int, permission: Permission) -> bool:
    """Whether ``user`` has ``permission`` for one brand."""
    return permission in granted(user, brand_id)


def granted(user: User, brand_id: int) -> frozenset[Permission]:
    """Everything ``user`` may do for one brand, in one query at most."""
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Permission)
    seen = _seen_of(user)
    if seen is not None:
        roles = {seen.roles[brand_id]} if brand_id in seen.roles else set()
    else:
        roles = set(user.memberships.filter(brand_id=brand_id).values_list("role", flat=True))
    return frozenset(one for one in Permission if roles.intersection(roles_with(one)))


def require(user: User, brand_id: int, permission: Permission) -> None:
    """Raise unless ``user`` has ``permission``.

    :class:`NotFound` when they may not even know of the brand's cases, else :class:`NotAllowed`.
    """
    allowed = granted(user, brand_id)
    if permission in allowed:
        return
    if Permission.VIEW_CASES in allowed:
        raise NotAllowed("Your role for this brand does not allow that. Ask a lead or an admin.")
    raise NotFound("There is no such thing, or you may not see it.")


def may_answer_from(user: User, channel: Channel) -> bool:
    """Whether ``user`` may answer from a channel: who replies for its brand, unless it belongs to teams that
    they are not in. Leads and admins always may.
    """
    allowed = granted(user, channel.brand_id)
    if Permission.REPLY not in allowed:
        return False
    if Permission.MANAGE_TEAM in allowed:
        return True
    teams = Team.objects.filter(channels=channel)
    return not teams.exists() or teams.filter(members=user).exists()


def require_answer_from(user: User, channel: Channel) -> None:
    """Raise :class:`NotAllowed` unless ``user`` may answer from ``channel``."""
    if not may_answer_from(user, channel):
        raise NotAllowed(
            _("Only certain teams answer from %(handle)s. Ask a lead to add you to one of them.")
            % {"handle": channel.handle}
        )


def access_brand(user: User, slug: str, permission: Permission) -> Brand:
    """The brand called ``slug``. Raises :class:`NotFound` or :class:`NotAllowed`."""
    brand = Brand.objects.filter(slug=slug).first()
    if brand is None:
        raise NotFound("There is no such brand, or you may not see it.")
    require(user, brand.id, permission)
    return brand
