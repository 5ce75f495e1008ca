"""How long somebody has waited, in the few characters a list has room for."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

# After an hour a wait is shown as overdue: 42% of people expect an answer within 60 minutes
# (DESIGN, A2). Targets per channel will take its place.
OVERDUE_SECONDS = 3600


def short(seconds: float) -> str:
    """``seconds`` as "under 1 min", "12 min", "3 h 5 min" or "2 d 4 h"; nothing is said of a zero: "3 h"."""
    minutes = int(max(seconds, 0)) // 60
    if minutes < 1:
        return _("under 1 min")
    if minutes < 60:
        return _("%(m)s min") % {"m": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return (_("%(h)s h %(m)s min") if minutes else _("%(h)s h")) % {"h": hours, "m": minutes}
    days, hours = divmod(hours, 24)
    return (_("%(d)s d %(h)s h") if hours else _("%(d)s d")) % {"d": days, "h": hours}


def precise(seconds: float | None) -> str:
    """The same for tables, where seconds matter: "42 s", "2 min 40 s"; a dash for None."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return _("%(s)s s") % {"s": whole}
    if whole < 3600:
        return _("%(m)s min %(s)s s") % {"m": whole // 60, "s": whole % 60}
    return short(whole)


def since(moment: datetime) -> str:
    """How long ago ``moment`` was."""
    return short((timezone.now() - moment).total_seconds())


def is_overdue(moment: datetime) -> bool:
    """Whether somebody who waits since ``moment`` waits too long."""
    return (timezone.now() - moment).total_seconds() >= OVERDUE_SECONDS


def long_time(moment: datetime) -> str:
    """A weekday, a day and a time, for what lies ahead."""
    local = timezone.localtime(moment)
    return f"{day_text(local, 'D')} {day_text(local, 'MONTH_DAY_FORMAT')}, {local:%H:%M}"


def day_text(moment: datetime, form: str) -> str:
    """The day of a local time in one of Django's date formats: a page names the same few days again and again."""
    return _day_text(moment.date(), form, get_language())


@lru_cache(maxsize=4096)
def _day_text(day: date, form: str, _language: str | None) -> str:
    return date_format(day, form)
