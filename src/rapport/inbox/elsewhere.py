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
    """
    if not new_message_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO inbox_casethread (case_id, thread_id, contact_id)
            SELECT DISTINCT ON (m.thread_id, author.contact_id) known.case_id, m.thread_id, author.contact_id
            FROM (SELECT * FROM inbox_message
                  WHERE id = ANY(%s::bigint[]) AND parent_external_id IS NOT NULL
                    AND NOT from_brand AND NOT automatic OFFSET 0) m
            JOIN brands_channel here ON here.id = m.channel_id
            JOIN brands_channel there
                ON there.brand_id = here.brand_id AND there.network = here.network AND there.id <> here.id
            JOIN inbox_message said
                ON said.channel_id = there.id AND said.external_id = m.parent_external_id AND said.own
            JOIN contacts_identity speaker
                ON speaker.id = said.identity_id AND speaker.external_id = here.external_id
            JOIN contacts_identity author ON author.id = m.identity_id
            JOIN inbox_casethread known
                ON known.thread_id = said.thread_id AND known.contact_id = author.contact_id
            ORDER BY m.thread_id, author.contact_id, known.case_id DESC
            ON CONFLICT DO NOTHING
            """,
            [array(new_message_ids)],
        )
