"""How far somebody has read: kept for each person, so that a case opens where they left off."""

from __future__ import annotations

from django.db import connection

from rapport.inbox.access import access_case
from rapport.staff.models import User

_LARGEST = 2**62


def mark_read(*, user: User, case_id: int, message_id: int) -> None:
    """``user`` had everything on the screen that arrived up to ``message_id``. Reading never goes back.

    One statement, no version and no event: it concerns nobody else.
    """
    case = access_case(user=user, case_id=case_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_caseseen (user_id, case_id, message_id) VALUES (%s, %s, %s) "
            "ON CONFLICT (user_id, case_id) DO UPDATE SET message_id = excluded.message_id, at = now() "
            "WHERE inbox_caseseen.message_id < excluded.message_id",
            [user.id, case.id, min(message_id, _LARGEST)],
        )
