"""What was scheduled: sent now, sent all the same, or changed.

All of these raise :class:`~rapport.lib.errors.NotFound` or :class:`~rapport.lib.errors.NotAllowed` by who asks, and
:class:`~rapport.lib.errors.Conflict` for what has left, or was taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox.models import Visibility
from rapport.lib.errors import Conflict, Invalid
from rapport.outbox import checks
from rapport.outbox.composing import check_times, newest_message
from rapport.outbox.defer import defer_delivery
from rapport.outbox.models import Outgoing, OutgoingState
from rapport.outbox.outcome import heard_at
from rapport.outbox.recipient import recipient_of_reply
from rapport.outbox.telling import access_outgoing, posts_of, tell
from rapport.staff.models import User

_WAITS = (OutgoingState.QUEUED, OutgoingState.HELD)


def send_now(*, actor: User, outgoing_id: int) -> Outgoing:
    """Let a scheduled reply leave as if it had just been written: it can be undone for a moment."""
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    leaves = timezone.now() + timedelta(seconds=settings.RAPPORT_UNDO_SECONDS)
    return _change(outgoing, actor, "outgoing.sent_early", leaves, {"scheduled_for": None})


def send_anyway(*, actor: User, outgoing_id: int) -> Outgoing:
    """Let a scheduled reply leave at its time, whatever the customer has written up to now. When that time is
    over, it leaves at once."""
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    if outgoing.scheduled_for is None:
        raise Conflict(_("This reply is not scheduled any more."))
    soon = timezone.now() + timedelta(seconds=settings.RAPPORT_UNDO_SECONDS)
    return _change(outgoing, actor, "outgoing.confirmed", max(outgoing.scheduled_for, soon), {})


def reschedule(*, actor: User, outgoing_id: int, send_at: datetime, text: str | None = None) -> Outgoing:
    """Give a scheduled reply another time, and its author's other words. Raises Invalid with what to change.

    Whoever changes it has seen what the customer wrote up to now. A text in several posts keeps its words: take
    it back to write others.
    """
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    last = posts_of(outgoing).reverse().first() or outgoing
    leaves = check_times(send_at, last.snooze_until, now=timezone.now())
    words = {} if text is None else _other_words(outgoing, actor, text)
    return _change(outgoing, actor, "outgoing.rescheduled", leaves, {"scheduled_for": send_at}, words)


def _other_words(outgoing: Outgoing, actor: User, text: str) -> dict[str, Any]:
    typed = checks.clean_text(text)
    if typed == outgoing.typed:
        return {}
    if outgoing.author_id != actor.id:
        raise Invalid(_("Only the author can change the words, which leave under their name."))
    if outgoing.parts > 1:
        raise Invalid(_("This goes out in several posts. Take it back to change its words."))
    signature = checks.signature(channel=outgoing.channel, author=outgoing.author)
    signed = checks.signed(text=typed, signature=signature)
    parent = outgoing.in_reply_to
    recipient = recipient_of_reply(parent=parent, thread=outgoing.thread, contact_id=outgoing.case.contact_id)
    way = Visibility(outgoing.visibility)
    checks.check_length(channel=outgoing.channel, text=signed, visibility=way, recipient=recipient)
    return {"typed": typed, "text": signed}


@transaction.atomic
def _change(
    outgoing: Outgoing,
    actor: User,
    action: str,
    leaves: datetime,
    fields: Mapping[str, Any],
    words: Mapping[str, Any] | None = None,
) -> Outgoing:
    """All its posts get the ``fields``, and leave from then on; the first gets the ``words``. Nobody else has it."""
    if outgoing.scheduled_for is None or outgoing.lead_id is not None:
        raise Conflict(_("This reply is not scheduled any more."))
    checks.check_connected(outgoing.channel)
    _check_window(outgoing, leaves)
    changed = Outgoing.objects.filter(
        id=outgoing.id, state__in=_WAITS, doubtful=False, scheduled_for=outgoing.scheduled_for
    ).update(
        state=OutgoingState.QUEUED,
        not_before=leaves,
        error="",
        known_message=newest_message(outgoing.case_id),
        **fields,
        **(words or {}),
    )
    if not changed:
        raise Conflict(_("It has left, was taken back, or somebody changed it in the meantime."))
    outgoing.followers.update(not_before=leaves, **fields)
    outgoing.refresh_from_db()
    defer_delivery(outgoing_id=outgoing.id, not_before=leaves)
    tell(action=action, actor=actor, outgoing=outgoing)
    return outgoing


def _check_window(outgoing: Outgoing, leaves: datetime) -> None:
    parent = outgoing.in_reply_to
    if outgoing.visibility != Visibility.PRIVATE or parent is None or parent.visibility != Visibility.PRIVATE:
        return
    checks.check_window(
        windows=checks.connector_of(outgoing.channel).rules.windows,
        heard_at=heard_at(case_id=outgoing.case_id, thread_id=parent.thread_id),
        now=leaves,
        by_person=not outgoing.author.is_bot,
    )
