"""Answering a customer: a reply is a row first, and its delivery is asked for in the same transaction.

Nothing here calls a network. All of these raise :class:`~rapport.lib.errors.NotFound` or
:class:`~rapport.lib.errors.NotAllowed` by who asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox.access import access_case
from rapport.inbox.actions import assign_case
from rapport.inbox.actions.change import bump, check_version, lock_case
from rapport.inbox.actions.follow import begin_following
from rapport.inbox.models import Case
from rapport.inbox.together import stopped_answering
from rapport.lib.errors import Conflict
from rapport.outbox import checks
from rapport.outbox.checks import NewMedia
from rapport.outbox.composing import Wish, newest_message, queue
from rapport.outbox.defer import defer_delivery
from rapport.outbox.drafts import draft_sent
from rapport.outbox.models import DraftField, Outgoing, OutgoingState
from rapport.outbox.telling import access_outgoing, posts_of, tell
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def reply(
    *,
    actor: User,
    case_id: int,
    text: str,
    visibility: str,
    in_reply_to_id: int | None,
    form_key: UUID,
    close_after: bool = False,
    snooze_until: datetime | None = None,
    send_at: datetime | None = None,
    split: bool = False,
    numbered: bool = False,
    channel_id: int | None = None,
    expected_version: int | None = None,
    files: Sequence[NewMedia] = (),
    draft_revision: int | None = None,
    ask_first: Callable[[Case], None] | None = None,
) -> Outgoing:
    """Queue an answer to the case's contact, signed as the channel wants it.

    It answers the message given, else the contact's newest one that can be answered that way. It
    leaves after ``RAPPORT_UNDO_SECONDS``, until when it can be undone. The same author and
    ``form_key`` give the same row, whatever else is given: a double submit is one reply. The case's
    version grows, so that two colleagues who looked at the same words do not both answer them; a
    case that nobody works on becomes the author's; a closed one stays closed. In a merged case the
    reply goes to the case that took it in. Its draft is done with; ``draft_revision`` is what its
    form knew of it. The rest is as :class:`~rapport.outbox.composing.Wish` says; of several posts the
    first is returned.

    Raises Conflict when somebody changed the case since ``expected_version`` or when ``ask_first``, which gets
    the locked case, raises it (see ``outbox/together.py``), and Invalid with what to change: nothing written, too long (by how much), not possible on this network.
    """
    seen = access_case(user=actor, case_id=case_id, permission=Permission.REPLY)
    wish = Wish(
        text=text,
        visibility=visibility,
        form_key=form_key,
        in_reply_to_id=in_reply_to_id,
        close_after=close_after,
        snooze_until=snooze_until,
        send_at=send_at,
        split=split,
        numbered=numbered,
        channel_id=channel_id,
        files=files,
    )
    try:
        with transaction.atomic():
            case = lock_case(case_id=case_id, follow_merge=True)
            # Looked up under the case's lock: of two submits of a form, the second finds the first's row.
            before = Outgoing.objects.filter(author=actor, form_key=form_key).first()
            if before is not None:
                return before
            if case.id == seen.id:
                check_version(case=case, expected=expected_version)
                if ask_first is not None:
                    ask_first(case)
            outgoing = queue(actor=actor, case=case, wish=wish)
            draft_sent(
                user=actor, case_id=case.id, field=DraftField.REPLY, text=text, revision=draft_revision
            )
            bump(case=case, fields={})
            begin_following(user_ids=[actor.id], case_id=case.id)
            stopped_answering(user_id=actor.id, case_id=case.id)
            if case.assignee_id is None and not actor.is_bot:
                assign_case(actor=actor, case_id=case.id, assignee_id=actor.id)
            return outgoing
    except IntegrityError:
        # The same form was submitted for another case at the same moment; its row is committed now.
        before = Outgoing.objects.filter(author=actor, form_key=form_key).first()
        if before is None:
            raise
        return before


def undo_reply(*, actor: User, outgoing_id: int) -> Outgoing:
    """Take a reply back before it leaves; :func:`taken_back` says what goes back into the composer.

    Of a text in several posts all that have not left are taken back; the first of these is returned. Raises
    Conflict when a worker has it already, or an earlier try may have been carried out. What was taken back
    already is returned as it is.
    """
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    with transaction.atomic():
        rows = list(posts_of(outgoing).select_for_update(no_key=True))
        waiting = [row for row in rows if _can_be_taken_back(row)]
        stuck = any(row.state == OutgoingState.SENDING or row.doubtful for row in rows)
        if waiting and not stuck:
            Outgoing.objects.filter(id__in=[row.id for row in waiting]).update(
                state=OutgoingState.CANCELLED, error=""
            )
            tell(action="outgoing.undone", actor=actor, outgoing=waiting[0])
        else:
            waiting = [row for row in rows if row.state == OutgoingState.CANCELLED]
        if not waiting:
            raise Conflict(_("Too late to undo: it is on its way or already there."))
    return access_outgoing(user=actor, outgoing_id=waiting[0].id)


def _can_be_taken_back(row: Outgoing) -> bool:
    if row.state == OutgoingState.FAILED:
        # The posts behind it wait for it, and go back with it.
        return row.parts > 1
    return row.state in (OutgoingState.QUEUED, OutgoingState.HELD)


def said(outgoing: Outgoing) -> str:
    """What its author had typed, all posts together, without the signature."""
    typed = posts_of(outgoing).values_list("typed", flat=True)
    signature = checks.signature(channel=outgoing.channel, author=outgoing.author)
    return checks.unsigned(text="".join(typed) or outgoing.text, signature=signature)


def taken_back(outgoing: Outgoing) -> str:
    """What its author had typed of what was taken back, all posts together."""
    typed = posts_of(outgoing).filter(state=OutgoingState.CANCELLED).values_list("typed", flat=True)
    signature = checks.signature(channel=outgoing.channel, author=outgoing.author)
    # Rows from before this was kept have only what would have been sent.
    return "".join(typed).strip() or checks.unsigned(text=outgoing.text, signature=signature)


def retry_reply(*, actor: User, outgoing_id: int) -> Outgoing:
    """Try a failed reply anew, at once. A second call finds it on its way and changes nothing.

    Raises Conflict for a reply that did not fail. Whether an earlier try may have been carried out is
    remembered, so that the network is asked first.
    """
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    with transaction.atomic():
        now = timezone.now()
        again = Outgoing.objects.filter(id=outgoing.id, state=OutgoingState.FAILED).update(
            state=OutgoingState.QUEUED,
            not_before=now,
            attempts=0,
            error="",
            lease_until=None,
            # Whoever tries again has seen what the customer wrote.
            known_message=newest_message(outgoing.case_id) if outgoing.scheduled_for else 0,
        )
        outgoing.refresh_from_db()
        if again:
            defer_delivery(outgoing_id=outgoing.id, not_before=now)
            tell(action="outgoing.retried", actor=actor, outgoing=outgoing)
        elif outgoing.state in (OutgoingState.SENT, OutgoingState.CANCELLED):
            raise Conflict(_("Only a reply that could not be delivered can be tried again."))
    return outgoing
