"""When somebody wants to be left alone: hours of each weekday, in their own time zone."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from rapport.brands.hours import DAYS
from rapport.lib.errors import Invalid
from rapport.staff.models import User

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DAY_MINUTES = 24 * 60


def read_quiet(given: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    """The hours as they are kept, from ``{"mon": ("18:00", "08:00")}``; days without both times have none.
    An end that is not later than its beginning is the next day's. Raises Invalid."""
    kept: dict[str, list[str]] = {}
    for day in DAYS:
        start, end = (time.strip() for time in given.get(day, ("", "")))
        if not start and not end:
            continue
        if not (_TIME.fullmatch(start) and _TIME.fullmatch(end)):
            raise Invalid(
                _("%(day)s: give both times, as 18:00 and 08:00, or none.") % {"day": str(DAYS[day])}
            )
        kept[day] = [start, end]
    return kept


def is_quiet(quiet: Mapping[str, list[str]], local: datetime) -> bool:
    """Whether ``local``, a time in the person's own zone, is in the quiet hours."""
    days = list(DAYS)
    minute = local.hour * 60 + local.minute
    today = _span(quiet, days[local.weekday()])
    if today is not None and today[0] <= minute < today[1]:
        return True
    # What began yesterday may go on until the morning.
    yesterday = _span(quiet, days[(local - timedelta(days=1)).weekday()])
    return yesterday is not None and minute < yesterday[1] - _DAY_MINUTES


def _span(quiet: Mapping[str, list[str]], day: str) -> tuple[int, int] | None:
    """Beginning and end in minutes of that day; the end may lie in the next one."""
    times = quiet.get(day)
    if not times:
        return None
    start, end = (int(time[:2]) * 60 + int(time[3:]) for time in times)
    return start, end if end > start else end + _DAY_MINUTES


def zone_of(user: User) -> zoneinfo.ZoneInfo:
    """The zone somebody lives in: the one they chose, else the instance's."""
    try:
        return zoneinfo.ZoneInfo(user.time_zone or settings.TIME_ZONE)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)
