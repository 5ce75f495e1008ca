"""Notices that were seen: by opening the case, or all at once, and back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from rapport.lib.live import notify_people
from rapport.notices.models import Notice
from rapport.staff.models import User

KEPT = timedelta(days=90)
_SWEEP_BATCH = 10_000


def mark_read(*, user: User, case_id: int) -> int:
    """``user`` looks at the case, so they know; what waited to be pushed or mailed is not. Returns how many
    notices were unread. Other screens of theirs hear of it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE notices_notice SET read_at = now(), push_at = NULL, mail_at = NULL
            WHERE user_id = %(user)s AND read_at IS NULL AND case_id IN (
                SELECT %(case)s::bigint UNION ALL SELECT id FROM inbox_case WHERE merged_into_id = %(case)s)
            RETURNING brand_id
            """,
            {"user": user.pk, "case": case_id},
        )
        read = cursor.fetchall()
        if read:
            notify_people(brand_id=read[0][0], case_ids=[case_id], user_ids=[user.pk])
    return len(read)


def mark_all_read(*, user: User) -> tuple[int, datetime]:
    """Everything is read; returns how many notices were not, and the moment that undoes it."""
    moment = timezone.now()
    read = Notice.objects.filter(user=user, read_at=None).update(read_at=moment, push_at=None, mail_at=None)
    return read, moment


def unread_again(*, user: User, moment: datetime) -> int:
    """Take :func:`mark_all_read` of that moment back. What was not pushed or mailed by then will not be."""
    return Notice.objects.filter(user=user, read_at=moment).update(read_at=None)


def sweep_notices() -> int:
    """Forget notices after ninety days, and devices whose login ended; returns how many notices."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM notices_device d "
            "WHERE NOT EXISTS (SELECT FROM staff_session s WHERE s.session_key = d.session_id AND s.expire_date > now())"
        )
        total = 0
        while True:
            cursor.execute(
                "DELETE FROM notices_notice WHERE id IN "
                "(SELECT id FROM notices_notice WHERE made_at < %s LIMIT %s)",
                [timezone.now() - KEPT, _SWEEP_BATCH],
            )
            gone = int(cursor.rowcount)
            total += gone
            if gone < _SWEEP_BATCH:
                return total
