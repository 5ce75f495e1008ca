"""Which contacts were ever answered."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection


def answered_among(case_ids: Sequence[int]) -> set[int]:
    """Of these cases, those whose contact the brand has answered in the case's threads, in one query.

    A reply to somebody else in a public thread is no answer to this contact, and one that was deleted is
    none to anybody.
    """
    if not case_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id FROM inbox_case c
            WHERE c.id = ANY(%(cases)s::bigint[]) AND EXISTS (
                SELECT FROM inbox_casethread ct
                JOIN inbox_message own ON own.thread_id = ct.thread_id
                LEFT JOIN inbox_message parent
                    ON parent.channel_id = own.channel_id AND parent.external_id = own.parent_external_id
                LEFT JOIN contacts_identity asker ON asker.id = parent.identity_id
                WHERE ct.case_id = c.id AND own.own AND NOT own.automatic AND own.deleted_at IS NULL
                  AND own.sent_at >= c.opened_at
                  AND (parent.id IS NULL OR parent.from_brand OR asker.contact_id = c.contact_id)
            )
            """,
            {"cases": list(case_ids)},
        )
        return {row[0] for row in cursor.fetchall()}
