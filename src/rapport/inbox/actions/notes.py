"""Words between colleagues."""

from __future__ import annotations

from django.utils.translation import gettext as _

from rapport.inbox.actions.change import Change, change_case
from rapport.inbox.mentions import record_mentions
from rapport.inbox.models import Case, CaseEventKind, Note
from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.staff.models import User
from rapport.staff.permissions import Permission

NOTE_LENGTH = 10_000


def add_note(*, actor: User, case_id: int, text: str, expected_version: int | None = None) -> Case:
    """Write a note that only colleagues see. On a merged case it lands on the case that took it in,
    so that what somebody wrote is not lost. Raises Invalid when it is empty or too long."""
    text = clean_note(text)

    def decide(case: Case) -> Change:
        note = Note.objects.create(case_id=case.id, author=actor, text=text)
        record_mentions(note=note, brand_id=case.brand_id, case_id=case.id)
        return Change(kind=CaseEventKind.NOTED, data={"note": note.id})

    return change_case(
        actor=actor,
        case_id=case_id,
        expected_version=expected_version,
        decide=decide,
        permission=Permission.NOTE,
        follow_merge=True,
    )


def clean_note(text: str) -> str:
    """A note as it is stored. Raises Invalid when it is empty or too long."""
    text = storable(text.replace("\r\n", "\n").strip())
    if not text:
        raise Invalid(_("Write something first."))
    if len(text) > NOTE_LENGTH:
        raise Invalid(_("A note can have %(limit)s characters.") % {"limit": NOTE_LENGTH})
    return text
