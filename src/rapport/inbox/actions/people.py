"""The person of a case: what they are called, what is known of them, and which accounts are theirs.

A person is reached through a case that ``actor`` may work on. A name and the accounts are everybody's;
attributes and notes are the brand's of that case.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.contacts.models import Contact, ContactAttribute, ContactMerge, ContactNote, Identity
from rapport.inbox import joining
from rapport.inbox.access import access_case
from rapport.inbox.models import Case, CaseStatus, CaseThread
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.lib.live import notify_desk
from rapport.lib.text import storable
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

NAME_LENGTH = 200
ATTRIBUTE_LENGTH = 60
VALUE_LENGTH = 400
NOTE_LENGTH = 4000
MOST_ATTRIBUTES = 50


def rename_contact(*, actor: User, case_id: int, name: str) -> Contact:
    """Call the case's person by another name. Networks' own names stay with their accounts."""
    case = _case(actor, case_id)
    name = _line(name, NAME_LENGTH, _("A name"))
    with transaction.atomic():
        contact = Contact.objects.select_for_update().get(id=case.contact_id)
        if contact.name != name:
            contact.name = name
            contact.save(update_fields=["name"])
            _tell(actor, case, "contact.renamed")
    return contact


def set_attribute(*, actor: User, case_id: int, name: str, value: str) -> tuple[str, str, str]:
    """Keep ``value`` under ``name`` for the case's person; an empty value takes the attribute away.

    Returns the name and the value as they are kept, and the value that was there before, "" for none.
    """
    case = _case(actor, case_id)
    name = _line(name, ATTRIBUTE_LENGTH, _("The name of an attribute"))
    value = " ".join(storable(value).split())
    if len(value) > VALUE_LENGTH:
        raise Invalid(_("An attribute can have %(limit)s characters.") % {"limit": VALUE_LENGTH})
    with transaction.atomic():
        mine = ContactAttribute.objects.filter(contact_id=case.contact_id, brand_id=case.brand_id)
        # One after the other, so that two who name it at once give it one value.
        Contact.objects.select_for_update().get(id=case.contact_id)
        was = mine.filter(name__iexact=name).values_list("value", flat=True).first() or ""
        if not value:
            mine.filter(name__iexact=name).delete()
        elif not mine.filter(name__iexact=name).update(value=value):
            if mine.count() >= MOST_ATTRIBUTES:
                raise Invalid(_("A person can have %(limit)s attributes.") % {"limit": MOST_ATTRIBUTES})
            mine.create(contact_id=case.contact_id, brand_id=case.brand_id, name=name, value=value)
        _tell(actor, case, "contact.attribute")
    return name, value, was


def add_contact_note(*, actor: User, case_id: int, text: str) -> ContactNote:
    """Write down what colleagues should know of this person, whatever the case."""
    case = _case(actor, case_id, Permission.NOTE)
    text = storable(text.replace("\r\n", "\n").strip())
    if not text:
        raise Invalid(_("Write something first."))
    if len(text) > NOTE_LENGTH:
        raise Invalid(_("A note can have %(limit)s characters.") % {"limit": NOTE_LENGTH})
    with transaction.atomic():
        note = ContactNote.objects.create(
            contact_id=case.contact_id, brand_id=case.brand_id, author=actor, text=text
        )
        _tell(actor, case, "contact.noted", note=note.id)
    return note


def keep_contact_note(*, actor: User, case_id: int, note_id: int, kept: bool) -> None:
    """Take a note about the person away (``kept`` False), or have it back."""
    case = _case(actor, case_id, Permission.NOTE)
    with transaction.atomic():
        changed = ContactNote.objects.filter(
            id=note_id, contact_id=case.contact_id, brand_id=case.brand_id
        ).update(removed_at=None if kept else timezone.now())
        if not changed:
            raise NotFound(_("There is no such note, or you may not see it."))
        _tell(actor, case, "contact.note_kept" if kept else "contact.note_removed", note=note_id)


def merge_contacts(*, actor: User, case_id: int, other_case_id: int) -> Contact:
    """Say that the person of another case is the person of this one: their accounts, cases, notes and attributes
    come along. :func:`part_contacts` undoes it.

    Whoever does so must work for every brand that knows either. Raises Conflict when both wrote in one
    conversation, where each of them has a case.
    """
    case, other = _case(actor, case_id), _case(actor, other_case_id)
    if case.contact_id == other.contact_id:
        raise Invalid(_("That is the same person already."))
    source_id, target_id = other.contact_id, case.contact_id
    with transaction.atomic():
        _lock(actor, source_id, target_id)
        both = CaseThread.objects.filter(contact_id=source_id).filter(
            thread__in=CaseThread.objects.filter(contact_id=target_id).values("thread")
        )
        if (clash := both.first()) is not None:
            raise Conflict(
                _("Both wrote in one conversation and each has a case there (%(case)s), so they stay two.")
                % {"case": clash.case_id}
            )
        taken = ContactAttribute.objects.filter(contact_id=target_id).values_list("brand_id", "name")
        known = {(brand, name.casefold()) for brand, name in taken}
        mine = ContactAttribute.objects.filter(contact_id=source_id)
        free = [one.id for one in mine if (one.brand_id, one.name.casefold()) not in known]
        moved = {
            "identities": _ids(Identity, source_id),
            "attributes": free,
            "notes": _ids(ContactNote, source_id),
        }
        _give(moved, target_id)
        CaseThread.objects.filter(contact_id=source_id).update(contact_id=target_id)
        Case.objects.filter(contact_id=source_id).update(contact_id=target_id)
        Contact.objects.filter(id=source_id).update(merged_into_id=target_id)
        ContactMerge.objects.create(source_id=source_id, target_id=target_id, made_by=actor, moved=moved)
        _tell(actor, case, "contact.merged", source=source_id)
        _announce(target_id)
    return Contact.objects.get(id=target_id)


def part_contacts(*, actor: User, case_id: int, contact_id: int) -> Contact:
    """Undo :func:`merge_contacts`: give ``contact_id``, which became part of the case's person, its accounts and
    their cases again. Raises Conflict when a case holds conversations of both by now."""
    case = _case(actor, case_id)
    with transaction.atomic():
        merge = ContactMerge.objects.filter(
            source_id=contact_id, target_id=case.contact_id, undone_at=None
        ).first()
        if merge is None:
            raise NotFound(_("That person is not part of this one."))
        _lock(actor, merge.source_id, merge.target_id)
        _part(merge.moved, source_id=merge.target_id, target_id=merge.source_id)
        Contact.objects.filter(id=merge.source_id).update(merged_into=None)
        ContactMerge.objects.filter(id=merge.id).update(undone_at=timezone.now())
        _tell(actor, case, "contact.parted", source=merge.source_id)
        _announce(merge.target_id, merge.source_id)
    return Contact.objects.get(id=merge.source_id)


def split_identity(*, actor: User, case_id: int, identity_id: int) -> Contact:
    """Say that an account is another person's: it becomes a contact of its own, with the cases it wrote in.

    Merging the two again undoes it. Raises Invalid for the only account, and Conflict when a case holds
    conversations of this account and of others.
    """
    case = _case(actor, case_id)
    with transaction.atomic():
        _lock(actor, case.contact_id)
        identities = Identity.objects.filter(contact_id=case.contact_id)
        identity = identities.filter(id=identity_id).first()
        if identity is None:
            raise NotFound(_("There is no such account of this person."))
        if identities.count() < 2:
            raise Invalid(_("This is their only account."))
        made = Contact.objects.create(name=identity.name or identity.handle)
        moved: dict[str, list[int]] = {"identities": [identity.id], "attributes": [], "notes": []}
        _part(moved, source_id=case.contact_id, target_id=made.id)
        _tell(actor, case, "contact.split", identity=identity.id)
        _announce(case.contact_id, made.id)
    return made


def _part(moved: dict[str, list[int]], *, source_id: int, target_id: int) -> None:
    """Give accounts of ``source_id`` to ``target_id``, and the cases in which only they wrote."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT ct.case_id, bool_or(wrote.identity_id <> ALL(%(identities)s)) FROM inbox_casethread ct
            JOIN contacts_identity i ON i.contact_id = ct.contact_id
            CROSS JOIN LATERAL (
                SELECT identity_id FROM inbox_message
                WHERE identity_id = i.id AND thread_id = ct.thread_id AND NOT from_brand LIMIT 1
            ) wrote
            WHERE ct.contact_id = %(contact)s
            GROUP BY ct.case_id HAVING bool_or(wrote.identity_id = ANY(%(identities)s))
            """,
            {"identities": moved["identities"], "contact": source_id},
        )
        found = cursor.fetchall()
    if mixed := [case_id for case_id, others in found if others]:
        raise Conflict(
            _("Case %(case)s holds conversations of both. Take it apart first, then they can be two.")
            % {"case": mixed[0]}
        )
    case_ids = [case_id for case_id, _others in found]
    _give(moved, target_id)
    CaseThread.objects.filter(case_id__in=case_ids, contact_id=source_id).update(contact_id=target_id)
    # Cases that were merged into these had the same author.
    Case.objects.filter(Q(id__in=case_ids) | Q(merged_into__in=case_ids), contact_id=source_id).update(
        contact_id=target_id
    )


def _give(moved: dict[str, list[int]], contact_id: int) -> None:
    Identity.objects.filter(id__in=moved["identities"]).update(contact_id=contact_id)
    ContactAttribute.objects.filter(id__in=moved["attributes"]).update(contact_id=contact_id)
    ContactNote.objects.filter(id__in=moved["notes"]).update(contact_id=contact_id)


def _ids(model: Any, contact_id: int) -> list[int]:
    return list(model.objects.filter(contact_id=contact_id).order_by("id").values_list("id", flat=True))


def _lock(actor: User, *contact_ids: int) -> None:
    """Check that ``actor`` works for every brand that knows these people, and keep everything else away from
    them: whoever hears finds a contact's cases through its accounts."""
    known_to = Case.objects.filter(contact_id__in=contact_ids)
    brands = set(known_to.values_list("brand_id", flat=True))
    if not brands <= set(brand_ids_for(actor, Permission.WORK_CASES)):
        raise NotAllowed(_("Another brand knows this person too. Ask somebody who works for both."))
    joining.lock_threads(list(known_to.exclude(status=CaseStatus.MERGED).values_list("id", flat=True)))
    list(Contact.objects.select_for_update().filter(id__in=contact_ids).order_by("id"))


def _case(actor: User, case_id: int, permission: Permission = Permission.WORK_CASES) -> Case:
    return access_case(user=actor, case_id=case_id, permission=permission)


def _line(text: str, limit: int, what: str) -> str:
    text = " ".join(storable(text).split())
    if not text:
        raise Invalid(_("%(what)s cannot be empty.") % {"what": what})
    if len(text) > limit:
        raise Invalid(_("%(what)s can have %(limit)s characters.") % {"what": what, "limit": limit})
    return text


def _tell(actor: User, case: Case, action: str, **data: int) -> None:
    record(
        action=action,
        actor_id=actor.id,
        brand_id=case.brand_id,
        object_type="contact",
        object_id=case.contact_id,
        data=data,
    )
    notify_desk(brand_id=case.brand_id, case_ids=[case.id])


def _announce(*contact_ids: int) -> None:
    """Let open desks look again at these people's cases."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_case SET version = version + 1 WHERE contact_id = ANY(%s) AND status <> 'merged' "
            "RETURNING brand_id, id",
            [list(contact_ids)],
        )
        changed = cursor.fetchall()
    for brand_id in {brand for brand, _case_id in changed}:
        notify_desk(brand_id=brand_id, case_ids=[one for brand, one in changed if brand == brand_id])
