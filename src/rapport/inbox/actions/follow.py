"""Following a case: chosen by hand, or begun by what somebody does in it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from rapport.inbox.access import access_case
from rapport.inbox.models import Case
from rapport.lib.pg import array
from rapport.staff.models import User


def follow_case(*, user: User, case_id: int, following: bool = True) -> Case:
    """``user`` follows the case from now on, or with ``following`` false follows it no more: then nothing
    they do or are given there brings them back. In a merged case it is the case that took it in.

    Whoever may see a case may follow it. Raises NotFound. One statement, no version and no event: it
    concerns nobody else.
    """
    case = access_case(user=user, case_id=case_id)
    while case.merged_into_id is not None:
        case = access_case(user=user, case_id=case.merged_into_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_casefollow (user_id, case_id, muted) VALUES (%s, %s, %s) "
            "ON CONFLICT (user_id, case_id) DO UPDATE SET muted = excluded.muted, created_at = now() "
            "WHERE inbox_casefollow.muted <> excluded.muted",
            [user.id, case.id, not following],
        )
    return case


def begin_following(*, user_ids: Collection[int], case_id: int) -> None:
    """People did something in the case, so they follow it, unless they left it. In the caller's
    transaction. Automations follow nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_casefollow (user_id, case_id) "
            "SELECT id, %s FROM staff_user WHERE id = ANY(%s) AND NOT is_bot ORDER BY id ON CONFLICT DO NOTHING",
            [case_id, sorted(user_ids)],
        )


def would_begin(pairs: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of ``(case, user)`` those where giving the case to the user makes them follow it: neither do they now, nor
    did they leave it. Asked before it is given, so that :func:`end_following` can take exactly that back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT g.case_id, g.user_id FROM unnest(%s::bigint[], %s::bigint[]) AS g(case_id, user_id) "
            "WHERE NOT EXISTS (SELECT FROM inbox_casefollow f "
            "WHERE f.case_id = g.case_id AND f.user_id = g.user_id) ORDER BY 1, 2",
            [array(case_id for case_id, _user in pairs), array(user_id for _case, user_id in pairs)],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def end_following(pairs: Collection[tuple[int, int]], *, since: datetime) -> None:
    """Being given the cases, at ``since``, was taken back, so ``(case, user)`` follow them no more: but for who
    left and came back, and who wrote or was named there meanwhile, which begins it too. In the caller's
    transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM inbox_casefollow f
            USING unnest(%(cases)s::bigint[], %(users)s::bigint[]) AS g(case_id, user_id)
            WHERE f.case_id = g.case_id AND f.user_id = g.user_id AND NOT f.muted AND f.created_at <= %(since)s
              AND NOT EXISTS (SELECT FROM inbox_note n WHERE n.case_id = f.case_id AND n.author_id = f.user_id)
              AND NOT EXISTS (SELECT FROM inbox_mention m WHERE m.case_id = f.case_id AND m.user_id = f.user_id)
              AND NOT EXISTS (SELECT FROM outbox_outgoing o
                              WHERE o.case_id = f.case_id AND o.author_id = f.user_id)
            """,
            {
                "cases": array(case_id for case_id, _user in pairs),
                "users": array(user_id for _case, user_id in pairs),
                "since": since,
            },
        )
