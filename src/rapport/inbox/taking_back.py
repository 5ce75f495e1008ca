"""A message that somebody had recorded by hand, taken back as if it had never been: no case, no wait, no figure.

Only what nobody worked with goes: a case whose version is what it was then. What the case was before, if there was one,
it is again; its history keeps no word of a message that is not there, the audit log keeps both acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, ProtectedError, Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from rapport.inbox import cases, turns
from rapport.inbox.actions.change import bump
from rapport.inbox.models import Case, CaseEvent, CaseFollow, CaseLink, CaseThread, Message, Thread
from rapport.lib.errors import Conflict
from rapport.lib.live import notify_desk

# What a message that comes, or whoever reopens the case, may change of it; all else follows from the messages.
_COLUMNS = ("status", "snoozed_until", "closed_at", "close_reason", "settled_at", "waiting_since")
_TIMES = {"snoozed_until", "closed_at", "settled_at", "waiting_since"}


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What was done, as plain values that can be kept as JSON.

    ``message``: what was recorded, None when it was there. ``context``: it was there, but only to be read. ``was``: the
    case's columns before, None when it was opened. ``event``: its newest event before. ``changed``: whether the case is
    another than before at all.
    """

    case: int
    version: int
    message: int | None
    context: bool
    was: Mapping[str, Any] | None
    event: int
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Stood:
    """A case as it stood: its columns as plain values, its newest event, its version."""

    columns: Mapping[str, Any]
    event: int
    version: int


def how_cases_stand(*, brand_id: int, network: str, author_id: str) -> dict[int, Stood]:
    """How the cases of this author stand, by id; their rows stay locked.

    In a transaction that holds the channel's lock, before the message is recorded.
    """
    rows = Case.objects.select_for_update(of=("self",), no_key=True).filter(
        brand_id=brand_id, contact__identities__network=network, contact__identities__external_id=author_id
    )
    found = list(rows.order_by("id"))
    newest = dict(
        CaseEvent.objects.filter(case_id__in=[one.id for one in found])
        .order_by()
        .values_list("case_id")
        .annotate(Max("id"))
    )
    return {
        one.id: Stood(
            columns={name: _plain(getattr(one, name)) for name in _COLUMNS},
            event=newest.get(one.id, 0),
            version=one.version,
        )
        for one in found
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def take_back(taken: Taken, *, user_id: int) -> int:
    """Undo it; returns the version that the case has now, 0 when it is gone.

    In a transaction that holds the lock of the message's channel. ``user_id``: who takes back; following the case
    themselves is no work of others. Raises Conflict when the case was worked on since, and says so.
    """
    case = Case.objects.select_for_update(of=("self",), no_key=True).filter(id=taken.case).first()
    if case is None or case.version != taken.version or (taken.was is None and _is_used(case, user_id)):
        raise worked_on()
    thread_id = _without_message(taken.message, context=taken.context) if taken.message is not None else None
    if taken.was is None:
        _forget(case)
        version = 0
    else:
        _as_before(case, taken)
        version = case.version
    if thread_id is not None:
        _without_empty(thread_id)
    notify_desk(brand_id=case.brand_id, case_ids=[case.id])
    return version


def worked_on() -> Conflict:
    """The refusal to take a case back that is not as it was made."""
    return Conflict(
        _("This case has been worked on since, so it stays. Close it if nothing more is to be done.")
    )


def _is_used(case: Case, user_id: int) -> bool:
    """What leaves the version as it is, and would be lost."""
    return (
        CaseLink.objects.filter(Q(one=case) | Q(other=case)).exists()
        or CaseFollow.objects.filter(case=case, muted=False).exclude(user_id=user_id).exists()
    )


def _without_message(message_id: int, *, context: bool) -> int:
    """Its thread, from which the message went, or in which it is again only to be read."""
    message = Message.objects.get(id=message_id)
    answers = Message.objects.filter(channel_id=message.channel_id, parent_external_id=message.external_id)
    if context:
        Message.objects.filter(id=message.id).update(context=True, automatic=True)
    elif answers.exists():
        raise Conflict(_("What others wrote under this post is here too, so its case stays."))
    else:
        message.delete()
    turns.recompute(thread_ids=[message.thread_id])
    return message.thread_id


def _forget(case: Case) -> None:
    CaseThread.objects.filter(case=case).delete()
    CaseEvent.objects.filter(case=case).delete()
    try:
        Case.objects.filter(id=case.id).delete()
    except ProtectedError as error:  # a note, a reply or a merge that came without a new version
        raise worked_on() from error


def _as_before(case: Case, taken: Taken) -> None:
    CaseEvent.objects.filter(case=case, id__gt=taken.event).delete()
    fields = {
        name: parse_datetime(value) if name in _TIMES and value is not None else value
        for name, value in (taken.was or {}).items()
    }
    bump(case=case, fields=fields)
    cases.write(channel_id=case.channel_id, case_ids=[case.id])
    # Asked of the messages anew, nobody waits in a closed case any more.
    Case.objects.filter(id=case.id).update(waiting_since=fields["waiting_since"])


def _without_empty(thread_id: int) -> None:
    """A thread that the message had begun goes with it, unless others were joined into it."""
    if (
        Message.objects.filter(thread_id=thread_id).exists()
        or Thread.objects.filter(merged_into=thread_id).exists()
    ):
        return
    CaseThread.objects.filter(thread_id=thread_id).delete()
    Thread.objects.filter(id=thread_id).delete()
