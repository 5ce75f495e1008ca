"""Changing what we said: editing and deleting a message of ours on its network.

Queued like a reply and carried out in the order of the case, so that it can be undone for a moment and
survives whatever happens to us or to the network.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.models import Channel
from rapport.inbox.access import access_case
from rapport.inbox.actions.change import bump, lock_case
from rapport.inbox.models import Message, Visibility
from rapport.lib.errors import Conflict, Invalid
from rapport.lib.live import notify_desk
from rapport.outbox import checks
from rapport.outbox.defer import defer_delivery
from rapport.outbox.models import Outgoing, OutgoingState, Verb
from rapport.outbox.recipient import recipient_of_own
from rapport.outbox.telling import access_outgoing, tell
from rapport.staff.access import require_answer_from
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def edit_message(*, actor: User, case_id: int, message_id: int, text: str, form_key: UUID) -> Outgoing:
    """Queue new words for a message of ours. Raises Invalid, Conflict, NotFound, NotAllowed.

    The text goes out as given: the signature is part of what is edited.
    """
    return _queue(
        actor=actor, case_id=case_id, message_id=message_id, verb=Verb.EDIT, text=text, form_key=form_key
    )


def delete_message(*, actor: User, case_id: int, message_id: int, form_key: UUID) -> Outgoing:
    """Queue the deletion of a message of ours. Raises Invalid, Conflict, NotFound, NotAllowed."""
    return _queue(
        actor=actor, case_id=case_id, message_id=message_id, verb=Verb.DELETE, text="", form_key=form_key
    )


def dismiss_change(*, actor: User, outgoing_id: int) -> Outgoing:
    """Let go of an edit or a deletion that could not be done: the message stays as it is on the network.

    A second call changes nothing. Raises Conflict for one that did not fail, and Invalid for a reply, which is
    tried again; NotFound and NotAllowed by who asks.
    """
    outgoing = access_outgoing(user=actor, outgoing_id=outgoing_id)
    if outgoing.verb == Verb.POST:
        raise Invalid(_("Only a change that could not be made can be let go of."))
    with transaction.atomic():
        dismissed = Outgoing.objects.filter(id=outgoing.id, state=OutgoingState.FAILED).update(
            state=OutgoingState.CANCELLED
        )
        outgoing.refresh_from_db(fields=["state"])
        if dismissed:
            tell(action="outgoing.dismissed", actor=actor, outgoing=outgoing)
        elif outgoing.state != OutgoingState.CANCELLED:
            raise Conflict(_("It is being tried again, or was done in the meantime."))
    return outgoing


def _speaker(target: Message) -> Channel:
    """The channel whose account wrote it: not always the one that the customer wrote to."""
    known = Channel.objects.defer("credentials").filter(brand_id=target.brand_id)
    wrote = known.filter(network=target.identity.network, external_id=target.identity.external_id)
    return wrote.first() or known.get(id=target.channel_id)


def _queue(*, actor: User, case_id: int, message_id: int, verb: Verb, text: str, form_key: UUID) -> Outgoing:
    seen = access_case(user=actor, case_id=case_id, permission=Permission.REPLY)
    with transaction.atomic():
        case = lock_case(case_id=seen.id, follow_merge=True)
        before = Outgoing.objects.filter(author=actor, form_key=form_key).first()
        if before is not None:
            return before
        in_case = Message.objects.filter(thread__case_threads__case_id=case.id)
        target = in_case.select_related("identity").filter(id=message_id).first()
        if target is None:
            raise Invalid(_("That message does not belong to this case."))
        if not target.own:
            raise Invalid(_("Only our own messages can be changed."))
        if target.deleted_at is not None:
            raise Invalid(_("That message was deleted already."))
        channel = _speaker(target)
        require_answer_from(actor, channel)
        checks.check_connected(channel)
        can = checks.connector_of(channel).rules
        if verb == Verb.EDIT:
            if not can.edit:
                raise Invalid(_("This network does not let us edit. Delete the message and answer again."))
            text = checks.clean_text(text)
            if text == target.text:
                raise Invalid(_("Nothing was changed."))
            checks.check_length(
                channel=channel,
                text=text,
                visibility=Visibility(target.visibility),
                recipient=recipient_of_own(target, contact_id=case.contact_id),
            )
        elif not can.delete:
            raise Invalid(_("This network does not let us delete messages."))
        waiting = Outgoing.objects.filter(
            target=target, state__in=[OutgoingState.QUEUED, OutgoingState.SENDING]
        )
        if waiting.exists():
            raise Conflict(_("A change of this message is on its way already."))
        outgoing = Outgoing.objects.create(
            brand_id=case.brand_id,
            channel=channel,
            case=case,
            thread_id=target.thread_id,
            author=actor,
            verb=verb,
            target=target,
            visibility=target.visibility,
            text=text,
            form_key=form_key,
            not_before=timezone.now() + timedelta(seconds=settings.RAPPORT_UNDO_SECONDS),
        )
        defer_delivery(outgoing_id=outgoing.id, not_before=outgoing.not_before)
        bump(case=case, fields={})
        record(
            action=f"outgoing.{verb}_queued",
            actor_id=actor.id,
            brand_id=case.brand_id,
            object_type="outgoing",
            object_id=outgoing.id,
            data={"case": case.id, "message": target.id},
        )
        notify_desk(brand_id=case.brand_id, case_ids=[case.id])
        return outgoing
