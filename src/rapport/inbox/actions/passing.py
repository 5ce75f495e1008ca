"""A case passes from one colleague to another: handed over with words, taken over, or given away."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox.access import access_case
from rapport.inbox.actions.change import Change, bump, lock_case, tell
from rapport.inbox.actions.notes import clean_note
from rapport.inbox.actions.work import assignment
from rapport.inbox.mentions import record_mentions
from rapport.inbox.models import Case, CaseEventKind, CaseHandover, Note
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def hand_over_case(
    *,
    actor: User,
    case_id: int,
    text: str,
    assignee_id: int | None = None,
    team_id: int | None = None,
    was_with: int | None = None,
) -> Case:
    """Give the case to a person or a team together with a note for them, in one step.

    Whoever has it then sees the note at the top until they act. ``was_with``: whose the case was when
    ``actor`` looked. Raises Conflict when it has gone to somebody else since, and Invalid when there is
    nobody to give it to, they have it already, or nothing is written.
    """
    access_case(user=actor, case_id=case_id, permission=Permission.WORK_CASES)
    words = clean_note(text)
    if (assignee_id is None) == (team_id is None):
        raise Invalid(_("Choose a colleague or a team."))
    with transaction.atomic():
        case = lock_case(case_id=case_id)
        former = case.assignee_id
        if former != was_with and former != actor.id:
            raise Conflict(
                _("Somebody gave this case to another colleague in the meantime. Look, then decide.")
            )
        change = assignment(case, assignee_id=assignee_id, team_id=team_id)
        if change is None:
            raise Invalid(_("They have this case already. Write a note instead."))
        note = Note.objects.create(case_id=case.id, author=actor, text=words)
        record_mentions(note=note, brand_id=case.brand_id, case_id=case.id)
        bump(case=case, fields=change.fields)
        tell(case=case, actor=actor, change=Change(kind=CaseEventKind.NOTED, data={"note": note.id}))
        tell(case=case, actor=actor, change=change)
        CaseHandover.objects.filter(case=case, done_at=None).update(done_at=timezone.now())
        CaseHandover.objects.create(
            case=case, made_by=actor, former_id=former, person_id=assignee_id, team_id=team_id, note=note
        )
    return case


def handover_read(*, user: User, case_id: int, handover_id: int) -> None:
    """Whoever it concerns has read it: it stands at the top no more. Raises NotFound."""
    case = access_case(user=user, case_id=case_id)
    concerns = Q(former=user, note=None) | Q(person=user) | Q(team__members=user)
    found = CaseHandover.objects.filter(concerns, id=handover_id, case=case).first()
    if found is None:
        raise NotFound(_("That is not there any more."))
    CaseHandover.objects.filter(id=found.id, done_at=None).update(done_at=timezone.now())
