"""Notices that were seen: by opening the case, or all at once, and back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.lib.errors import NotFound
from rapport.lib.live import notify_people
from rapport.notices.models import Notice
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

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


def mark_one_read(*, user: User, notice_id: int) -> Notice:
    """``user`` looks at what a notice of theirs is about; returns it. Raises NotFound."""
    visible = brand_ids_for(user, Permission.VIEW_CASES)
    notice = Notice.objects.filter(id=notice_id, user=user, brand_id__in=visible).first()
    if notice is None:
        raise NotFound(_("That notification is not there any more."))
    _mark(user, Notice.objects.filter(id=notice.pk))
    return notice


def mark_thing_read(*, user: User, key: str) -> None:
    """``user`` looks at the thing of that key, on whichever way they came."""
    _mark(user, Notice.objects.filter(user=user, key=key))


def _mark(user: User, notices: QuerySet[Notice]) -> None:
    with transaction.atomic():
        brand_ids = sorted(set(notices.filter(read_at=None).values_list("brand_id", flat=True)))
        if brand_ids:
            notices.filter(read_at=None).update(read_at=timezone.now(), push_at=None, mail_at=None)
            notify_people(brand_id=brand_ids[0], case_ids=[], user_ids=[user.pk])


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
