"""Asking people in. A link works once and for seven days; only its hash is kept, so nobody can read it here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.staff.access import require
from rapport.staff.actions.users import add_user, set_role
from rapport.staff.models import Invitation, Membership, Role, Team, User
from rapport.staff.people import grantable, power, role_of
from rapport.staff.permissions import Permission

LASTS = timedelta(days=7)
# So many links one person makes in a day; more is a mistake, or somebody who sends mail through us.
A_DAY = 100
_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class Invited:
    """``token`` is the link's secret, here for the only time."""

    invitation: Invitation
    token: str = field(repr=False)


def invite(
    *, actor: User, email: str, brand_id: int, role: Role | str, team_ids: Collection[int] = ()
) -> Invited:
    """Invite an address to work for a brand, with a role up to one's own."""
    require(actor, brand_id, Permission.MANAGE_TEAM)
    wanted = _grantable(actor, brand_id, role)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(_("%(email)s is not an e-mail address.") % {"email": email[:254]}) from None
    if len(email) > 254:
        raise Invalid(_("That e-mail address is too long."))
    if Membership.objects.filter(user__email=email, brand_id=brand_id).exists():
        raise Invalid(
            _("%(email)s works for this brand already. Look for them among the people.") % {"email": email}
        )
    teams = list(Team.objects.filter(brand_id=brand_id, id__in=team_ids))
    if len(teams) != len(set(team_ids)):
        raise Invalid(_("That team does not belong to this brand."))
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    try:
        with transaction.atomic():
            _count(actor)
            # One that ran out makes room for its successor.
            Invitation.objects.filter(
                brand_id=brand_id, email=email, accepted_at=None, revoked_at=None, expires_at__lte=now
            ).update(revoked_at=now)
            made = Invitation.objects.create(
                email=email,
                brand_id=brand_id,
                role=wanted,
                token_sha256=_hash(token),
                invited_by=actor,
                expires_at=now + LASTS,
            )
            made.teams.set(teams)
            _tell(
                "invitation.made", actor.pk, made, {"role": wanted.value, "teams": [one.pk for one in teams]}
            )
    except IntegrityError:
        raise Invalid(
            _("%(email)s is invited already. Find the invitation below to send it again.") % {"email": email}
        ) from None
    return Invited(made, token)


def renew(*, actor: User, invitation_id: int) -> Invited:
    """A new link for an open invitation, good for seven days; the one before ends."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        found = _open_invitation(actor, invitation_id)
        _grantable(actor, found.brand_id, found.role)
        if found.renewed_at > timezone.now() - _AGAIN_AFTER:
            raise Invalid(
                _("Its link was made less than a minute ago. Wait a moment before you make another.")
            )
        _count(actor)
        found.token_sha256 = _hash(token)
        found.invited_by = actor
        found.renewed_at = timezone.now()
        found.expires_at = found.renewed_at + LASTS
        found.mailed_at = None
        found.save(update_fields=["token_sha256", "invited_by", "renewed_at", "expires_at", "mailed_at"])
        _tell("invitation.renewed", actor.pk, found, {})
    return Invited(found, token)


def revoke(*, actor: User, invitation_id: int) -> Invitation:
    """End an invitation: its link leads nowhere any more."""
    with transaction.atomic():
        found = _open_invitation(actor, invitation_id)
        found.revoked_at = timezone.now()
        found.save(update_fields=["revoked_at"])
        _tell("invitation.revoked", actor.pk, found, {})
    return found


def open_by_token(token: str) -> Invitation:
    """The invitation that a link leads to, with its brand and who made it.

    Raises :class:`NotFound` for a link that never was, and :class:`Conflict` for one that was used, taken
    back or replaced, that is too old, or whose maker may not give that role any more.
    """
    found = Invitation.objects.select_related("brand", "invited_by").filter(token_sha256=_hash(token)).first()
    if found is None:
        raise NotFound(_("This link is not one of ours, or a newer one took its place."))
    _check(found)
    return found


def accept_as_newcomer(*, token: str, name: str, password: str, language: str = "") -> User:
    """Make the login that was offered, and use the invitation up. Raises as :func:`open_by_token`, and
    :class:`Invalid` with what to change."""
    with transaction.atomic():
        found = _locked(token)
        if User.objects.filter(email=found.email).exists():
            raise Conflict(_("There is a login with this address already. Log in with it."))
        user = add_user(actor_id=None, email=found.email, name=name, password=password)
        user.language = language
        user.save(update_fields=["language"])
        _use(found, user)
    return user


def accept_as(*, token: str, user: User) -> User:
    """Add what was offered to a login that exists. A role they have is never made less."""
    with transaction.atomic():
        found = _locked(token)
        if user.email != found.email or not user.is_active:
            raise NotAllowed(_("This invitation is for %(email)s.") % {"email": found.email})
        _use(found, user)
    return user


def mark_mailed(*, invitation: Invitation) -> None:
    """Remember that its link left by e-mail."""
    invitation.mailed_at = timezone.now()
    invitation.save(update_fields=["mailed_at"])


def _use(found: Invitation, user: User) -> None:
    has = Membership.objects.filter(user=user, brand_id=found.brand_id).values_list("role", flat=True).first()
    if power(found.role) > power(has):
        set_role(actor_id=user.pk, user_id=user.pk, brand_id=found.brand_id, role=Role(found.role))
    user.teams.add(*Team.objects.filter(id__in=found.teams.values("id")))
    found.accepted_at = timezone.now()
    found.accepted_by = user
    found.save(update_fields=["accepted_at", "accepted_by"])
    _tell("invitation.accepted", user.pk, found, {"invited_by": found.invited_by_id})


def _locked(token: str) -> Invitation:
    """The invitation, its row locked: of two who use a link at once the second finds it used."""
    locked = Invitation.objects.select_for_update(of=("self",)).filter(token_sha256=_hash(token))
    found = locked.select_related("brand", "invited_by").first()
    if found is None:
        raise NotFound(_("This link is not one of ours, or a newer one took its place."))
    _check(found)
    return found


def _check(found: Invitation) -> None:
    if found.accepted_at is not None:
        raise Conflict(_("This invitation was used already. Log in with your e-mail address and password."))
    if found.revoked_at is not None:
        raise Conflict(_("This invitation was taken back."))
    if found.is_expired:
        raise Conflict(_("This invitation is older than seven days. Ask for a new one."))
    maker = found.invited_by
    mine = role_of(maker, found.brand_id) if maker.is_active else None
    if power(mine) < max(power(Role.LEAD), power(found.role)):
        raise Conflict(_("Whoever invited you may not do so any more. Ask for a new invitation."))


def _open_invitation(actor: User, invitation_id: int) -> Invitation:
    """An invitation that still waits, locked, whose brand the actor manages."""
    found = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("brand", "invited_by")
        .filter(id=invitation_id)
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such invitation, or you may not see it."))
    require(actor, found.brand_id, Permission.MANAGE_TEAM)
    if found.accepted_at is not None:
        raise Conflict(_("This invitation was used in the meantime."))
    if found.revoked_at is not None:
        raise Conflict(_("This invitation was taken back in the meantime."))
    return found


def _grantable(actor: User, brand_id: int, role: Role | str) -> Role:
    try:
        wanted = Role(role)
    except ValueError:
        raise Invalid(_("There is no such role.")) from None
    if wanted not in grantable(role_of(actor, brand_id)):
        raise NotAllowed(_("You can give roles up to your own. Ask an admin."))
    return wanted


def _count(actor: User) -> None:
    User.objects.select_for_update(no_key=True).get(id=actor.pk)  # two at once are counted one by one
    since = timezone.now() - timedelta(days=1)
    if Invitation.objects.filter(invited_by=actor, renewed_at__gte=since).count() >= A_DAY:
        raise Invalid(
            _("You invited %(limit)d people within a day, which is the most. Go on tomorrow.")
            % {"limit": A_DAY}
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _tell(action: str, actor_id: int, invitation: Invitation, data: dict[str, object]) -> None:
    record(
        action=action,
        actor_id=actor_id,
        brand_id=invitation.brand_id,
        object_type="invitation",
        object_id=invitation.pk,
        data=data,
    )
