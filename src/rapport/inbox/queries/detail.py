"""One case with everything its page shows, in a number of queries that never grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, Model, OuterRef, QuerySet, Value

from rapport.contacts.models import Contact, Identity
from rapport.inbox.access import access_case
from rapport.inbox.models import Case, CaseEvent, Message, Note, Tag
from rapport.inbox.queries.at_case import AtCase, at_case
from rapport.inbox.queries.became import Became, FileFacts, became, file_facts
from rapport.inbox.queries.person import Person, person
from rapport.inbox.queries.receipts import Received, received
from rapport.inbox.queries.related import Related, related
from rapport.inbox.queries.thread import DEFAULT, ThreadPage, Window, newest_of_contact, thread_page
from rapport.inbox.queries.thread import MessageRow as MessageRow
from rapport.staff.models import User

_HISTORY = 200
_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, kw_only=True)
class OutgoingRow:
    """A reply that is on its way, or could not be delivered. ``state``: queued, held, sending or failed.
    ``verb``: post, edit or delete; of the two latter ``target_id`` and ``target_text`` are the message as
    it is. ``files``: the names of what goes along. ``typed``: its words without the signature.
    ``overtaken``: it was scheduled, and the customer has written since, so it does not leave by itself.
    ``follows_id``: the post it goes on from, while that one has not left; ``part`` of ``parts`` counts from 1.
    ``handle``: the channel it leaves from."""

    id: int
    state: str
    text: str
    visibility: str
    author_id: int
    author_name: str
    in_reply_to_id: int | None
    not_before: datetime
    created_at: datetime
    attempts: int
    doubtful: bool
    error: str
    close_after: bool
    verb: str
    target_id: int | None
    target_text: str
    files: tuple[str, ...]
    typed: str
    handle: str
    snooze_until: datetime | None
    scheduled_for: datetime | None
    overtaken: bool
    follows_id: int | None
    part: int
    parts: int


@dataclass(frozen=True, kw_only=True)
class CaseDetail:
    """A case as its page shows it. ``thread``: the part of its threads that was asked for; ``notes`` and
    ``events`` are of the same time, ``outgoing`` is what has not left yet."""

    case: Case
    contact: Contact
    tags: tuple[Tag, ...]
    identities: tuple[Identity, ...]
    thread: ThreadPage
    became: Mapping[int, Became]
    received: Mapping[int, Received]
    files: Mapping[int, FileFacts]
    outgoing: tuple[OutgoingRow, ...]
    notes: tuple[Note, ...]
    events: tuple[CaseEvent, ...]
    related: Related
    newest_of_contact: MessageRow | None
    person: Person
    there: AtCase

    @property
    def answerable(self) -> tuple[MessageRow, ...]:
        """The contact's messages that are here, and the newest of all, oldest first."""
        here = {row.message.id: row for row in (*self.earlier_of_contact, *self.messages) if row.of_contact}
        if self.newest_of_contact is not None:
            here.setdefault(self.newest_of_contact.message.id, self.newest_of_contact)
        return tuple(here.values())

    @property
    def messages(self) -> tuple[MessageRow, ...]:
        return self.thread.rows

    @property
    def earlier_of_contact(self) -> tuple[MessageRow, ...]:
        return self.thread.earlier_of_contact

    @property
    def older_cursor(self) -> str | None:
        return self.thread.older_cursor

    @property
    def other_cases(self) -> tuple[Case, ...]:
        return self.related.others


def case_detail(
    *, user: User, case_id: int, older: str | None = None, window: Window = DEFAULT
) -> CaseDetail:
    """Everything about one case that ``user`` may see.

    ``window`` is the part of the thread that is wanted; ``older``, a cursor, is short for the page before it.
    Raises NotFound, and Invalid for a cursor that is not of this case. Of notes and events of the
    window's time the newest 200 come, oldest first.
    """
    case = access_case(user=user, case_id=case_id)
    there = at_case(case)
    page = thread_page(case=case, user=user, window=Window(older=older) if older else window)
    shown = [row.message for row in (*page.roots, *page.earlier_of_contact, *page.rows)]
    notes = (
        Note.objects.filter(case_id=case.id).select_related("author", "handover").defer("author__password")
    )
    events = CaseEvent.objects.filter(case_id=case.id).select_related("actor").defer("actor__password")
    return CaseDetail(
        case=case,
        contact=case.contact,
        tags=tuple(case.tags.all()),
        identities=tuple(Identity.objects.filter(contact_id=case.contact_id).order_by("network", "id")),
        thread=page,
        became=became(shown),
        received=received(shown),
        files=file_facts(shown),
        outgoing=_outgoing(case)
        if there.outgoing and page.newer_cursor is None and page.ends is None
        else (),
        notes=_newest(_within(notes, "created_at", page).order_by("-created_at", "-id"))
        if there.notes
        else (),
        events=_newest(_within(events, "at", page).order_by("-at", "-id")),
        related=related(user=user, case=case, links=there.links),
        newest_of_contact=newest_of_contact(case=case) if page.newer_cursor or page.ends else None,
        person=person(case, there),
        there=there,
    )


def _within(rows: QuerySet[_Row], field: str, page: ThreadPage) -> QuerySet[_Row]:
    """What happened while the page's messages were said."""
    if page.starts is not None:
        rows = rows.filter(**{f"{field}__gte": page.starts})
    if page.ends is not None:
        rows = rows.filter(**{f"{field}__lt": page.ends})
    return rows


def written_since(case: Case) -> Exists:
    """Whether the customer has written since what a scheduled reply (the outer row) knew of."""
    return Exists(
        Message.objects.filter(
            thread__case_threads__case_id=case.id,
            identity__contact_id=case.contact_id,
            id__gt=OuterRef("known_message"),
            from_brand=False,
            automatic=False,
            deleted_at=None,
        )
    )


def _outgoing(case: Case) -> tuple[OutgoingRow, ...]:
    waiting = (
        case.outgoing.filter(state__in=["queued", "held", "sending", "failed"])
        .select_related("author", "target", "channel", "follows")
        .defer("author__password", "channel__credentials")
        .annotate(
            file_names=ArrayAgg("files__file__name", order_by="files__position", default=Value([])),
            newer=written_since(case),
        )
        .order_by("created_at", "id")
    )
    return tuple(
        OutgoingRow(
            id=one.id,
            state=one.state,
            text=one.text,
            visibility=one.visibility,
            author_id=one.author_id,
            author_name=one.author.name,
            in_reply_to_id=one.in_reply_to_id,
            not_before=one.not_before,
            created_at=one.created_at,
            attempts=one.attempts,
            doubtful=one.doubtful,
            error=one.error,
            close_after=one.close_after,
            verb=one.verb,
            target_id=one.target_id,
            target_text=one.target.text if one.target else "",
            files=tuple(name for name in one.file_names if name),
            typed=one.typed,
            handle=one.channel.handle,
            snooze_until=one.snooze_until,
            scheduled_for=one.scheduled_for,
            overtaken=one.state == "held"
            or (one.scheduled_for is not None and one.part == 1 and not one.doubtful and one.newer),
            follows_id=one.follows_id if one.follows and one.follows.state != "sent" else None,
            part=one.part,
            parts=one.parts,
        )
        for one in waiting
    )


def _newest(rows: QuerySet[_Row]) -> tuple[_Row, ...]:
    """The first rows of a list that is sorted newest first, turned round."""
    return tuple(reversed(rows[:_HISTORY]))
