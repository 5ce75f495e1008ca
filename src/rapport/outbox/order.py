"""Which reply may leave now: the order within a case, the order within a thread of posts, and what is held back."""

from __future__ import annotations

from django.db import connection
from psycopg import sql

# Of a row ``o``: something of its case is before it, or the post that it goes on from is not out yet. What is
# scheduled for later, or goes on from a post that is not out, is before nobody.
BEHIND = sql.SQL("""(
    EXISTS (SELECT 1 FROM outbox_outgoing p WHERE p.id = o.follows_id AND p.state <> 'sent')
    OR EXISTS (
        SELECT 1 FROM outbox_outgoing e
        WHERE e.case_id = o.case_id AND e.id < o.id
          AND (e.state = 'sending'
               OR (e.state = 'queued' AND (e.scheduled_for IS NULL OR e.scheduled_for <= now())
                   AND NOT EXISTS (SELECT 1 FROM outbox_outgoing p
                                   WHERE p.id = e.follows_id AND p.state <> 'sent')))))""")

# Of a row ``o``: it was scheduled, and the customer wrote something that nobody knew of then. What may be out already
# is not held: the network is asked about it first. A thread of posts that has begun goes on.
OVERTAKEN = sql.SQL("""(
    o.scheduled_for IS NOT NULL AND o.follows_id IS NULL AND NOT o.doubtful
    AND EXISTS (
        SELECT 1 FROM inbox_case c
        JOIN inbox_casethread ct ON ct.case_id = c.id
        JOIN inbox_message m ON m.thread_id = ct.thread_id
        JOIN contacts_identity i ON i.id = m.identity_id AND i.contact_id = c.contact_id
        WHERE c.id = o.case_id AND m.id > o.known_message
          AND NOT m.from_brand AND NOT m.automatic AND m.deleted_at IS NULL))""")


_IS_BEHIND = sql.SQL("SELECT {behind} FROM outbox_outgoing o WHERE o.id = %s").format(behind=BEHIND)
_NEXT = sql.SQL(
    "SELECT o.id FROM outbox_outgoing o WHERE o.case_id = %s AND o.state = 'queued' AND o.not_before <= now() "
    "AND NOT {behind} ORDER BY o.id LIMIT 1"
).format(behind=BEHIND)
_HOLD_BACK = sql.SQL(
    "UPDATE outbox_outgoing o SET state = 'held', error = '' "
    "WHERE o.id = %s AND o.state = 'queued' AND o.not_before <= now() AND {overtaken}"
).format(overtaken=OVERTAKEN)


def is_behind(outgoing_id: int) -> bool:
    """Whether something else must leave before it."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_BEHIND, [outgoing_id])
        row = cursor.fetchone()
    return row is not None and bool(row[0])


def next_of_case(case_id: int) -> int | None:
    """The case's reply that is due and has nothing before it any more; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [case_id])
        row = cursor.fetchone()
    return row[0] if row is not None else None


def hold_back(outgoing_id: int) -> bool:
    """Hold a scheduled reply whose time has come and whose customer has written since. In a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_BACK, [outgoing_id])
        held: int = cursor.rowcount
    return held > 0
