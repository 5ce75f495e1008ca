"""A matter that came up in the middle of a conversation gets a thread and a case of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from rapport.inbox import cases, merging, threads, turns
from rapport.inbox.models import Case, Message, Thread

# The message, everything that answers it, and, where a conversation goes on without reply links, all
# that was said in it later.
_GOES = """
WITH RECURSIVE later AS (
    SELECT id, channel_id, external_id FROM inbox_message
    WHERE id = %(message)s
       OR (%(key)s::text IS NOT NULL AND thread_id = %(thread)s AND thread_key = %(key)s
           AND (sent_at, id) >= (%(at)s, %(message)s))
), goes AS (
    SELECT id, channel_id, external_id FROM later
    UNION
    SELECT child.id, child.channel_id, child.external_id FROM goes
    JOIN inbox_message child ON child.channel_id = goes.channel_id AND child.parent_external_id = goes.external_id
    WHERE child.thread_id = %(thread)s
)
SELECT id FROM goes
"""


@dataclass(frozen=True)
class Split:
    """``thread_id`` is the new thread; None when a whole thread changed hands."""

    case_id: int
    thread_id: int | None
    from_thread_id: int


def split(*, case: Case, message: Message) -> Split | None:
    """Give ``message`` and what follows from it a case of its own; the case is locked, and so is its channel.

    The new case is open, and what moved waits again unless it was answered. None when nothing of the
    contact would stay behind.
    """
    goes = _goes(message)
    written = Message.objects.filter(identity__contact_id=case.contact_id, from_brand=False)
    stays_here = written.filter(thread_id=message.thread_id).exclude(id__in=goes).exists()
    elsewhere = case.case_threads.exclude(thread_id=message.thread_id).exists()
    if not stays_here and not elsewhere:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('inbox_case_id_seq')")
        new_id: int = cursor.fetchone()[0]
    if not stays_here:
        case.case_threads.filter(thread_id=message.thread_id).update(case_id=new_id, settled_at=None)
        case.outgoing.filter(thread_id=message.thread_id).update(case_id=new_id)
        _write(case, message, new_id, [message.thread_id])
        return Split(new_id, None, message.thread_id)
    thread = Thread.objects.create(
        brand_id=case.brand_id, channel_id=message.channel_id, visibility=message.visibility
    )
    _move(case, message, goes, thread.id, new_id)
    _write(case, message, new_id, [message.thread_id, thread.id])
    return Split(new_id, thread.id, message.thread_id)


def unsplit(*, thread: Thread, into: Thread) -> list[int]:
    """Let a thread that was split off be part of ``into`` again, and its cases with it; returns the cases."""
    Message.objects.filter(thread_id=thread.id, parted=True).update(parted=False)
    merged = {thread.id: into.id}
    threads.empty_into(merged)
    turns.recompute(thread_ids=[into.id])
    changed = merging.follow_merges(merged)
    cases.write(channel_id=into.channel_id, case_ids=changed)
    return changed


def _goes(message: Message) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            _GOES,
            {
                "message": message.id,
                "thread": message.thread_id,
                "key": message.thread_key,
                "at": message.sent_at,
            },
        )
        return [row[0] for row in cursor.fetchall()]


def _move(case: Case, message: Message, goes: list[int], thread_id: int, new_id: int) -> None:
    given: dict[str, Any] = {
        "goes": goes,
        "old": message.thread_id,
        "thread": thread_id,
        "case": case.id,
        "new": new_id,
        "contact": case.contact_id,
        "message": message.id,
    }
    with connection.cursor() as cursor:
        # What answers a message that stays must not lead back to it when it is heard of again.
        cursor.execute(
            """
            UPDATE inbox_message m SET thread_id = %(thread)s, parted = m.parted OR m.id = %(message)s OR EXISTS (
                SELECT FROM inbox_message parent WHERE parent.channel_id = m.channel_id
                  AND parent.external_id = m.parent_external_id AND parent.id <> ALL(%(goes)s)
            )
            WHERE m.id = ANY(%(goes)s)
            """,
            given,
        )
        # The contact's new case; whoever else wrote there keeps the case they have.
        cursor.execute(
            """
            INSERT INTO inbox_casethread (case_id, thread_id, contact_id)
            SELECT CASE WHEN ct.contact_id = %(contact)s THEN %(new)s ELSE ct.case_id END, %(thread)s, ct.contact_id
            FROM inbox_casethread ct WHERE ct.thread_id = %(old)s AND (ct.contact_id = %(contact)s OR EXISTS (
                SELECT FROM inbox_message m JOIN contacts_identity i ON i.id = m.identity_id
                WHERE m.id = ANY(%(goes)s) AND i.contact_id = ct.contact_id AND NOT m.from_brand
            ))
            """,
            given,
        )
    case.outgoing.filter(in_reply_to__in=goes).update(thread_id=thread_id, case_id=new_id)
    turns.recompute(thread_ids=[message.thread_id, thread_id])


def _write(case: Case, message: Message, new_id: int, thread_ids: list[int]) -> None:
    cases.write(channel_id=message.channel_id, case_ids=[new_id], opened=[new_id])
    # Others who wrote in the thread may have been answered in the other part.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT case_id FROM inbox_casethread WHERE thread_id = ANY(%s)", [thread_ids]
        )
        concerned = {row[0] for row in cursor.fetchall()} | {case.id}
    cases.write(channel_id=message.channel_id, case_ids=sorted(concerned - {new_id}))
    Case.objects.filter(id=new_id).update(
        assignee_id=case.assignee_id, team_id=case.team_id, priority=case.priority
    )
