"""Days, months and years as somebody types them into a search, in the reader's time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox.queries.search_fields import NotUnderstood
from rapport.inbox.queries.search_terms import Key
from rapport.inbox.words import FIRST_YEAR, LAST_YEAR

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.A)
_AGO = re.compile(r"(\d{1,4})([dwmy])", re.A)
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_MOST_DAYS = 36_500
_MOST_YEARS = 3


def period(field: str, value: str) -> tuple[datetime, datetime]:
    """The first moment of what ``value`` names, and the first moment after it. ``7d`` is the last seven days,
    today included. Raises NotUnderstood for what is no day."""
    first, after = _dates(value.lower()) or (None, None)
    if first is None or after is None:
        raise NotUnderstood(
            _(
                "“%(name)s:” does not understand “%(value)s”. Write a day as 2026-03-31, a month as 2026-03, or 7d for the last seven days."
            )
            % {"name": field, "value": value}
        )
    return _start(first), _start(after)


def _dates(value: str) -> tuple[date, date] | None:
    today = timezone.localdate()
    if value in {"today", "yesterday"}:
        day = today - timedelta(days=value == "yesterday")
        return day, day + timedelta(days=1)
    if ago := _AGO.fullmatch(value):
        days = min(max(int(ago[1]) * _DAYS[ago[2]], 1), _MOST_DAYS)
        return today - timedelta(days=days - 1), today + timedelta(days=1)
    written = _DATE.fullmatch(value)
    if written is None or not FIRST_YEAR <= int(written[1]) < LAST_YEAR:
        return None
    year, month, day_of_month = (int(part) if part else None for part in written.groups())
    if year is None:
        return None
    try:
        first = date(year, month or 1, day_of_month or 1)
    except ValueError:
        return None
    if day_of_month:
        return first, first + timedelta(days=1)
    if month:
        return first, date(year + month // 12, month % 12 + 1, 1)
    return first, date(year + 1, 1, 1)


def _start(day: date) -> datetime:
    """The first moment of a day here; before the years we know, the first of those."""
    day = max(day, date(FIRST_YEAR, 1, 1))
    return datetime.combine(day, time(), tzinfo=timezone.get_current_timezone())


def months(since: datetime | None, until: datetime | None) -> Key:
    """The months (UTC) that touch ``[since, until)`` as a key of facts; of many, whole years by their beginning, so
    that it stays short."""
    first = since.astimezone(UTC) if since else datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    last = (
        (until - timedelta(microseconds=1)).astimezone(UTC)
        if until
        else datetime(LAST_YEAR, 12, 31, tzinfo=UTC)
    )
    begun = last.year - first.year > _MOST_YEARS
    found: list[str] = []
    for year in range(first.year, last.year + 1):
        low = first.month if year == first.year else 1
        high = last.month if year == last.year else 12
        if begun and (low, high) == (1, 12):
            found.append(f"d:{year}")
        else:
            found += [f"d:{year}{month:02}" for month in range(low, high + 1)]
    return Key(tuple(found), begun=begun)
