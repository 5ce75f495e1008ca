"""What there is of the many things that a case may have, and mostly has not: asked in one go, so that the page does
not ask for each with a query of its own."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from rapport.inbox.models import Case


@dataclass(frozen=True, slots=True)
class AtCase:
    """Whether there is at least one: replies on their way, notes, handovers; and of the contact, notes, attributes
    and identities that were joined to it."""

    outgoing: bool
    notes: bool
    handovers: bool
    links: bool
    contact_notes: bool
    attributes: bool
    joined: bool


# Outgoing belongs to a room above this one; of it no more is asked than whether there is any.
_SQL = """
SELECT EXISTS (SELECT FROM outbox_outgoing WHERE case_id = %(case)s
               AND state IN ('queued', 'held', 'sending', 'failed')),
       EXISTS (SELECT FROM inbox_note WHERE case_id = %(case)s),
       EXISTS (SELECT FROM inbox_casehandover WHERE case_id = %(case)s AND done_at IS NULL),
       EXISTS (SELECT FROM inbox_caselink WHERE one_id = %(case)s OR other_id = %(case)s),
       EXISTS (SELECT FROM contacts_contactnote WHERE contact_id = %(contact)s AND brand_id = %(brand)s
               AND removed_at IS NULL),
       EXISTS (SELECT FROM contacts_contactattribute WHERE contact_id = %(contact)s AND brand_id = %(brand)s),
       EXISTS (SELECT FROM contacts_contactmerge WHERE target_id = %(contact)s AND undone_at IS NULL)
"""


def at_case(case: Case) -> AtCase:
    """What is worth asking for; one query of index probes."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"case": case.id, "contact": case.contact_id, "brand": case.brand_id})
        return AtCase(*cursor.fetchone())
