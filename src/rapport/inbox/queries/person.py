"""What a brand knows of a person besides what they said."""

from __future__ import annotations

from dataclasses import dataclass

from rapport.contacts.models import Contact, ContactAttribute, ContactMerge, ContactNote
from rapport.inbox.models import Case
from rapport.inbox.queries.at_case import AtCase

_NOTES = 50


@dataclass(frozen=True, kw_only=True)
class Person:
    """``notes`` newest first; ``parts``: contacts that became part of this one and can be taken out again."""

    attributes: tuple[ContactAttribute, ...]
    notes: tuple[ContactNote, ...]
    parts: tuple[Contact, ...]


def person(case: Case, there: AtCase) -> Person:
    """The case's person, as the case's brand knows them; what is not ``there`` is not asked for."""
    merges = ContactMerge.objects.filter(target_id=case.contact_id, undone_at=None).select_related("source")
    notes = ContactNote.objects.filter(
        contact_id=case.contact_id, brand_id=case.brand_id, removed_at=None
    ).select_related("author")
    return Person(
        attributes=tuple(ContactAttribute.objects.filter(contact_id=case.contact_id, brand_id=case.brand_id))
        if there.attributes
        else (),
        notes=tuple(notes.defer("author__password").order_by("-id")[:_NOTES]) if there.contact_notes else (),
        parts=tuple(merge.source for merge in merges.order_by("-id")) if there.joined else (),
    )
