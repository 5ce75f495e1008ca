"""One case with everything its page shows, in a number of queries that never grows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import F, Model, OuterRef, Q, QuerySet, Subquery, Value

from rapport.contacts.models import Contact, Identity
from rapport.inbox.access import access_case
from rapport.inbox.models import Case, CaseEvent, CaseStatus, CaseThread, Message, Note, Tag
from rapport.inbox.queries import cursors
from rapport.staff.access import brands_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

MESSAGE_PAGE = 200
_OTHER_CASES = 20
_HISTORY = 200
_EARLIER = 20
_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """A message in its thread. ``parent_id``: the message it answers, where we have that one.
    ``of_contact``: written by the case's contact. ``outgoing_id``: the reply it was here before it
    was sent."""

    message: Message
    identity: Identity
    parent_id: int | None
    of_contact: bool
    author_name: str
    outgoing_id: int | None


@dataclass(frozen=True, kw_only=True)
class OutgoingRow:
    """A reply that is on its way, or could not be delivered. ``state``: queued, sending or failed.
    ``verb``: post, edit or delete; of the two latter ``target_id`` and ``target_text`` are the message as
    it is. ``files``: the names of what goes along."""

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


@dataclass(frozen=True, kw_only=True)
class CaseDetail:
    """A case as its page shows it. ``messages`` oldest first: the newest 200, or the 200 before the
    cursor given; ``older_cursor`` leads to the ones before them, None when there are none.

    ``earlier_of_contact``: on a thread longer than that, the contact's own newest messages from
    before the page, oldest first; otherwise a busy public thread could hide what the case is about.
    """

    case: Case
    contact: Contact
    tags: tuple[Tag, ...]
    identities: tuple[Identity, ...]
    messages: tuple[MessageRow, ...]
    older_cursor: str | None
    earlier_of_contact: tuple[MessageRow, ...]
    outgoing: tuple[OutgoingRow, ...]
    notes: tuple[Note, ...]
    events: tuple[CaseEvent, ...]
    other_cases: tuple[Case, ...]


def case_detail(*, user: User, case_id: int, older: str | None = None) -> CaseDetail:
    """Everything about one case that ``user`` may see.

    ``older`` is an ``older_cursor``. Raises NotFound, and Invalid for a cursor that is not of this
    case. The contact's other cases are the newest 20 among the brands the user may see; of notes and
    events the newest 200 come, oldest first.
    """
    case = access_case(user=user, case_id=case_id)
    thread_ids = list(CaseThread.objects.filter(case_id=case.id).values_list("thread_id", flat=True))
    messages, cursor = _messages(case, thread_ids, older)
    return CaseDetail(
        case=case,
        contact=case.contact,
        tags=tuple(case.tags.all()),
        identities=tuple(Identity.objects.filter(contact_id=case.contact_id).order_by("network", "id")),
        messages=messages,
        older_cursor=cursor,
        earlier_of_contact=_earlier_of_contact(case, thread_ids, messages) if cursor else (),
        outgoing=_outgoing(case),
        notes=_newest(Note.objects.filter(case_id=case.id).select_related("author").order_by("-id")),
        events=_newest(
            CaseEvent.objects.filter(case_id=case.id).select_related("actor").order_by("-at", "-id")
        ),
        other_cases=tuple(
            Case.objects.filter(contact_id=case.contact_id, brand__in=brands_for(user, Permission.VIEW_CASES))
            .exclude(id=case.id)
            .exclude(status=CaseStatus.MERGED)
            .select_related("brand", "channel")
            .defer("channel__credentials")
            .order_by("-last_message_at", "-id")[:_OTHER_CASES]
        ),
    )


def _messages(
    case: Case, thread_ids: list[int], older: str | None
) -> tuple[tuple[MessageRow, ...], str | None]:
    """A page of the threads' messages, oldest first, and the cursor to the page before it."""
    place = f"messages.{case.id}"
    messages = _with_context(Message.objects.filter(thread_id__in=thread_ids))
    if older:
        at, message_id = cursors.decode(place=place, cursor=older)
        # The first condition says what the second implies, in a form an index can use.
        messages = messages.filter(sent_at__lte=at).filter(Q(sent_at__lt=at) | Q(id__lt=message_id))
    found = list(messages[: MESSAGE_PAGE + 1])
    cursor = None
    if len(found) > MESSAGE_PAGE:
        found = found[:MESSAGE_PAGE]
        cursor = cursors.encode(place=place, at=found[-1].sent_at, row_id=found[-1].id)
    return tuple(_message_row(case, message) for message in reversed(found)), cursor


def _earlier_of_contact(
    case: Case, thread_ids: list[int], shown: tuple[MessageRow, ...]
) -> tuple[MessageRow, ...]:
    before = shown[0].message
    messages = _with_context(
        Message.objects.filter(thread_id__in=thread_ids, identity__contact_id=case.contact_id)
        .filter(sent_at__lte=before.sent_at)
        .filter(Q(sent_at__lt=before.sent_at) | Q(id__lt=before.id))
    )
    return tuple(_message_row(case, message) for message in reversed(messages[:_EARLIER]))


def _with_context(messages: QuerySet[Message]) -> QuerySet[Message]:
    parent = Message.objects.filter(
        channel_id=OuterRef("channel_id"), external_id=OuterRef("parent_external_id")
    )
    return (
        messages.select_related("identity", "user")
        .defer("user__password")
        # Outgoing belongs to a room above this one: it is reached through the message's own relation.
        .annotate(parent_pk=Subquery(parent.values("id")[:1]), outgoing_pk=F("outgoing__id"))
        .order_by("-sent_at", "-id")
    )


def _message_row(case: Case, message: Message) -> MessageRow:
    identity = message.identity
    annotated: Any = message
    written_here = message.user.name if message.own and message.user else ""
    return MessageRow(
        message=message,
        identity=identity,
        parent_id=annotated.parent_pk,
        of_contact=identity.contact_id == case.contact_id and not message.from_brand,
        author_name=written_here or identity.name or identity.handle or identity.external_id,
        outgoing_id=annotated.outgoing_pk,
    )


def _outgoing(case: Case) -> tuple[OutgoingRow, ...]:
    waiting = (
        case.outgoing.filter(state__in=["queued", "sending", "failed"])
        .select_related("author", "target")
        .defer("author__password")
        .annotate(file_names=ArrayAgg("files__file__name", order_by="files__position", default=Value([])))
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
        )
        for one in waiting
    )


def _newest(rows: QuerySet[_Row]) -> tuple[_Row, ...]:
    """The first rows of a list that is sorted newest first, turned round."""
    return tuple(reversed(rows[:_HISTORY]))
