"""Changing who works here. Each is one transaction with its audit entry; ``actor_id`` is null for a command."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.lib.errors import Invalid, NotFound
from rapport.lib.text import storable
from rapport.staff.models import Membership, Role, Session, Team, User
from rapport.staff.people import keep_an_admin


def add_user(
    *,
    actor_id: int | None,
    email: str,
    name: str,
    password: str,
    initials: str = "",
    owner: bool = False,
) -> User:
    """A new user. Initials are taken from the name when not given. Raises Invalid with what to change."""
    email = email.strip().lower()
    name = " ".join(storable(name).split())
    if not name or len(name) > 120:
        raise Invalid(_("Give a name of at most 120 characters."))
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(_("%(email)s is not an e-mail address.") % {"email": email}) from error
    initials = storable(initials.strip()) or "".join(word[0] for word in name.split())[:4].upper()
    if len(initials) > 4:
        raise Invalid(_("Initials have at most 4 characters."))
    user = User(email=email, name=name, initials=initials, is_superuser=owner)
    _set_password(user, password)
    try:
        with transaction.atomic():
            user.save()
            _tell("user.added", actor_id, user, {"owner": owner})
    except IntegrityError as error:
        raise Invalid(_("%(email)s is a user already.") % {"email": email}) from error
    return user


def set_password(*, actor_id: int | None, user_id: int, password: str) -> User:
    """Give a new password; every session of the user ends. Raises Invalid for a weak one."""
    with transaction.atomic():
        user = _user(user_id)
        _set_password(user, password)
        user.save(update_fields=["password"])
        Session.objects.filter(user=user).delete()
        _tell("user.password", actor_id, user, {})
    return user


def set_role(*, actor_id: int | None, user_id: int, brand_id: int, role: Role | None) -> User:
    """Give the user a role for a brand, or with None take it away. Raises Invalid for its last admin."""
    with transaction.atomic():
        user = _user(user_id)
        if role != Role.ADMIN and user.is_active and not user.is_superuser:
            keep_an_admin(user_id=user.pk, brand_ids=[brand_id])
        if role is None:
            Membership.objects.filter(user=user, brand_id=brand_id).delete()
        else:
            Membership.objects.update_or_create(user=user, brand_id=brand_id, defaults={"role": role})
        _tell("user.role", actor_id, user, {"role": role.value if role else None}, brand_id)
    return user


def set_owner(*, actor_id: int | None, user_id: int, owner: bool) -> User:
    """Make the user an owner (admin of every brand), or no longer. Raises Invalid for the last one."""
    with transaction.atomic():
        user = _user(user_id)
        if user.is_superuser and not owner:
            _keep_an_owner(user)
        user.is_superuser = owner
        user.save(update_fields=["is_superuser"])
        _tell("user.owner", actor_id, user, {"owner": owner})
    return user


def set_active(*, actor_id: int | None, user_id: int, active: bool) -> User:
    """Let the user in, or lock them out at once; what they wrote stays theirs. Raises Invalid for the
    last owner, and for the last admin of a brand."""
    with transaction.atomic():
        user = _user(user_id)
        if not active and user.is_superuser:
            _keep_an_owner(user)
        if not active and user.is_active:
            brands = list(user.memberships.values_list("brand_id", flat=True))
            keep_an_admin(user_id=user.pk, brand_ids=brands)
        user.is_active = active
        user.save(update_fields=["is_active"])
        _tell("user.activated" if active else "user.deactivated", actor_id, user, {})
    return user


def set_team(*, actor_id: int | None, user_id: int, brand_id: int, team: str, member: bool) -> Team:
    """Put the user in a brand's team, made on first use, or take them out."""
    team = " ".join(storable(team).split())
    if not team or len(team) > 120:
        raise Invalid(_("Give the team a name of at most 120 characters."))
    with transaction.atomic():
        user = _user(user_id)
        found, _new = Team.objects.get_or_create(brand_id=brand_id, name=team)
        if member:
            found.members.add(user)
        else:
            found.members.remove(user)
        _tell("user.team", actor_id, user, {"team": found.id, "member": member}, brand_id)
    return found


def _user(user_id: int) -> User:
    user = User.objects.select_for_update().filter(id=user_id).first()
    if user is None:
        raise NotFound(_("There is no such user."))
    return user


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from error
    user.set_password(password)


def _keep_an_owner(user: User) -> None:
    # Owners are few; locking them all keeps two people from removing each other at once.
    owners = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    if not [owner for owner in owners if owner.pk != user.pk]:
        raise Invalid(_("This is the only owner. Make somebody else an owner first."))


def _tell(
    action: str, actor_id: int | None, user: User, data: dict[str, object], brand_id: int | None = None
) -> None:
    record(
        action=action,
        actor_id=actor_id,
        brand_id=brand_id,
        object_type="user",
        object_id=user.pk,
        data=data,
    )
