"""A window on a case's threads: what was said, beginning where somebody left off, and on both ways from there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, OuterRef, QuerySet, Subquery

from rapport.contacts.models import Identity
from rapport.inbox.models import Case, CaseSeen, Message
from rapport.inbox.queries import cursors
from rapport.staff.models import User

MESSAGE_PAGE = 60
_BEFORE = 15  # of the page, what is shown from before the first unread message
_SINCE = 300  # a screen that asks for what it shows anew gets this many at most
_EARLIER = 20


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which part is wanted: before or after a cursor, around a message, from a message on, or the newest.
    By default the part with the first unread message, which is the newest where nothing is."""

    older: str | None = None
    newer: str | None = None
    around: int | None = None
    since: int | None = None
    newest: bool = False


DEFAULT = Window()


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
class ThreadPage:
    """``rows`` oldest first. ``starts`` and ``ends``: the times between which this page tells what happened,
    None where it has no bound. ``unread_id``: the contact's first message that the person has not seen.

    ``earlier_of_contact``: on the newest page of a long thread, the contact's own newest messages from before
    it, oldest first; otherwise a busy public thread could hide what the case is about. ``roots``: the posts
    that began the threads, where they are before the page; ``parents``: what messages of the page answer and
    is not on it, by id.
    """

    rows: tuple[MessageRow, ...]
    older_cursor: str | None
    newer_cursor: str | None
    starts: datetime | None
    ends: datetime | None
    unread_id: int | None
    earlier_of_contact: tuple[MessageRow, ...]
    roots: tuple[MessageRow, ...]
    parents: dict[int, MessageRow]


_Place = tuple[datetime, int]


def thread_page(*, case: Case, user: User, window: Window = DEFAULT) -> ThreadPage:
    """A page of the case's messages. Raises Invalid for a cursor that is not of this case; a message that is
    not of it leads to the newest."""
    thread_ids = list(case.case_threads.values_list("thread_id", flat=True))
    unread = _first_unread(case, user, thread_ids)
    before, after = _places(case, thread_ids, window, unread)
    rows = _rows(case, [one for _at, one in (*before.found, *after.found)])
    first = rows[0].message if rows else None
    older = before.more and first is not None
    newer = after.more and rows
    opening = window.older is None and window.newer is None
    earlier = _earlier_of_contact(case, thread_ids, first) if older and opening and first else ()
    roots, parents = _around(case, thread_ids, rows, earlier, with_roots=window.newer is None)
    return ThreadPage(
        rows=rows,
        older_cursor=_cursor(case, rows[0].message) if older else None,
        newer_cursor=_cursor(case, rows[-1].message) if newer else None,
        starts=rows[0].message.sent_at if rows and (older or window.newer) else None,
        ends=after.next_at if newer else before.until,
        unread_id=unread[1] if unread else None,
        earlier_of_contact=earlier,
        roots=roots if older else (),
        parents=parents,
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Places in order of time; ``more``: there are others beyond, ``next_at``: when the next one was said.
    ``until``: the page ends where a cursor says."""

    found: list[_Place]
    more: bool = False
    next_at: datetime | None = None
    until: datetime | None = None


_NONE = _Found(found=[])


def _places(
    case: Case, thread_ids: Sequence[int], window: Window, unread: _Place | None
) -> tuple[_Found, _Found]:
    """The messages of the page before and after the point where it opens."""
    place = f"messages.{case.id}"
    if window.older:
        at = cursors.decode(place=place, cursor=window.older)
        before = _before(thread_ids, at, MESSAGE_PAGE)
        return _Found(found=before.found, more=before.more, until=at[0]), _NONE
    if window.newer:
        return _NONE, _after(thread_ids, cursors.decode(place=place, cursor=window.newer), MESSAGE_PAGE)
    if wanted := window.since or window.around:
        named = (
            Message.objects.filter(id=wanted, thread_id__in=thread_ids).values_list("sent_at", "id").first()
        )
        if named is not None and window.since:
            # "From it on" and not "after it": ids are whole numbers, so nothing lies between.
            after = _after(thread_ids, (named[0], named[1] - 1), _SINCE)
            return _Found(found=[], more=bool(_before(thread_ids, named, 0).more)), after
        if named is not None:
            return _centred(thread_ids, named)
    newest = _before(thread_ids, None, MESSAGE_PAGE)
    if window.newest or wanted or unread is None or not newest.more or unread >= newest.found[_BEFORE]:
        return newest, _NONE
    return _centred(thread_ids, unread)


def _centred(thread_ids: Sequence[int], at: _Place) -> tuple[_Found, _Found]:
    return _before(thread_ids, at, _BEFORE), _after(thread_ids, (at[0], at[1] - 1), MESSAGE_PAGE - _BEFORE)


# Each thread is walked along its index for no more than a page, however long it is.
_WALK = """
SELECT page.sent_at, page.id FROM unnest(%(threads)s::bigint[]) AS t(id)
CROSS JOIN LATERAL (
    SELECT sent_at, id FROM inbox_message
    WHERE thread_id = t.id {condition} ORDER BY sent_at {way}, id {way} LIMIT %(limit)s
) AS page
ORDER BY page.sent_at {way}, page.id {way} LIMIT %(limit)s
"""


def _walk(thread_ids: Sequence[int], at: _Place | None, limit: int, *, back: bool) -> list[_Place]:
    # The first condition says what the second implies, in a form an index can use.
    sign = "<" if back else ">"
    condition = f"AND sent_at {sign}= %(at)s AND (sent_at, id) {sign} (%(at)s, %(id)s)" if at else ""
    statement = _WALK.format(condition=condition, way="DESC" if back else "ASC")
    given: dict[str, Any] = {"threads": list(thread_ids), "limit": limit + 1}
    given |= {"at": at[0], "id": at[1]} if at else {}
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return [(row[0], row[1]) for row in cursor.fetchall()]


def _before(thread_ids: Sequence[int], at: _Place | None, limit: int) -> _Found:
    found = _walk(thread_ids, at, limit, back=True)
    return _Found(found=found[:limit][::-1], more=len(found) > limit)


def _after(thread_ids: Sequence[int], at: _Place, limit: int) -> _Found:
    found = _walk(thread_ids, at, limit, back=False)
    more = len(found) > limit
    return _Found(found=found[:limit], more=more, next_at=found[limit][0] if more else None)


def _cursor(case: Case, message: Message) -> str:
    return cursors.encode(place=f"messages.{case.id}", at=message.sent_at, row_id=message.id)


def _first_unread(case: Case, user: User, thread_ids: Sequence[int]) -> _Place | None:
    """The contact's first message that arrived after what ``user`` has seen. Who has never looked begins where
    the contact's wait begins."""
    theirs = Message.objects.filter(
        identity__contact_id=case.contact_id,
        thread_id__in=list(thread_ids),
        from_brand=False,
        automatic=False,
    )
    seen = (
        CaseSeen.objects.filter(user_id=user.id, case_id=case.id).values_list("message_id", flat=True).first()
    )
    if seen is not None:
        theirs = theirs.filter(id__gt=seen)
    elif case.waiting_since is not None:
        theirs = theirs.filter(sent_at__gte=case.waiting_since)
    else:
        return None
    return theirs.order_by("sent_at", "id").values_list("sent_at", "id").first()


def newest_of_contact(*, case: Case) -> MessageRow | None:
    """The contact's newest message that is still there, wherever the page is."""
    theirs = Message.objects.filter(
        thread__case_threads__case_id=case.id,
        identity__contact_id=case.contact_id,
        from_brand=False,
        deleted_at=None,
    )
    newest = _with_context(theirs).order_by("-sent_at", "-id").first()
    return _row(case, newest) if newest is not None else None


def _rows(case: Case, ids: Sequence[int]) -> tuple[MessageRow, ...]:
    found = {one.id: one for one in _with_context(Message.objects.filter(id__in=ids))} if ids else {}
    return tuple(_row(case, found[one]) for one in ids if one in found)


def _earlier_of_contact(case: Case, thread_ids: list[int], first: Message) -> tuple[MessageRow, ...]:
    theirs = Message.objects.filter(thread_id__in=thread_ids, identity__contact_id=case.contact_id)
    before = theirs.filter(sent_at__lte=first.sent_at).exclude(sent_at=first.sent_at, id__gte=first.id)
    return tuple(
        _row(case, message)
        for message in reversed(_with_context(before).order_by("-sent_at", "-id")[:_EARLIER])
    )


def _around(
    case: Case,
    thread_ids: list[int],
    rows: Iterable[MessageRow],
    earlier: Iterable[MessageRow],
    *,
    with_roots: bool,
) -> tuple[tuple[MessageRow, ...], dict[int, MessageRow]]:
    """The posts that began the threads, and the answered messages that are not among ``rows``."""
    here = {row.message.id for row in (*rows, *earlier)}
    wanted = {row.parent_id for row in rows if row.parent_id is not None} - here
    roots: list[int] = []
    if with_roots:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT first.id FROM unnest(%s::bigint[]) AS t(id) CROSS JOIN LATERAL ("
                "SELECT id, sent_at FROM inbox_message WHERE thread_id = t.id ORDER BY sent_at, id LIMIT 1"
                ") first ORDER BY first.sent_at, first.id",
                [thread_ids],
            )
            roots = [row[0] for row in cursor.fetchall() if row[0] not in here]
    found = {row.message.id: row for row in _rows(case, sorted(wanted | set(roots)))}
    return tuple(found[one] for one in roots if one in found), found


def _with_context(messages: QuerySet[Message]) -> QuerySet[Message]:
    parent = Message.objects.filter(
        channel_id=OuterRef("channel_id"), external_id=OuterRef("parent_external_id")
    )
    return (
        messages.select_related("identity", "user", "channel")
        .defer("user__password", "channel__credentials", "channel__cursor", "channel__settings")
        # Outgoing belongs to a room above this one: it is reached through the message's own relation.
        .annotate(parent_pk=Subquery(parent.values("id")[:1]), outgoing_pk=F("outgoing__id"))
    )


def _row(case: Case, message: Message) -> MessageRow:
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
