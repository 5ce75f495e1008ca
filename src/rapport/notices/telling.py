"""What is due to be pushed or mailed is handed to jobs: folded by case, and held back while its reader wants
to be left alone. Taken and handed over in one transaction, so that nothing is told twice or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from procrastinate.types import JSONDict

from rapport.inbox.models import Priority
from rapport.lib.pg import array
from rapport.notices.defer import defer_mails, defer_pushes
from rapport.notices.models import Device, Notice, Preferences
from rapport.notices.quiet import is_quiet, zone_of
from rapport.staff.models import User

_LOCK = (0x4E_54, 2)
_BATCH = 5000
# More cases than this at once, or anything that was held back so long, come as one summary.
_APART = 3
_FRESH = timedelta(minutes=2)
# What one push or e-mail speaks of at most; it says the newest.
_MOST = 500

_TAKE = """
UPDATE notices_notice SET {column} = NULL WHERE id IN (
    SELECT n.id FROM notices_notice n LEFT JOIN inbox_case c ON c.id = n.case_id
    WHERE n.{column} <= %(now)s AND n.user_id <> ALL(%(silent)s::bigint[])
      AND (c.priority >= %(urgent)s OR n.user_id <> ALL(%(urgent_only)s::bigint[]))
    ORDER BY n.{column} LIMIT %(limit)s)
RETURNING user_id, id, case_id, made_at
"""


@dataclass(frozen=True)
class _Held:
    """Who is told nothing now, and who only what is urgent."""

    silent: Collection[int]
    urgent_only: Collection[int]


def tell_due(*, now: datetime | None = None) -> int:
    """Hand over what is due; returns how many pushes and e-mails. Nothing while another does."""
    now = now or timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        if not cursor.fetchone()[0]:
            return 0
        return _push(now) + _mail(now)


def _push(now: datetime) -> int:
    taken = _take("push_at", now, away=True)
    devices: dict[int, list[int]] = defaultdict(list)
    living = Device.objects.filter(user_id__in=taken, session__expire_date__gt=now, error="")
    for device_id, user_id in living.values_list("id", "user_id"):
        devices[user_id].append(device_id)
    jobs: list[JSONDict] = [
        {"device_id": device_id, "notice_ids": [*notice_ids]}
        for user_id, rows in taken.items()
        for notice_ids in _folded(rows, now)
        for device_id in devices[user_id]
    ]
    defer_pushes(jobs)
    return len(jobs)


def _mail(now: datetime) -> int:
    taken = _take("mail_at", now, away=False)
    jobs: list[JSONDict] = [
        {"user_id": user_id, "notice_ids": [*sorted(row[0] for row in rows)[-_MOST:]]}
        for user_id, rows in taken.items()
    ]
    defer_mails(jobs)
    return len(jobs)


def _folded(rows: Collection[tuple[int, int | None, datetime]], now: datetime) -> Iterable[list[int]]:
    """The notices of each push: of one case, or one that is of none."""
    by_case: dict[int, list[int]] = defaultdict(list)
    for notice_id, case_id, _made in rows:
        by_case[case_id or -notice_id].append(notice_id)
    if len(by_case) > _APART or any(made < now - _FRESH for _id, _case, made in rows):
        return [sorted(row[0] for row in rows)[-_MOST:]]
    return [sorted(ids)[-_MOST:] for ids in by_case.values()]


def _take(column: str, now: datetime, *, away: bool) -> dict[int, list[tuple[int, int | None, datetime]]]:
    """Due notices of everybody who may be told now, by person: id, case, when made. They are due no more."""
    held = _held(_waiting(column, now), now, away=away)
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE.replace("{column}", column),
            {
                "now": now,
                "silent": array(held.silent),
                "urgent_only": array(held.urgent_only),
                "urgent": Priority.URGENT,
                "limit": _BATCH,
            },
        )
        found: dict[int, list[tuple[int, int | None, datetime]]] = defaultdict(list)
        for user_id, *row in cursor.fetchall():
            found[user_id].append((row[0], row[1], row[2]))
    return found


def _waiting(column: str, now: datetime) -> list[User]:
    due = Notice.objects.filter(**{f"{column}__lte": now})
    return list(User.objects.filter(id__in=due.values("user_id")))


def _held(people: Iterable[User], now: datetime, *, away: bool) -> _Held:
    waiting = list(people)
    chosen = {one.user_id: one for one in Preferences.objects.filter(user__in=waiting).exclude(quiet={})}
    silent: set[int] = set()
    urgent_only: set[int] = set()
    for user in waiting:
        own = chosen.get(user.pk)
        if away and user.is_away:
            silent.add(user.pk)
        elif own is not None and is_quiet(own.quiet, now.astimezone(zone_of(user))):
            (urgent_only if own.urgent_through else silent).add(user.pk)
    return _Held(silent, urgent_only)
