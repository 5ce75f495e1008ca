"""The times a case can be put away until with one choice, in the desk's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from rapport.web.moments import moment_of

_MORNING = time(9, 0)
_LABELS: dict[str, str | Promise] = {
    "hour": gettext_lazy("In 1 hour"),
    "tomorrow": gettext_lazy("Tomorrow morning"),
    "monday": gettext_lazy("Next Monday"),
}


@dataclass(frozen=True)
class Snooze:
    """A preset: what the form sends, what it is called, and when that is."""

    value: str
    label: str | Promise
    until: datetime


def snooze_choices(now: datetime | None = None) -> list[Snooze]:
    """The presets as of ``now``."""
    now = now or timezone.now()
    local = timezone.localtime(now)
    tomorrow = local.date() + timedelta(days=1)
    monday = local.date() + timedelta(days=7 - local.weekday())
    return [
        Snooze("hour", _LABELS["hour"], timezone.localtime(now + timedelta(hours=1))),
        Snooze("tomorrow", _LABELS["tomorrow"], datetime.combine(tomorrow, _MORNING, local.tzinfo)),
        Snooze("monday", _LABELS["monday"], datetime.combine(monday, _MORNING, local.tzinfo)),
    ]


def snooze_until(value: str) -> datetime:
    """The time that a preset or a typed date and time means. Raises Invalid."""
    for choice in snooze_choices():
        if choice.value == value:
            return choice.until
    return moment_of(value)
