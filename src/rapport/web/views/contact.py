"""The person beside a case: edited in place, with a way back."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from rapport.inbox.actions.people import (
    add_contact_note,
    keep_contact_note,
    merge_contacts,
    part_contacts,
    rename_contact,
    set_attribute,
    split_identity,
)
from rapport.inbox.models import Case
from rapport.web.views.case import Done, act, number_of
from rapport.web.views.pages import DeskRequest, case_action


@case_action
def rename(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Another name for the person."""

    def do(before: Case) -> Done:
        was = before.contact.name
        after = rename_contact(actor=request.user, case_id=case_id, name=request.POST.get("name", ""))
        text = _("Called %(name)s now.") % {"name": after.name}
        return Done(text=text, undo="person-name", fields={"name": was}) if was else Done(text=text)

    return act(request, view, case_id, do)


@case_action
def attribute(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Something that is known of the person; empty, it is forgotten."""

    def do(before: Case) -> Done:
        given, value = request.POST.get("name", ""), request.POST.get("value", "")
        name, value, was = set_attribute(actor=request.user, case_id=case_id, name=given, value=value)
        text = _("%(name)s is kept.") if value else _("%(name)s is forgotten.")
        fields = {"name": name, "value": was}
        return Done(text=text % {"name": name}, undo="person-attribute", fields=fields)

    return act(request, view, case_id, do)


@case_action
def note(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """What colleagues should know of the person."""

    def do(before: Case) -> Done:
        made = add_contact_note(actor=request.user, case_id=case_id, text=request.POST.get("text", ""))
        return Done(text=_("Note added."), undo="person-note-keep", fields={"note": made.id, "kept": ""})

    return act(request, view, case_id, do)


@case_action
def note_keep(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Take a note about the person away, or have it back."""

    def do(before: Case) -> Done:
        kept = bool(request.POST.get("kept"))
        note_id = number_of(request, "note") or 0
        keep_contact_note(actor=request.user, case_id=case_id, note_id=note_id, kept=kept)
        text = _("The note is there again.") if kept else _("The note is taken away.")
        fields = {"note": note_id, "kept": "" if kept else "1"}
        return Done(text=text, undo="person-note-keep", fields=fields)

    return act(request, view, case_id, do)


@case_action
def same(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """The person of another case is this one."""

    def do(before: Case) -> Done:
        other = number_of(request, "other") or 0
        gone = Case.objects.filter(id=other).values_list("contact_id", flat=True).first() or ""
        merge_contacts(actor=request.user, case_id=case_id, other_case_id=other)
        return Done(text=_("They are one person now."), undo="person-part", fields={"contact": gone})

    return act(request, view, case_id, do)


@case_action
def part(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Two people after all."""

    def do(before: Case) -> Done:
        contact = part_contacts(
            actor=request.user, case_id=case_id, contact_id=number_of(request, "contact") or 0
        )
        return Done(text=_("%(name)s is a person of their own again.") % {"name": contact.name})

    return act(request, view, case_id, do)


@case_action
def split(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """An account is another person's."""

    def do(before: Case) -> Done:
        made = split_identity(
            actor=request.user, case_id=case_id, identity_id=number_of(request, "identity") or 0
        )
        text = _("%(name)s is a person of their own now.") % {"name": made.name}
        theirs = made.cases.order_by("-id").values_list("id", flat=True).first()
        mine = Case.objects.get(id=case_id).contact_id
        if theirs is None or mine == made.id:
            return Done(text=text)
        return Done(text=text, undo="person-same", fields={"other": theirs})

    return act(request, view, case_id, do)
