"""A conversation that goes on at another channel of the brand, because that one answered in the first one's place."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from rapport.lib.pg import array


def adopt(new_message_ids: Sequence[int]) -> None:
    """Let contacts who answer our channel go on in the case in which it answered them.

    What another channel of the brand said lies in the conversation that it answered. Who answers that is heard by
    the channel that spoke, in a thread of its own; it belongs to the same case. Looks at new messages only, before
    cases are opened for them. Must run in a transaction that holds the channel's lock.

    Written from one message to the next step, each behind a fence: with statistics of a table that was empty a
    moment ago, the planner went through all new messages for each channel, which took minutes for an import.
    """
    if not new_message_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO inbox_casethread (case_id, thread_id, contact_id)
            SELECT DISTINCT ON (m.thread_id, author.contact_id) known.case_id, m.thread_id, author.contact_id
            FROM unnest(%s::bigint[]) AS new(id)
            CROSS JOIN LATERAL (
                SELECT channel_id, thread_id, identity_id, parent_external_id FROM inbox_message
                WHERE id = new.id AND parent_external_id IS NOT NULL AND NOT from_brand AND NOT automatic OFFSET 0
            ) m
            CROSS JOIN LATERAL (
                SELECT there.id, here.external_id
                FROM brands_channel here JOIN brands_channel there
                    ON there.brand_id = here.brand_id AND there.network = here.network AND there.id <> here.id
                WHERE here.id = m.channel_id OFFSET 0
            ) account
            CROSS JOIN LATERAL (
                SELECT thread_id, identity_id FROM inbox_message
                WHERE channel_id = account.id AND external_id = m.parent_external_id AND own OFFSET 0
            ) said
            CROSS JOIN LATERAL (
                SELECT FROM contacts_identity
                WHERE id = said.identity_id AND external_id = account.external_id OFFSET 0
            ) speaker
            CROSS JOIN LATERAL (SELECT contact_id FROM contacts_identity WHERE id = m.identity_id OFFSET 0) author
            CROSS JOIN LATERAL (
                SELECT case_id FROM inbox_casethread
                WHERE thread_id = said.thread_id AND contact_id = author.contact_id OFFSET 0
            ) known
            ORDER BY m.thread_id, author.contact_id, known.case_id DESC
            ON CONFLICT DO NOTHING
            """,
            [array(new_message_ids)],
        )
