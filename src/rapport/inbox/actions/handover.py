"""Somebody goes, or a team does: their open cases are handed over in one statement, and all of it can be undone.

Who goes may leave one brand, may stay there as a viewer, or may leave altogether (the login ends). Closed
cases keep the name of who closed them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.models import Brand
from rapport.inbox.actions.follow import end_following, would_begin
from rapport.inbox.models import Case, CaseStatus
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.lib.live import notify_desk
from rapport.lib.pg import array
from rapport.staff.access import may
from rapport.staff.actions import set_active, set_role
from rapport.staff.models import Membership, Reversal, Role, Session, Team, User
from rapport.staff.people import access_person, access_team, grantable, require_over, require_rule
from rapport.staff.permissions import Permission, roles_with

UNDO_FOR = timedelta(hours=24)
_SHOWN = 30
_WORK = (CaseStatus.OPEN, CaseStatus.SNOOZED)

# Changes cases whose rows are locked, tells it in their history and in the audit log.
_MOVE = """
WITH moved AS (
    UPDATE inbox_case c SET assignee_id = m.to_person, team_id = m.to_team, version = c.version + 1
    FROM unnest(%(ids)s::bigint[], %(persons)s::bigint[], %(teams)s::bigint[],
                %(to_persons)s::bigint[], %(to_teams)s::bigint[])
         AS m(id, person, team, to_person, to_team)
    WHERE c.id = m.id
    RETURNING c.id, c.brand_id, c.version, jsonb_build_object(
        'from', m.person, 'to', m.to_person, 'from_team', m.team, 'to_team', m.to_team) AS data
), told AS (
    INSERT INTO inbox_caseevent (case_id, brand_id, kind, at, actor_id, data)
    SELECT id, brand_id, 'assigned', %(now)s, %(actor)s, data FROM moved
), audited AS (
    INSERT INTO audit_auditentry (at, actor_id, action, brand_id, object_type, object_id, data)
    SELECT %(now)s, %(actor)s, 'case.assigned', brand_id, 'case', id::text, data FROM moved
)
SELECT id, brand_id, version FROM moved ORDER BY id
"""


@dataclass
class Held:
    """The open and snoozed cases somebody has of one brand; ``cases`` are the longest-waiting of them."""

    brand: Brand
    count: int
    cases: list[Case] = field(default_factory=list)


@dataclass(frozen=True)
class Done:
    """``reversal`` takes it back; ``cases`` is how many were handed over, or given back."""

    reversal: Reversal
    cases: int
    kept: int = 0


def held_by(*, actor: User, person_id: int, brand_id: int | None = None) -> list[Held]:
    """What would have to be handed over, per brand that ``actor`` may see: all of them, or one."""
    person = access_person(actor, person_id)
    counts = Case.objects.filter(assignee=person, status__in=_WORK)
    if brand_id is not None:
        counts = counts.filter(brand_id=brand_id)
    numbers = dict(counts.order_by().values_list("brand_id").annotate(Count("id")))
    brands = {brand.pk: Held(brand, numbers[brand.pk]) for brand in Brand.objects.filter(id__in=numbers)}
    shown = counts.select_related("contact").order_by("brand_id", "waiting_since", "id")
    for case in shown[: _SHOWN * max(1, len(brands))]:
        if len(brands[case.brand_id].cases) < _SHOWN:
            brands[case.brand_id].cases.append(case)
    return [held for brand, held in brands.items() if may(actor, brand, Permission.VIEW_CASES)]


def leave(
    *,
    actor: User,
    person_id: int,
    brand_id: int | None,
    role: Role | None = None,
    heirs: Mapping[int, int | None],
) -> Done:
    """Let somebody go, and hand over their open cases: per brand (id) to a person, or to nobody.

    ``brand_id`` None ends the whole login: they are locked out, and roles and teams wait in case they come
    back. Else they leave that brand and its teams, or with a ``role`` that does not answer stay in it with
    that. Raises :class:`~rapport.lib.errors.NotAllowed` and :class:`~rapport.lib.errors.Invalid` (the last
    admin or owner stays).
    """
    person = access_person(actor, person_id)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(id=person.pk)
        memberships = Membership.objects.filter(user=person)
        if brand_id is None:
            require_rule(actor=actor, person=person)
            if not person.is_active:
                raise Conflict(_("Somebody deactivated this login in the meantime."))
            brands = sorted(
                {*memberships.values_list("brand_id", flat=True)}
                | {*Case.objects.filter(assignee=person, status__in=_WORK).values_list("brand_id", flat=True)}
            )
        else:
            require_over(actor=actor, person=person, brand_id=brand_id)
            brands = [brand_id]
            memberships = memberships.filter(brand_id=brand_id)
        before: dict[str, Any] = {
            "person": person.pk,
            "active": person.is_active,
            "roles": [list(pair) for pair in memberships.values_list("brand_id", "role")],
            "teams": list(person.teams.filter(brand_id__in=brands).values_list("id", flat=True)),
        }
        _check_heirs(person=person, brands=brands, heirs=heirs)
        _go(actor=actor, person=person, brand_id=brand_id, role=role, had=bool(before["roles"]))
        theirs = _locked(Case.objects.filter(assignee=person, brand_id__in=brands, status__in=_WORK))
        given = [(case, heirs.get(case.brand_id), case.team_id) for case in theirs]
        begins = would_begin([(case.pk, heir) for case, heir, _team in given if heir is not None])
        moved = _move(actor, given)
        made = _keep(
            Reversal.Kind.LEFT, actor, {**before, "brand": brand_id, "cases": moved, "begins": begins}
        )
    return Done(made, len(moved))


def _go(*, actor: User, person: User, brand_id: int | None, role: Role | None, had: bool) -> None:
    if brand_id is None:
        set_active(actor_id=actor.pk, user_id=person.pk, active=False)
        Session.objects.filter(user=person).delete()
        return
    if not had:
        raise NotFound(_("They do not work for this brand."))
    if role is not None and role in roles_with(Permission.REPLY):
        raise Invalid(_("With this role they can keep their cases."))
    set_role(actor_id=actor.pk, user_id=person.pk, brand_id=brand_id, role=role)
    if role is None:
        person.teams.remove(*Team.objects.filter(brand_id=brand_id, members=person))


def delete_team(*, actor: User, team_id: int) -> Done:
    """Delete a team. Its open cases stay with whoever has them; closed ones still name it."""
    team = access_team(actor, team_id)
    with transaction.atomic():
        locked = Team.objects.select_for_update(no_key=True).filter(id=team.pk).first()
        if locked is None:
            raise Conflict(_("Somebody deleted this team in the meantime."))
        locked.deleted_at = timezone.now()
        locked.save(update_fields=["deleted_at"])
        theirs = _locked(Case.objects.filter(team=locked, brand_id=team.brand_id, status__in=_WORK))
        moved = _move(actor, [(case, case.assignee_id, None) for case in theirs])
        _tell("team.deleted", actor, team)
        made = _keep(Reversal.Kind.TEAM, actor, {"team": team.pk, "cases": moved})
    return Done(made, len(moved))


def undo(*, actor: User, reversal_id: int) -> Done:
    """Take back what ``actor`` did within a day: all but the cases that somebody changed since."""
    with transaction.atomic():
        found = Reversal.objects.select_for_update().filter(id=reversal_id, actor=actor).first()
        if found is None or found.at < timezone.now() - UNDO_FOR:
            raise NotFound(_("There is nothing to undo any more."))
        if found.undone_at is not None:
            raise Conflict(_("This was undone already."))
        versions: dict[int, int] = dict(found.data["cases"])
        cases = [
            case
            for case in _locked(Case.objects.filter(id__in=versions))
            if case.version == versions[case.pk]
        ]
        if found.kind == Reversal.Kind.TEAM:
            team = _team_back(actor, found.data)
            moved = _move(actor, [(case, case.assignee_id, team) for case in cases])
        else:
            person = _person_back(actor, found.data)
            moved = _move(actor, [(case, person, case.team_id) for case in cases])
            given_back = {case.pk for case in cases}
            begun = [(case, heir) for case, heir in found.data.get("begins", ()) if case in given_back]
            end_following(begun, since=found.at)
        found.undone_at = timezone.now()
        found.save(update_fields=["undone_at"])
    return Done(found, len(moved), kept=len(versions) - len(moved))


def _person_back(actor: User, before: dict[str, Any]) -> int:
    person = _person_let_go(actor, before["person"])
    if before["brand"] is None:
        require_rule(actor=actor, person=person)
        set_active(actor_id=actor.pk, user_id=person.pk, active=before["active"])
        return person.pk
    mine = require_over(actor=actor, person=person, brand_id=before["brand"])
    for brand_id, role in before["roles"]:  # one: that of the brand they left
        if Role(role) not in grantable(mine):
            raise NotAllowed(_("You can give roles up to your own. Ask an admin."))
        set_role(actor_id=actor.pk, user_id=person.pk, brand_id=brand_id, role=Role(role))
    person.teams.add(*Team.objects.filter(id__in=before["teams"]))
    return person.pk


def _person_let_go(actor: User, person_id: int) -> User:
    """Somebody whom the actor let go, and who may be out of their sight since."""
    person = User.objects.filter(id=person_id, is_bot=False).first()
    if person is None:
        raise NotFound(_("There is no such person, or you may not see them."))
    return person


def _team_back(actor: User, before: dict[str, Any]) -> int:
    team = Team.everything.select_for_update(no_key=True).get(id=before["team"])
    if not may(actor, team.brand_id, Permission.MANAGE_TEAM):
        raise NotFound(_("There is nothing to undo any more."))
    if Team.objects.filter(brand_id=team.brand_id, name=team.name).exists():
        raise Conflict(_("There is a new team of that name. Rename it first."))
    team.deleted_at = None
    team.save(update_fields=["deleted_at"])
    _tell("team.restored", actor, team)
    return team.pk


def _check_heirs(*, person: User, brands: Sequence[int], heirs: Mapping[int, int | None]) -> None:
    """Raise unless everybody who is to get cases can answer for their brand."""
    wanted = {(brand, heir) for brand, heir in heirs.items() if heir is not None and brand in brands}
    ids = {heir for _brand, heir in wanted}
    people = User.objects.filter(id__in=ids, is_active=True, is_bot=False).exclude(id=person.pk)
    owners = set(people.filter(is_superuser=True).values_list("id", flat=True))
    answer = set(
        Membership.objects.filter(
            Q(user__in=people), brand_id__in=brands, role__in=roles_with(Permission.REPLY)
        ).values_list("brand_id", "user_id")
    )
    if any(heir not in owners and (brand, heir) not in answer for brand, heir in wanted):
        raise Invalid(_("Somebody you chose cannot answer for that brand. Choose somebody who can."))


def _locked(cases: QuerySet[Case]) -> list[Case]:
    """The cases with their rows locked, in one order, so that two who do this at once wait and do not deadlock."""
    fields = ("id", "brand_id", "assignee_id", "team_id", "version")
    return list(cases.select_for_update(no_key=True).only(*fields).order_by("id"))


def _move(actor: User, moves: Sequence[tuple[Case, int | None, int | None]]) -> list[list[int]]:
    """Give each locked case to a person and a team (ids); returns [case, version it has now] of each."""
    if not moves:
        return []
    given: dict[str, Any] = {
        "ids": array(case.pk for case, _person, _team in moves),
        "persons": array(case.assignee_id for case, _person, _team in moves),
        "teams": array(case.team_id for case, _person, _team in moves),
        "to_persons": array(person for _case, person, _team in moves),
        "to_teams": array(team for _case, _person, team in moves),
        "actor": actor.pk,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, given)
        moved: list[tuple[int, int, int]] = cursor.fetchall()
    by_brand: dict[int, list[int]] = {}
    for case_id, brand_id, _version in moved:
        by_brand.setdefault(brand_id, []).append(case_id)
    for brand_id, case_ids in by_brand.items():
        notify_desk(brand_id=brand_id, case_ids=case_ids)
    return [[case_id, version] for case_id, _brand, version in moved]


def _keep(kind: Reversal.Kind, actor: User, data: dict[str, Any]) -> Reversal:
    Reversal.objects.filter(at__lt=timezone.now() - UNDO_FOR).delete()
    return Reversal.objects.create(kind=kind, actor=actor, data=data)


def _tell(action: str, actor: User, team: Team) -> None:
    record(action=action, actor_id=actor.pk, brand_id=team.brand_id, object_type="team", object_id=team.pk)
