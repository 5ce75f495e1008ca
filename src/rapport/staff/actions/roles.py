"""What one colleague may change about another: their role for a brand, their logins, who owns the place."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.lib.errors import Conflict, Invalid, NotAllowed
from rapport.staff.actions.users import set_active, set_owner, set_role
from rapport.staff.models import Membership, Role, Session, User
from rapport.staff.people import access_person, grantable, require_over, require_rule
from rapport.staff.permissions import Permission, roles_with


def give_role(
    *, actor: User, person_id: int, brand_id: int, role: Role | str, expected: str | None = None
) -> User:
    """Give a colleague a role for a brand, up to one's own.

    ``expected``: the role they had when the actor looked ("" for none); with another one it is a
    :class:`Conflict`. Somebody who answers cases stays an agent at least until they are handed over: that,
    and taking a role away, is :func:`rapport.inbox.actions.handover.leave`.
    """
    try:
        wanted = Role(role)
    except ValueError:
        raise Invalid(_("There is no such role.")) from None
    person = access_person(actor, person_id)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(id=person.pk)
        mine = require_over(actor=actor, person=person, brand_id=brand_id)
        has = Membership.objects.filter(user=person, brand_id=brand_id).values_list("role", flat=True).first()
        if has == wanted:
            return person
        if expected is not None and expected != (has or ""):
            raise Conflict(_("Somebody changed this role in the meantime. Look at it, then do it again."))
        if wanted not in grantable(mine):
            raise NotAllowed(_("You can give roles up to your own. Ask an admin."))
        answers = roles_with(Permission.REPLY)
        if has in answers and wanted not in answers:
            raise Invalid(_("Hand their cases over first: with this role they cannot answer any more."))
        set_role(actor_id=actor.pk, user_id=person.pk, brand_id=brand_id, role=wanted)
    return person


def make_owner(*, actor: User, person_id: int, owner: bool) -> User:
    """Make a colleague an owner, or no longer. Only owners may."""
    person = access_person(actor, person_id)
    if not actor.is_superuser:
        raise NotAllowed(_("Only an owner can change who owns this place."))
    return set_owner(actor_id=actor.pk, user_id=person.pk, owner=owner)


def reactivate(*, actor: User, person_id: int) -> User:
    """Let somebody in again, with the roles and teams they had."""
    person = access_person(actor, person_id)
    require_rule(actor=actor, person=person)
    if person.is_active:
        return person
    return set_active(actor_id=actor.pk, user_id=person.pk, active=True)


def sign_out(*, actor: User, person_id: int) -> int:
    """End every login of a colleague; returns how many there were."""
    person = access_person(actor, person_id)
    require_rule(actor=actor, person=person)
    with transaction.atomic():
        return _end(actor=actor, person=person, keep=None)


def sign_out_elsewhere(*, actor: User, keep: str | None) -> int:
    """End one's own logins but the one whose session key is ``keep``."""
    with transaction.atomic():
        return _end(actor=actor, person=actor, keep=keep)


def _end(*, actor: User, person: User, keep: str | None) -> int:
    ended, _rows = Session.objects.filter(user=person).exclude(session_key=keep or "").delete()
    record(
        action="user.signed_out",
        actor_id=actor.pk,
        object_type="user",
        object_id=person.pk,
        data={"logins": ended},
    )
    return ended
