"""Cases joined because their threads turned out to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection

from rapport.inbox import hanging


def follow_merges(merged: Mapping[int, int]) -> list[int]:
    """Threads were joined: move their cases along, joining the cases a contact had in both."""
    if not merged:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT ct.case_id, ct.contact_id, coalesce(p.target, ct.thread_id), ct.settled_at
            FROM inbox_casethread ct
            LEFT JOIN unnest(%s::bigint[], %s::bigint[]) AS p(source, target) ON p.source = ct.thread_id
            WHERE ct.thread_id = ANY(%s) ORDER BY ct.case_id
            """,
            [list(merged), list(merged.values()), [*merged, *merged.values()]],
        )
        found = cursor.fetchall()
        rows = [row[:3] for row in found]
        into = _joined_cases(rows)
        _merge_cases(into)
        # Each contact's link to a surviving thread, made anew from the surviving cases.
        cursor.execute(
            "DELETE FROM inbox_casethread WHERE thread_id = ANY(%s)", [[*merged, *merged.values()]]
        )
        links = {(thread, contact): into.get(case, case) for case, contact, thread in rows}
        # What was dealt with in one thread only is not dealt with in the whole.
        settled = {(thread, contact): at for _case, contact, thread, at in found}
        settled |= {(thread, contact): None for _case, contact, thread, at in found if at is None}
        cursor.execute(
            "INSERT INTO inbox_casethread (thread_id, contact_id, case_id, settled_at) "
            "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])",
            [
                [t for t, _ in links],
                [c for _, c in links],
                list(links.values()),
                [settled[link] for link in links],
            ],
        )
    return sorted(set(links.values()))


def _joined_cases(rows: Sequence[tuple[int, int, int]]) -> dict[int, int]:
    """Case → the older case it becomes part of, for ``(case, contact, surviving thread)`` rows."""
    into: dict[int, int] = {}

    def root(case: int) -> int:
        while case in into:
            case = into[case]
        return case

    first: dict[tuple[int, int], int] = {}
    for case, contact, thread in rows:
        other = root(first.setdefault((thread, contact), case))
        mine = root(case)
        if mine != other:
            into[max(mine, other)] = min(mine, other)
    return {case: root(case) for case in into}


def _merge_cases(into: Mapping[int, int]) -> None:
    if not into:
        return
    pairs = {"from": list(into), "to": list(into.values())}
    with connection.cursor() as cursor:
        # Whoever is writing a note or a reply to one of them holds its row: let them finish, so that
        # what they wrote moves too.
        cursor.execute(
            "SELECT id FROM inbox_case WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [[*into, *into.values()]],
        )
        hanging.move(into)
        cursor.execute(
            "UPDATE inbox_casethread x SET case_id = p.target "
            "FROM unnest(%(from)s::bigint[], %(to)s::bigint[]) AS p(source, target) WHERE x.case_id = p.source",
            pairs,
        )
        cursor.execute(
            "INSERT INTO inbox_case_tags (case_id, tag_id) SELECT DISTINCT p.target, t.tag_id "
            "FROM unnest(%(from)s::bigint[], %(to)s::bigint[]) AS p(source, target) "
            "JOIN inbox_case_tags t ON t.case_id = p.source ON CONFLICT DO NOTHING",
            pairs,
        )
        # The survivor takes over whoever worked on the other, unless somebody works on it already,
        # and is open if either was.
        cursor.execute(
            """
            UPDATE inbox_case kept SET assignee_id = coalesce(kept.assignee_id, gone.assignee_id),
                priority = greatest(kept.priority, gone.priority),
                status = CASE WHEN kept.status = 'open' OR gone.open THEN 'open' ELSE kept.status END,
                closed_at = CASE WHEN gone.open THEN NULL ELSE kept.closed_at END,
                close_reason = CASE WHEN gone.open THEN '' ELSE kept.close_reason END,
                snoozed_until = CASE WHEN gone.open THEN NULL ELSE kept.snoozed_until END
            FROM (
                SELECT p.target, max(c.priority) AS priority, bool_or(c.status = 'open') AS open,
                       (array_agg(c.assignee_id ORDER BY c.id) FILTER (WHERE c.assignee_id IS NOT NULL))[1]
                           AS assignee_id
                FROM unnest(%(from)s::bigint[], %(to)s::bigint[]) AS p(source, target)
                JOIN inbox_case c ON c.id = p.source GROUP BY p.target
            ) gone WHERE kept.id = gone.target
            """,
            pairs,
        )
        cursor.execute(
            """
            WITH gone AS (
                UPDATE inbox_case c SET status = 'merged', merged_into_id = p.target, waiting_since = NULL,
                    snoozed_until = NULL, version = version + 1
                FROM unnest(%(from)s::bigint[], %(to)s::bigint[]) AS p(source, target) WHERE c.id = p.source RETURNING c.id, c.brand_id, c.last_message_at, p.target
            )
            INSERT INTO inbox_caseevent (case_id, brand_id, kind, at, data)
            SELECT id, brand_id, 'merged', last_message_at, jsonb_build_object('into', target) FROM gone
            UNION ALL
            SELECT target, brand_id, 'merged', last_message_at, jsonb_build_object('from', id) FROM gone
            """,
            pairs,
        )
