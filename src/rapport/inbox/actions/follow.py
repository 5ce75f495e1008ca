"""Following a case: chosen by hand, or begun by what somebody does in it."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from rapport.inbox.access import access_case
from rapport.inbox.models import Case
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
