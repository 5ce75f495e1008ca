"""Who is told of what happened, read behind those who did it.

Writers only leave a mark of what is new, by trigger and in their own transaction: what commits is told,
what does not is not. This takes the marks and makes the notices in one transaction, so that a process that
dies on the way has done nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from rapport.lib.live import notify_people
from rapport.lib.pg import array
from rapport.notices.kinds import KINDS, NoticeKind, Way
from rapport.notices.models import Notice
from rapport.staff.permissions import Permission, roles_with

# One maker at a time, so that nobody waits for another's rows.
_LOCK = (0x4E_54, 1)
_BATCH = 2000

# What customers write is told while it waits for an answer; what the person has on the screen is not told.
_MAKE = """
WITH kinds AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(desk)s::bool[], %(push)s::bool[], %(mail)s::bool[])
        AS k(kind, desk, push, mail)
), given AS MATERIALIZED (
    SELECT e.id, e.case_id, e.kind, e.actor_id, e.recorded_at AS at, e.data,
           (e.data ->> 'from')::bigint AS from_id, (e.data ->> 'to')::bigint AS to_id,
           (e.data ->> 'from_team')::bigint AS from_team, (e.data ->> 'to_team')::bigint AS to_team,
           e.brand_id, e.data ->> 'deed' AS deed
    FROM (SELECT * FROM inbox_caseevent WHERE id = ANY(%(events)s::bigint[]) AND kind = 'assigned') e
), told AS (
    SELECT g.*, to_id AS user_id, 'assigned' AS told, (data ->> 'given')::int AS n, '{}'::jsonb AS says
    FROM given g WHERE to_id IS NOT NULL AND to_id IS DISTINCT FROM from_id
    UNION ALL
    SELECT g.*, from_id, 'taken', (data ->> 'taken')::int, jsonb_build_object('to', to_id)
    FROM given g WHERE from_id IS NOT NULL AND to_id IS DISTINCT FROM from_id
    UNION ALL
    SELECT g.*, m.user_id, 'team', (data ->> 'team')::int, jsonb_build_object('team', to_team)
    FROM given g JOIN staff_team t ON t.id = g.to_team AND t.deleted_at IS NULL
    JOIN staff_team_members m ON m.team_id = t.id
    WHERE g.to_team IS DISTINCT FROM g.from_team AND g.to_id IS NULL
), found AS (
    SELECT user_id, told AS kind, 'event:' || id AS key, case_id, actor_id, at, says AS data, brand_id
    FROM told WHERE coalesce(n, 1) = 1
    UNION ALL
    -- Of cases that changed hands together each event says how many there are; the first that is read tells all.
    SELECT user_id, told, 'deed:' || deed || ':' || brand_id, NULL, actor_id, at,
           says || jsonb_build_object('n', n), brand_id
    FROM told WHERE n > 1
    UNION ALL
    SELECT coalesce(c.assignee_id, last.actor_id), 'woke', 'event:' || e.id, e.case_id, NULL, e.recorded_at, '{}',
           c.brand_id
    FROM inbox_caseevent e JOIN inbox_case c ON c.id = e.case_id
    LEFT JOIN LATERAL (
        SELECT actor_id FROM inbox_caseevent s WHERE s.case_id = e.case_id AND s.kind = 'snoozed'
        ORDER BY s.at DESC, s.id DESC LIMIT 1
    ) last ON true
    WHERE e.id = ANY(%(events)s::bigint[]) AND e.kind = 'woke' AND e.actor_id IS NULL AND NOT e.data ? 'by'
    UNION ALL
    SELECT f.user_id, 'noted', 'event:' || e.id, e.case_id, e.actor_id, e.recorded_at,
           jsonb_build_object('note', e.data -> 'note'), e.brand_id
    FROM inbox_caseevent e JOIN inbox_casefollow f ON f.case_id = e.case_id AND NOT f.muted
    WHERE e.id = ANY(%(events)s::bigint[]) AND e.kind = 'noted' AND NOT EXISTS (
        SELECT FROM inbox_mention m WHERE m.note_id = (e.data ->> 'note')::bigint AND m.user_id = f.user_id)
    UNION ALL
    SELECT m.user_id, 'named', 'mention:' || m.id, m.case_id, n.author_id, m.created_at,
           jsonb_build_object('note', n.id), c.brand_id
    FROM inbox_mention m JOIN inbox_note n ON n.id = m.note_id JOIN inbox_case c ON c.id = m.case_id
    WHERE m.id = ANY(%(mentions)s::bigint[]) AND m.seen_at IS NULL
    UNION ALL
    SELECT p.user_id, p.kind, 'message:' || m.id, c.id, NULL, m.arrived_at, jsonb_build_object('message', m.id),
           c.brand_id
    FROM (SELECT * FROM inbox_message WHERE id = ANY(%(messages)s::bigint[]) AND deleted_at IS NULL OFFSET 0) m
    CROSS JOIN LATERAL (SELECT contact_id FROM contacts_identity WHERE id = m.identity_id OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT case_id FROM inbox_casethread
        WHERE thread_id = m.thread_id AND contact_id = i.contact_id OFFSET 0
    ) ct
    CROSS JOIN LATERAL (SELECT * FROM inbox_case WHERE id = ct.case_id AND waiting_since <= m.sent_at OFFSET 0) c
    CROSS JOIN LATERAL (
        SELECT c.assignee_id AS user_id, 'answered' AS kind WHERE c.assignee_id IS NOT NULL
        UNION ALL
        SELECT f.user_id, 'followed' FROM inbox_casefollow f
        WHERE f.case_id = c.id AND NOT f.muted AND f.user_id IS DISTINCT FROM c.assignee_id
    ) p
    WHERE NOT EXISTS (SELECT FROM inbox_caseseen s
                      WHERE s.user_id = p.user_id AND s.case_id = c.id AND s.message_id >= m.id)
    UNION ALL
    SELECT o.author_id, o.state, 'outgoing:' || w.mark, o.case_id, NULL, now(), '{}', o.brand_id
    FROM unnest(%(outgoing)s::bigint[], %(marks)s::bigint[]) AS w(id, mark)
    JOIN outbox_outgoing o ON o.id = w.id AND o.state IN ('failed', 'held')
)
INSERT INTO notices_notice (user_id, brand_id, case_id, kind, key, actor_id, data, at, in_desk, push_at, mail_at)
SELECT f.user_id, f.brand_id, f.case_id, f.kind, f.key, f.actor_id, f.data, f.at, way.desk,
       CASE WHEN way.push THEN now() END,
       CASE WHEN way.mail THEN now() + make_interval(mins => coalesce(p.mail_after, 15)) END
FROM found f
JOIN staff_user u ON u.id = f.user_id AND u.is_active AND NOT u.is_bot
JOIN kinds k ON k.kind = f.kind
LEFT JOIN notices_choice w ON w.user_id = f.user_id AND w.kind = f.kind
LEFT JOIN notices_preferences p ON p.user_id = f.user_id
CROSS JOIN LATERAL (
    SELECT coalesce(w.desk, k.desk) AS desk,
           coalesce(w.push, k.push) AND EXISTS (SELECT FROM notices_device d WHERE d.user_id = f.user_id) AS push,
           coalesce(w.mail, k.mail) AND %(mails)s AND NOT coalesce(p.mail_stopped, false) AS mail
) way
WHERE f.user_id IS DISTINCT FROM f.actor_id
  AND (way.desk OR way.push OR way.mail)
  AND (u.is_superuser OR EXISTS (SELECT FROM staff_membership m WHERE m.user_id = u.id
                                 AND m.brand_id = f.brand_id AND m.role = ANY(%(roles)s)))
ORDER BY f.at, f.key, f.kind
ON CONFLICT (user_id, key) DO NOTHING
RETURNING user_id, brand_id, case_id
"""


def make_notices(*, limit: int = _BATCH) -> int:
    """Tell of up to ``limit`` happenings, the oldest first; returns how many, 0 also while another makes them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            "DELETE FROM notices_happening WHERE id IN (SELECT id FROM notices_happening ORDER BY id LIMIT %s) "
            "RETURNING id, event_id, message_id, mention_id, outgoing_id",
            [limit],
        )
        taken = cursor.fetchall()
        if not taken:
            return 0
        # A reply that failed twice before anybody looked has failed once.
        marks = {row[4]: row[0] for row in sorted(taken) if row[4] is not None}
        given: dict[str, Any] = {
            "events": array(row[1] for row in taken if row[1] is not None),
            "messages": array(row[2] for row in taken if row[2] is not None),
            "mentions": array(row[3] for row in taken if row[3] is not None),
            "outgoing": array(marks),
            "marks": array(marks.values()),
            "kinds": [str(kind) for kind in KINDS],
            "desk": [Way.DESK in spec.ways for spec in KINDS.values()],
            "push": [Way.PUSH in spec.ways for spec in KINDS.values()],
            "mail": [Way.MAIL in spec.ways for spec in KINDS.values()],
            "mails": settings.RAPPORT_SMTP,
            "roles": [str(role) for role in roles_with(Permission.VIEW_CASES)],
        }
        cursor.execute(_MAKE, given)
        _announce(cursor.fetchall())
    return len(taken)


def tell_of_brand(
    *, kind: NoticeKind, key: str, brand_id: int, user_ids: Collection[int], data: Mapping[str, Any]
) -> int:
    """Tell people in the desk of something that concerns a brand and no case; returns how many were not told
    before. In the caller's transaction, which sees to pushes and e-mails itself."""
    before = set(Notice.objects.filter(user__in=user_ids, key=key).values_list("user_id", flat=True))
    made = Notice.objects.bulk_create(
        [
            Notice(user_id=user_id, brand_id=brand_id, kind=kind, key=key, data=dict(data), at=timezone.now())
            for user_id in sorted(set(user_ids) - before)
        ],
        ignore_conflicts=True,
    )
    _announce([(one.user_id, brand_id, None) for one in made])
    return len(made)


def _announce(made: Collection[tuple[int, int, int | None]]) -> None:
    """Let the screens of whoever is told know, and no others."""
    people: dict[int, set[int]] = defaultdict(set)
    cases: dict[int, set[int]] = defaultdict(set)
    for user_id, brand_id, case_id in made:
        people[brand_id].add(user_id)
        if case_id is not None:
            cases[brand_id].add(case_id)
    for brand_id, user_ids in people.items():
        notify_people(brand_id=brand_id, case_ids=cases[brand_id], user_ids=user_ids)


def catch_up(*, batches: int = 20) -> int:
    """Make notices until nothing is left, or for so many batches; returns of how many happenings."""
    total = 0
    for _batch in range(batches):
        taken = make_notices()
        total += taken
        if not taken:
            break
    return total
