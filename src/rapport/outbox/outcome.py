"""Recording that a reply was posted: the message, its place in the case, the clock that stops."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from rapport.audit.actions import record
from rapport.brands.models import Channel
from rapport.inbox.actions import close_case
from rapport.inbox.models import Case, CaseEvent, CaseEventKind, CloseReason, Thread
from rapport.ingest.clean import clean
from rapport.ingest.record import lock_channel, record_events
from rapport.lib.errors import ActionError
from rapport.lib.live import notify_desk
from rapport.networks.base import Author, MessageSeen, OutgoingMessage, Sent, Visibility
from rapport.outbox.models import Outgoing, OutgoingState

log = logging.getLogger(__name__)


def outgoing_message(outgoing: Outgoing) -> OutgoingMessage:
    """What the connector sends. The same for every try."""
    parent = outgoing.in_reply_to
    # Where the network has no reply links, the conversation is named by its key and the person in it.
    thread = Thread.objects.get(id=parent.thread_id if parent is not None else outgoing.thread_id)
    said = (thread.merged_into or thread).messages.order_by("-sent_at", "-id")
    key = parent.thread_key if parent is not None else None
    if key is None and outgoing.visibility == "private":
        key = said.filter(thread_key__isnull=False).values_list("thread_key", flat=True).first()
    if parent is not None and not parent.from_brand:
        recipient: str | None = parent.identity.external_id
    else:
        recipient = (
            said.filter(from_brand=False, identity__contact_id=outgoing.case.contact_id)
            .values_list("identity__external_id", flat=True)
            .first()
        )
    return OutgoingMessage(
        idempotency_key=str(outgoing.idempotency_key),
        text=outgoing.text,
        visibility=_visibility(outgoing),
        parent_id=parent.external_id if parent is not None else None,
        recipient_id=recipient,
        thread_key=key,
        created_at=outgoing.created_at,
    )


def record_sent(*, outgoing_id: int, channel: Channel, message: OutgoingMessage, sent: Sent) -> None:
    """Record the post, once. It may have been heard of before: an echo can overtake the answer.

    That a reply was posted is a fact whoever holds its lease, so a late worker's result counts too.
    """
    now = timezone.now()
    with transaction.atomic():
        lock_channel(channel.id)
        outgoing = Outgoing.objects.select_for_update().select_related("author").get(id=outgoing_id)
        if outgoing.state == OutgoingState.SENT:
            return
        seen = clean(
            MessageSeen(
                external_id=sent.external_id,
                author=Author(external_id=channel.external_id, handle=channel.handle, name=channel.name),
                text=outgoing.text,
                sent_at=sent.sent_at,
                visibility=message.visibility,
                parent_id=message.parent_id,
                thread_key=message.thread_key,
                url=sent.url,
                automatic=outgoing.author.is_bot,
                client_ref=message.idempotency_key,
            ),
            received_at=now,
        )
        ids = record_events(
            channel=channel,
            events=[(seen, now)],
            written_by={sent.external_id: outgoing.author_id},
        )
        # Recording may have joined two cases; the reply went along with its own.
        outgoing.refresh_from_db(fields=["case"])
        outgoing.message_id = ids[sent.external_id]
        outgoing.state = OutgoingState.SENT
        outgoing.sent_at = sent.sent_at
        outgoing.lease_until = None
        outgoing.doubtful = False
        outgoing.error = ""
        outgoing.save(update_fields=["message", "state", "sent_at", "lease_until", "doubtful", "error"])
        CaseEvent.objects.bulk_create(
            [
                CaseEvent(
                    case_id=outgoing.case_id,
                    brand_id=outgoing.brand_id,
                    kind=CaseEventKind.REPLIED,
                    at=sent.sent_at,
                    actor_id=outgoing.author_id,
                    message_id=outgoing.message_id,
                )
            ],
            ignore_conflicts=True,
        )
        record(
            action="outgoing.sent",
            actor_id=outgoing.author_id,
            brand_id=outgoing.brand_id,
            object_type="outgoing",
            object_id=outgoing.id,
            data={"case": outgoing.case_id, "message": outgoing.message_id},
        )
        if outgoing.close_after:
            _close(outgoing)
        notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])


def _close(outgoing: Outgoing) -> None:
    """Close as asked, unless the customer has written again since: then somebody waits."""
    waiting = Case.objects.filter(id=outgoing.case_id, waiting_since__isnull=False).exists()
    if waiting:
        return
    try:
        with transaction.atomic():
            close_case(actor=outgoing.author, case_id=outgoing.case_id, reason=CloseReason.ANSWERED)
    except ActionError as error:
        # The reply is out; that the case stays open (already closed, rights withdrawn) harms nobody.
        log.info("case %s stays as it is after reply %s: %s", outgoing.case_id, outgoing.id, error)


def _visibility(outgoing: Outgoing) -> Visibility:
    return "private" if outgoing.visibility == "private" else "public"
