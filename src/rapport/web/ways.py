"""More ways to send: what the composer's menu offers besides sending now, and what its form says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict
from django.utils.translation import gettext as _

from rapport.inbox.models import Visibility
from rapport.lib.errors import Invalid
from rapport.web.moments import moment_of
from rapport.web.numbers import whole_number
from rapport.web.snooze import snooze_until

# Stands for the date and time field beside the choices.
TYPED = "at"


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How a reply is to leave, as :func:`rapport.outbox.actions.reply` takes it."""

    close_after: bool
    snooze_until: datetime | None
    send_at: datetime | None
    split: bool
    numbered: bool
    channel_id: int | None


def ways_of(form: QueryDict) -> Ways:
    """What was pressed. Raises Invalid for times that are none, and for one that was chosen but not pressed: whoever
    meant tomorrow must not send now."""
    snooze = _moment(form, "snooze", "snooze_at")
    send_at = _moment(form, "send_at", "send_at_time")
    private = form.get("visibility") == Visibility.PRIVATE
    return Ways(
        close_after=bool(form.get("close_after")),
        snooze_until=snooze,
        send_at=send_at,
        split=bool(form.get("split")),
        numbered=bool(form.get("numbered")),
        # A private answer stays with the channel that was written to, whatever is chosen for public ones.
        channel_id=None if private else whole_number(form.get("channel", "")),
    )


def _moment(form: QueryDict, button: str, field: str) -> datetime | None:
    pressed = form.get(button, "")
    if pressed == TYPED:
        return moment_of(form.get(field, ""))
    if form.get(field):
        raise Invalid(
            _("A time is chosen under “More ways to send”, so nothing was sent. Use it there, or empty it.")
        )
    return snooze_until(pressed) if pressed else None
