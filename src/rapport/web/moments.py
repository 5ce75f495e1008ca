"""Times that people choose in forms: read in their own time zone, across the changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid


def moment_of(value: str) -> datetime:
    """The time that a date and time field means where the person is; of an hour that comes twice, the first.

    Raises Invalid for what is no time, and for an hour that the clocks leave out.
    """
    try:
        moment = parse_datetime(value)
        if moment is None or timezone.is_aware(moment):
            aware = moment
        else:
            aware = timezone.make_aware(moment)
            there = timezone.localtime(aware.astimezone(UTC)).replace(tzinfo=None)
            if there != moment:
                raise Invalid(
                    _("The clocks go forward then, so that time does not exist. Choose another one.")
                )
    except (ValueError, OverflowError):
        aware = None
    if aware is None:
        raise Invalid(_("Choose a day and a time."))
    return aware
