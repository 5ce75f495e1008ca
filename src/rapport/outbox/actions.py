"""Answering a customer: a reply is a row first, and its delivery is asked for in the same transaction.

Nothing here calls a network. All of these raise :class:`~rapport.lib.errors.NotFound` or
:class:`~rapport.lib.errors.NotAllowed` by who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.models import Channel
from rapport.inbox.access import access_case
from rapport.inbox.actions import assign_case
from rapport.inbox.actions.change import bump, check_version, lock_case
from rapport.inbox.actions.follow import begin_following
from rapport.inbox.models import Case, Message, Visibility
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.live import notify_desk
from rapport.lib.text import storable
from rapport.media.actions import NewFile, keep
from rapport.outbox import checks
from rapport.outbox.checks import NewMedia
from rapport.outbox.defer import defer_delivery
from rapport.outbox.drafts import draft_sent
from rapport.outbox.models import DraftField, Outgoing, OutgoingFile, OutgoingState
from rapport.outbox.outcome import heard_at
from rapport.outbox.recipient import recipient_of_reply
from rapport.staff.access import require, require_answer_from
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
    expected_version: int | None = None,
    files: Sequence[NewMedia] = (),
    draft_revision: int | None = None,
) -> Outgoing:
    """Queue an answer to the case's contact, signed as the channel wants it.

    It answers the message given, else the contact's newest one that can be answered that way. It
    leaves after ``RAPPORT_UNDO_SECONDS``, until when it can be undone. The same author and
    ``form_key`` give the same row, whatever else is given: a double submit is one reply. The case's
    version grows, so that two colleagues who looked at the same words do not both answer them; a
    case that nobody works on becomes the author's; a closed one stays closed. In a merged case the
    reply goes to the case that took it in. Its draft is done with; ``draft_revision`` is what its
    form knew of it.

    Raises Conflict when somebody changed the case since ``expected_version``, and Invalid with what
    to change: nothing written, too long (by how much), not possible on this network.
    """
    seen = access_case(user=actor, case_id=case_id, permission=Permission.REPLY)
    try:
        with transaction.atomic():
            case = lock_case(case_id=case_id, follow_merge=True)
            # Looked up under the case's lock: of two submits of a form, the second finds the first's row.
            before = Outgoing.objects.filter(author=actor, form_key=form_key).first()
            if before is not None:
                return before
            if case.id == seen.id:
                check_version(case=case, expected=expected_version)
            outgoing = _queue(
                actor=actor,
                case=case,
                text=text,
                visibility=visibility,
                in_reply_to_id=in_reply_to_id,
                form_key=form_key,
                close_after=close_after,
                files=files,
            )
            draft_sent(
                user=actor, case_id=case.id, field=DraftField.REPLY, text=text, revision=draft_revision
            )
            bump(case=case, fields={})
            begin_following(user_ids=[actor.id], case_id=case.id)
            if case.assignee_id is None and not actor.is_bot:
                assign_case(actor=actor, case_id=case.id, assignee_id=actor.id)
            return outgoing
    except IntegrityError:
        # The same form was submitted for another case at the same moment; its row is committed now.
        before = Outgoing.objects.filter(author=actor, form_key=form_key).first()
        if before is None:
            raise
        return before


def _queue(
    *,
    actor: User,
    case: Case,
    text: str,
    visibility: str,
    in_reply_to_id: int | None,
    form_key: UUID,
    close_after: bool,
    files: Sequence[NewMedia],
) -> Outgoing:
    parent = answered(case=case, message_id=in_reply_to_id, visibility=visibility)
    channel = Channel.objects.defer("credentials").get(id=parent.channel_id)
    require_answer_from(actor, channel)
    checks.check_connected(channel)
    way = checks.check_visibility(channel=channel, visibility=visibility, parent=parent)
    words = checks.signed(
        text=checks.clean_text(text), signature=checks.signature(channel=channel, author=actor)
    )
    recipient = recipient_of_reply(parent=parent, thread=parent.thread, contact_id=case.contact_id)
    checks.check_length(channel=channel, text=words, visibility=way, recipient=recipient)
    checks.check_media(channel=channel, visibility=way, files=files)
    if way == Visibility.PRIVATE and parent.visibility == Visibility.PRIVATE:
        checks.check_window(
            channel=channel,
            heard_at=heard_at(case_id=case.id, thread_id=parent.thread_id),
            now=timezone.now(),
            by_person=not actor.is_bot,
        )
    outgoing = Outgoing.objects.create(
        brand_id=case.brand_id,
        channel=channel,
        case=case,
        thread_id=parent.thread_id,
        in_reply_to=parent,
        author=actor,
        visibility=way,
        text=words,
        form_key=form_key,
        not_before=timezone.now() + timedelta(seconds=settings.RAPPORT_UNDO_SECONDS),
        close_after=close_after,
    )
    _attach(outgoing, files)
    defer_delivery(outgoing_id=outgoing.id, not_before=outgoing.not_before)
    tell(action="outgoing.queued", actor=actor, outgoing=outgoing)
    return outgoing


def _attach(outgoing: Outgoing, files: Sequence[NewMedia]) -> None:
    ids = keep(brand_id=outgoing.brand_id, files=[NewFile(one.name, one.content) for one in files])
    OutgoingFile.objects.bulk_create(
        OutgoingFile(outgoing=outgoing, position=number, file_id=file_id, alt=storable(file.alt))
        for number, (file_id, file) in enumerate(zip(ids, files, strict=True))
    )


def answered(*, case: Case, message_id: int | None, visibility: str) -> Message:
    """The message a reply answers: the one given if it may be answered so, else the contact's newest.

    Raises Invalid when there is none.
    """
    in_case = Message.objects.filter(thread__case_threads__case_id=case.id).select_related(
        "identity", "thread"
    )
    if message_id is None:
        found = in_case.filter(identity__contact_id=case.contact_id, from_brand=False)
        if visibility == Visibility.PUBLIC:
            found = found.filter(visibility=Visibility.PUBLIC, deleted_at=None)
        newest = found.order_by("-sent_at", "-id").first()
        if newest is None:
            raise Invalid(_("There is nothing of this customer left that can be answered like that."))
        return newest
    message = in_case.filter(id=message_id).first()
    if message is None:
        raise Invalid(_("That message does not belong to this case."))
    of_contact = not message.from_brand and message.identity.contact_id == case.contact_id
    if not (of_contact or (message.own and visibility == Visibility.PUBLIC)):
        raise Invalid(_("That message is not this customer's. Answer one of theirs."))
    if visibility == Visibility.PUBLIC and message.deleted_at is not None:
        raise Invalid(_("That message was deleted, so it cannot be answered publicly."))
    return message


def undo_reply(*, actor: User, outgoing_id: int) -> Outgoing:
    """Take a reply back before it leaves; its ``text`` can go back into the composer.

    Raises Conflict when a worker has it already, or an earlier try may have been carried out. What was
    taken back already is returned as it is.
    """
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    with transaction.atomic():
        undone = Outgoing.objects.filter(id=outgoing.id, state=OutgoingState.QUEUED, doubtful=False).update(
            state=OutgoingState.CANCELLED, error=""
        )
        outgoing.refresh_from_db()
        if undone:
            tell(action="outgoing.undone", actor=actor, outgoing=outgoing)
        elif outgoing.state != OutgoingState.CANCELLED:
            raise Conflict(_("Too late to undo: it is on its way or already there."))
    return outgoing


def retry_reply(*, actor: User, outgoing_id: int) -> Outgoing:
    """Try a failed reply anew, at once. A second call finds it on its way and changes nothing.

    Raises Conflict for a reply that did not fail. Whether an earlier try may have been carried out is
    remembered, so that the network is asked first.
    """
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    with transaction.atomic():
        now = timezone.now()
        again = Outgoing.objects.filter(id=outgoing.id, state=OutgoingState.FAILED).update(
            state=OutgoingState.QUEUED, not_before=now, attempts=0, error="", lease_until=None
        )
        outgoing.refresh_from_db()
        if again:
            defer_delivery(outgoing_id=outgoing.id, not_before=now)
            tell(action="outgoing.retried", actor=actor, outgoing=outgoing)
        elif outgoing.state in (OutgoingState.SENT, OutgoingState.CANCELLED):
            raise Conflict(_("Only a reply that could not be delivered can be tried again."))
    return outgoing


def access_outgoing(*, user: User, outgoing_id: int) -> Outgoing:
    """What waits or failed, for somebody who may answer from its channel. Raises NotFound, NotAllowed."""
    waiting = Outgoing.objects.select_related("channel").defer("channel__credentials")
    outgoing = waiting.filter(id=outgoing_id).first()
    if outgoing is None:
        raise NotFound(_("There is no such reply, or you may not see it."))
    require(user, outgoing.brand_id, Permission.REPLY)
    require_answer_from(user, outgoing.channel)
    return outgoing


def tell(*, action: str, actor: User, outgoing: Outgoing) -> None:
    """Write ``action`` into the audit log and wake the screens that show the case."""
    record(
        action=action,
        actor_id=actor.id,
        brand_id=outgoing.brand_id,
        object_type="outgoing",
        object_id=outgoing.id,
        data={"case": outgoing.case_id, "visibility": outgoing.visibility},
    )
    notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])
