"""Cases follow what is said: opened for a contact's message, reopened by the next one, joined when
their threads turn out to be one, and always knowing who waits and since when.

The rule: a contact who writes in a thread has one case for it. Reposts, automatic messages, our own
posts and other brands' posts open none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from rapport.brands.models import Channel
from rapport.inbox import merging
from rapport.inbox.elsewhere import adopt
from rapport.lib.pg import array
from rapport.networks.registry import UnknownNetwork, connector_class


def follow(
    *,
    channel: Channel,
    thread_ids: Sequence[int],
    merged: Mapping[int, int],
    new_message_ids: Sequence[int],
    past_before: datetime | None = None,
) -> list[int]:
    """Bring the cases of these threads in line with their messages; returns the ids that changed.

    ``merged``: threads that were just emptied into another. ``new_message_ids``: messages that were
    not known before. ``past_before``: they were fetched from the channel's past, and what is older than
    this asks nothing of anybody. Must run in a transaction that holds the channel's lock.
    """
    if not thread_ids:
        return []
    survivors = merging.follow_merges(merged)
    adopt(new_message_ids)
    opened = link(thread_ids)
    concerned = _concerned(thread_ids, new_message_ids, everyone=sorted(set(merged.values())))
    case_ids = sorted({*survivors, *opened, *concerned})
    _lock_wider(channel, case_ids)
    write(channel_id=channel.id, case_ids=case_ids, opened=opened, heard=True)
    _reopen(sorted(set(case_ids) - set(opened)), new_message_ids, past_before)
    if past_before is not None:
        _settle_past(case_ids, opened, past_before)
    if _is_archive(channel.network):
        _settle_archive(case_ids)
    return case_ids


def _is_archive(network: str) -> bool:
    """Whether what is heard there is long past, as in an imported file."""
    try:
        return connector_class(network).capabilities.archive
    except UnknownNetwork:
        return False


def link(thread_ids: Sequence[int]) -> list[int]:
    """Give a case id to every contact who wrote in a thread and has none; returns the new ids.

    The cases themselves are written next, complete, by :func:`write`: their foreign key is checked
    at commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO inbox_casethread (case_id, thread_id, contact_id)
            SELECT nextval('inbox_case_id_seq'), thread_id, contact_id
            FROM (
                SELECT DISTINCT m.thread_id, i.contact_id
                FROM (
                    SELECT thread_id, identity_id FROM inbox_message
                    WHERE thread_id = ANY(%s::bigint[]) AND NOT from_brand AND NOT automatic OFFSET 0
                ) m
                CROSS JOIN LATERAL (SELECT contact_id FROM contacts_identity WHERE id = m.identity_id OFFSET 0) i
            ) wrote
            WHERE NOT EXISTS (SELECT FROM inbox_casethread ct
                              WHERE ct.thread_id = wrote.thread_id AND ct.contact_id = wrote.contact_id)
            ORDER BY thread_id, contact_id
            RETURNING case_id
            """,
            [array(thread_ids)],
        )
        return [row[0] for row in cursor.fetchall()]


def _concerned(thread_ids: Sequence[int], new_ids: Sequence[int], *, everyone: Sequence[int]) -> list[int]:
    """Cases that new messages speak to: their author's, and whoever an own message answers.

    An own message that answers one contact's message concerns that contact alone, so a reply in a
    thread of thousands touches one case. Edits and deletions (no new message in the thread) and
    joined threads concern every case there.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH new AS MATERIALIZED (
                SELECT m.thread_id, m.own, CASE WHEN NOT m.from_brand THEN author.contact_id
                                                WHEN NOT parent.from_brand THEN asker.contact_id END AS contact_id
                FROM (SELECT * FROM inbox_message WHERE id = ANY(%(new)s::bigint[]) OFFSET 0) m
                CROSS JOIN LATERAL (
                    SELECT contact_id FROM contacts_identity WHERE id = m.identity_id OFFSET 0
                ) author
                LEFT JOIN inbox_message parent
                    ON parent.channel_id = m.channel_id AND parent.external_id = m.parent_external_id
                LEFT JOIN contacts_identity asker ON asker.id = parent.identity_id
            )
            SELECT ct.case_id FROM new CROSS JOIN LATERAL (
                SELECT case_id FROM inbox_casethread
                WHERE thread_id = new.thread_id AND contact_id = new.contact_id OFFSET 0
            ) ct
            UNION
            SELECT ct.case_id FROM (SELECT DISTINCT thread_id FROM new WHERE own AND contact_id IS NULL) new
            CROSS JOIN LATERAL (SELECT case_id FROM inbox_casethread WHERE thread_id = new.thread_id OFFSET 0) ct
            UNION
            SELECT case_id FROM inbox_casethread
            WHERE thread_id = ANY(ARRAY(SELECT unnest(%(threads)s::bigint[]) EXCEPT SELECT thread_id FROM new))
            UNION
            SELECT case_id FROM inbox_casethread WHERE thread_id = ANY(%(everyone)s::bigint[])
            """,
            {"new": array(new_ids), "threads": array(thread_ids), "everyone": array(everyone)},
        )
        return [row[0] for row in cursor.fetchall()]


# Everywhere here a table is probed through LATERAL … OFFSET 0: the planner may not turn such a join round,
# whatever (stale) statistics tell it, so a statement costs what the batch costs and not what the table holds.
#
# An own message counts for a case when it answers that contact, or nobody in particular. New cases are
# inserted complete and known ones updated, from the same facts.
#
# A post that goes round the world has one thread and a case for each of many thousand people, so nothing
# here may look at every message for every case: a contact's messages are found through their identities,
# and a thread's own messages are read once; of those that answer nobody only the newest can matter.
_WRITE = """
WITH link AS MATERIALIZED (
    SELECT case_id, thread_id, contact_id, settled_at FROM inbox_casethread WHERE case_id = ANY(%(cases)s::bigint[])
), ours AS MATERIALIZED (
    SELECT m.id, m.thread_id, m.sent_at, m.automatic, m.deleted_at IS NOT NULL AS deleted, m.external_id,
           CASE WHEN NOT parent.from_brand THEN asker.contact_id END AS contact_id
    FROM (SELECT DISTINCT thread_id FROM link) t
    CROSS JOIN LATERAL (SELECT * FROM inbox_message WHERE thread_id = t.thread_id AND own OFFSET 0) m
    LEFT JOIN inbox_message parent
        ON parent.channel_id = m.channel_id AND parent.external_id = m.parent_external_id
    LEFT JOIN contacts_identity asker ON asker.id = parent.identity_id
), to_all AS MATERIALIZED (
    (SELECT DISTINCT ON (thread_id) * FROM ours WHERE contact_id IS NULL
     ORDER BY thread_id, sent_at DESC, external_id DESC)
    UNION
    (SELECT DISTINCT ON (thread_id) * FROM ours WHERE contact_id IS NULL AND NOT automatic AND NOT deleted
     ORDER BY thread_id, sent_at DESC, external_id DESC)
), said AS (
    SELECT ct.case_id, m.id, m.sent_at, m.lang, m.automatic, false AS own, m.deleted_at IS NOT NULL AS deleted,
           (m.arrived_at <= greatest(known.settled_at, ct.settled_at)) IS TRUE AS settled, m.external_id
    FROM link ct
    CROSS JOIN LATERAL (SELECT id FROM contacts_identity WHERE contact_id = ct.contact_id OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT * FROM inbox_message
        WHERE identity_id = i.id AND thread_id = ct.thread_id AND NOT from_brand OFFSET 0
    ) m
    LEFT JOIN inbox_case known ON known.id = ct.case_id
    UNION ALL
    SELECT ct.case_id, o.id, o.sent_at, '', o.automatic, true, o.deleted, false, o.external_id
    FROM (SELECT * FROM ours WHERE contact_id IS NOT NULL) o CROSS JOIN LATERAL (
        SELECT case_id FROM inbox_casethread
        WHERE thread_id = o.thread_id AND contact_id = o.contact_id OFFSET 0
    ) ct
    WHERE ct.case_id = ANY(%(cases)s::bigint[])
    UNION ALL
    SELECT ct.case_id, o.id, o.sent_at, '', o.automatic, true, o.deleted, false, o.external_id
    FROM link ct CROSS JOIN LATERAL (SELECT * FROM to_all WHERE thread_id = ct.thread_id OFFSET 0) o
), summed AS MATERIALIZED (
    SELECT case_id, min(sent_at) FILTER (WHERE NOT own) AS opened_at,
           min(sent_at) FILTER (WHERE NOT own AND NOT automatic AND NOT deleted AND NOT settled
                                AND (answered_at IS NULL OR sent_at > answered_at)) AS waiting_since,
           max(sent_at) AS last_message_at, max(id) FILTER (WHERE age = 1) AS newest_id,
           coalesce((array_agg(lang ORDER BY age) FILTER (WHERE NOT own AND lang <> ''))[1], '') AS lang
    FROM (
        SELECT *, max(sent_at) FILTER (WHERE own AND NOT automatic AND NOT deleted) OVER (PARTITION BY case_id) AS answered_at,
               row_number() OVER (PARTITION BY case_id ORDER BY sent_at DESC, own DESC, external_id DESC) AS age
        FROM said
    ) aged GROUP BY case_id
), facts AS MATERIALIZED (
    SELECT s.*, newest.brand_id, newest.visibility, known.waiting_since AS waited_since,
           CASE WHEN length(line) > 160 THEN left(line, 159) || '…' ELSE line END AS preview,
           (SELECT min(ct.contact_id) FROM inbox_casethread ct WHERE ct.case_id = s.case_id) AS contact_id
    FROM summed s
    CROSS JOIN LATERAL (SELECT * FROM inbox_message WHERE id = s.newest_id OFFSET 0) newest
    CROSS JOIN LATERAL (
        SELECT CASE WHEN newest.deleted_at IS NULL OR newest.own
                      OR NOT (SELECT hide_deleted FROM brands_channel WHERE id = newest.channel_id)
                    THEN regexp_replace(left(newest.text, 400), '\\s+', ' ', 'g') ELSE '' END AS line
    ) AS shown
    LEFT JOIN inbox_case known ON known.id = s.case_id
), stored AS (
    INSERT INTO inbox_case (id, brand_id, channel_id, contact_id, status, visibility, preview, lang, opened_at,
                            waiting_since, last_message_at)
    SELECT case_id, brand_id, %(channel)s, contact_id, 'open', visibility, preview, lang, opened_at, waiting_since,
           last_message_at
    FROM facts WHERE opened_at IS NOT NULL ORDER BY case_id
    ON CONFLICT (id) DO UPDATE
    SET waiting_since = excluded.waiting_since, last_message_at = excluded.last_message_at,
        opened_at = excluded.opened_at, preview = excluded.preview, visibility = excluded.visibility,
        lang = excluded.lang, version = inbox_case.version + %(heard)s::int
)
INSERT INTO inbox_caseevent (case_id, brand_id, kind, at)
SELECT case_id, brand_id, 'opened', opened_at FROM facts
WHERE case_id = ANY(%(new)s::bigint[])
UNION ALL
SELECT case_id, brand_id, 'received', waiting_since FROM facts
WHERE opened_at IS NOT NULL AND waiting_since IS NOT NULL AND waited_since IS NULL AND %(heard)s
  AND case_id <> ALL(%(new)s::bigint[])
"""


def _lock_wider(channel: Channel, case_ids: Sequence[int]) -> None:
    """Lock those of the cases that other channels' messages change too.

    The channel's lock keeps all others away from its own cases. A case that people joined from several
    channels is written by each of them; whoever comes second must see what the first one has recorded.
    """
    if not case_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id FROM unnest(%s::bigint[]) AS wanted(id)
            CROSS JOIN LATERAL (SELECT id, channel_id FROM inbox_case WHERE id = wanted.id OFFSET 0) c
            WHERE c.channel_id <> %s OR EXISTS (
                SELECT FROM (SELECT thread_id FROM inbox_casethread WHERE case_id = c.id OFFSET 0) ct
                CROSS JOIN LATERAL (SELECT channel_id FROM inbox_thread WHERE id = ct.thread_id OFFSET 0) t
                WHERE t.channel_id <> %s
            )
            ORDER BY c.id
            """,
            [array(case_ids), channel.id, channel.id],
        )
        wider = [row[0] for row in cursor.fetchall()]
        if wider:
            cursor.execute("SELECT FROM inbox_case WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [wider])


def write(
    *, channel_id: int, case_ids: Sequence[int], opened: Sequence[int] = (), heard: bool = False
) -> None:
    """Who waits since when, the newest message and the preview of these cases, from their messages.

    ``opened``: those of them that have links but no row yet; they become cases of the channel.
    ``heard``: something new was said, so the version grows, and a wait that begins is an event.
    """
    if not case_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                "cases": array(case_ids),
                "new": array(opened),
                "channel": channel_id,
                "heard": heard,
            },
        )


def _reopen(case_ids: Sequence[int], new_message_ids: Sequence[int], past_before: datetime | None) -> None:
    """A contact who writes again wakes a snoozed case and reopens a closed one, except closed as spam.

    "Again" is judged by arrival: a message sent before the case was closed but heard only now has
    been read by nobody. Not so what was fetched from the past and is older than ``past_before``.
    """
    if not case_ids or not new_message_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH again AS (
                SELECT c.id, c.status, max(m.sent_at) AS at
                FROM (
                    SELECT identity_id, thread_id, sent_at FROM inbox_message
                    WHERE id = ANY(%(new)s::bigint[]) AND NOT from_brand AND NOT automatic
                      AND (%(past)s::timestamptz IS NULL OR sent_at >= %(past)s) OFFSET 0
                ) m
                CROSS JOIN LATERAL (SELECT contact_id FROM contacts_identity WHERE id = m.identity_id OFFSET 0) i
                CROSS JOIN LATERAL (
                    SELECT case_id FROM inbox_casethread
                    WHERE thread_id = m.thread_id AND contact_id = i.contact_id OFFSET 0
                ) ct
                CROSS JOIN LATERAL (SELECT id, status, close_reason FROM inbox_case WHERE id = ct.case_id OFFSET 0) c
                WHERE c.id = ANY(%(cases)s::bigint[])
                  AND (c.status = 'snoozed' OR (c.status = 'closed' AND c.close_reason <> 'spam'))
                GROUP BY c.id, c.status
            ), changed AS (
                UPDATE inbox_case c SET status = 'open', snoozed_until = NULL, closed_at = NULL, close_reason = ''
                FROM again WHERE c.id = again.id RETURNING c.id, c.brand_id
            )
            INSERT INTO inbox_caseevent (case_id, brand_id, kind, at, data)
            SELECT again.id, changed.brand_id, CASE again.status WHEN 'snoozed' THEN 'woke' ELSE 'reopened' END,
                   again.at, '{"by": "contact"}'
            FROM again JOIN changed USING (id)
            """,
            {"new": array(new_message_ids), "cases": array(case_ids), "past": past_before},
        )


def _settle_past(case_ids: Sequence[int], opened: Sequence[int], past_before: datetime) -> None:
    """Cases that a channel's fetched past opened are closed when they ended with an answer, or long ago.

    A case that was there before is left alone, unless it was closed here and older words of it came now
    (the past comes newest first). A contact who writes again reopens it, and waits from then on.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH past AS MATERIALIZED (
                SELECT id, status FROM (
                    SELECT * FROM inbox_case WHERE id = ANY(%(cases)s::bigint[]) OFFSET 0
                ) c
                WHERE (id = ANY(%(opened)s::bigint[]) OR (status = 'closed' AND close_reason = 'imported'))
                  AND (waiting_since IS NULL OR last_message_at < %(before)s)
            ), settled AS (
                -- What has arrived until now is dealt with: also what this transaction did not see begin.
                UPDATE inbox_case c SET status = 'closed', close_reason = 'imported', waiting_since = NULL,
                    closed_at = last_message_at, settled_at = clock_timestamp()
                FROM past WHERE c.id = past.id
                RETURNING c.id, c.brand_id, c.last_message_at
            )
            INSERT INTO inbox_caseevent (case_id, brand_id, kind, at, data)
            SELECT s.id, s.brand_id, 'closed', s.last_message_at, '{"by": "import"}'
            FROM settled s JOIN past USING (id) WHERE past.status <> 'closed'
            """,
            {"cases": array(case_ids), "opened": array(opened), "before": past_before},
        )


def _settle_archive(case_ids: Sequence[int]) -> None:
    """Imported conversations are closed when they ended with an answer, and open when they did not."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH changed AS (
                UPDATE inbox_case
                SET status = CASE WHEN waiting_since IS NULL THEN 'closed' ELSE 'open' END,
                    closed_at = CASE WHEN waiting_since IS NULL THEN last_message_at END,
                    close_reason = CASE WHEN waiting_since IS NULL THEN 'imported' ELSE '' END
                WHERE id = ANY(%(cases)s)
                  AND ((status = 'open' AND waiting_since IS NULL)
                       OR (status = 'closed' AND close_reason = 'imported' AND waiting_since IS NOT NULL))
                RETURNING id, brand_id, status, last_message_at, waiting_since
            )
            INSERT INTO inbox_caseevent (case_id, brand_id, kind, at, data)
            SELECT id, brand_id, CASE status WHEN 'closed' THEN 'closed' ELSE 'reopened' END,
                   coalesce(waiting_since, last_message_at), '{"by": "import"}'
            FROM changed
            """,
            {"cases": list(case_ids)},
        )
