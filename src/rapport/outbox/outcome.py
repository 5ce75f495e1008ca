"""Recording that a reply was posted: the message, its place in the case, the clock that stops."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from rapport.audit.actions import record
from rapport.brands.models import Channel
from rapport.inbox.actions import close_case, snooze_case
from rapport.inbox.models import Case, CaseEvent, CaseEventKind, CloseReason, Message, Thread
from rapport.ingest.clean import clean
from rapport.ingest.record import lock_channel, record_events
from rapport.lib.errors import ActionError
from rapport.lib.live import notify_desk
from rapport.media.actions import kind_of
from rapport.networks.base import (
    Author,
    Event,
    Media,
    MessageDeleted,
    MessageSeen,
    OutgoingMedia,
    OutgoingMessage,
    Sent,
    Visibility,
)
from rapport.outbox.models import Outgoing, OutgoingState
from rapport.outbox.recipient import recipient_of_reply

log = logging.getLogger(__name__)


def outgoing_message(outgoing: Outgoing) -> OutgoingMessage:
    """What the connector sends. The same for every try."""
    parent = outgoing.in_reply_to
    # Where the network has no reply links, the conversation is named by its key and the person in it.
    thread = Thread.objects.get(id=parent.thread_id if parent is not None else outgoing.thread_id)
    thread = thread.merged_into or thread
    said = thread.messages.order_by("-sent_at", "-id")
    key = parent.thread_key if parent is not None else None
    if key is None and outgoing.visibility == "private":
        key = said.filter(thread_key__isnull=False).values_list("thread_key", flat=True).first()
    recipient = recipient_of_reply(parent=parent, thread=thread, contact_id=outgoing.case.contact_id)
    return OutgoingMessage(
        idempotency_key=str(outgoing.idempotency_key),
        text=outgoing.text,
        visibility=_visibility(outgoing.visibility),
        parent_id=parent.external_id if parent is not None else None,
        parent_visibility=_visibility(parent.visibility) if parent is not None else None,
        parent_url=parent.url if parent is not None else "",
        parent_facts=parent.facts if parent is not None else {},
        root_id=thread.messages.order_by("sent_at", "id").values_list("external_id", flat=True).first(),
        recipient_id=recipient.external_id if recipient is not None else None,
        recipient_handle=recipient.handle if recipient is not None else "",
        thread_key=key,
        media=_media(outgoing),
        lang=outgoing.case.lang,
        heard_at=heard_at(case_id=outgoing.case_id, thread_id=thread.id),
        by_person=not outgoing.author.is_bot,
        created_at=outgoing.created_at,
    )


def _media(outgoing: Outgoing) -> tuple[OutgoingMedia, ...]:
    return tuple(
        OutgoingMedia(
            name=one.file.name,
            content_type=one.file.content_type,
            kind=kind_of(one.file.content_type),
            content=bytes(one.file.content),
            alt=one.alt,
        )
        for one in outgoing.files.select_related("file")
    )


def heard_at(*, case_id: int, thread_id: int) -> datetime | None:
    """When the case's contact last wrote privately in a thread: where a reply window begins."""
    written = Message.objects.filter(
        thread_id=thread_id,
        visibility="private",
        from_brand=False,
        automatic=False,
        identity__contact__cases__id=case_id,
    )
    return written.order_by("-sent_at").values_list("sent_at", flat=True).first()


def record_sent(*, outgoing_id: int, channel: Channel, message: OutgoingMessage, sent: Sent) -> None:
    """Record the post, once. It may have been heard of before: an echo can overtake the answer.

    That a reply was posted is a fact whoever holds its lease, so a late worker's result counts too. What another
    channel of the brand said is recorded where the customer wrote: it is one conversation.
    """
    now = timezone.now()
    home = _home(outgoing_id, channel)
    with transaction.atomic():
        lock_channel(home.id)
        outgoing = (
            Outgoing.objects.select_for_update(of=("self",)).select_related("author").get(id=outgoing_id)
        )
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
                thread_key=sent.thread_key or message.thread_key,
                url=sent.url,
                media=tuple(
                    Media(
                        kind=one.kind,
                        alt=one.alt,
                        name=one.name,
                        content_type=one.content_type,
                        content=one.content,
                    )
                    for one in message.media
                ),
                automatic=outgoing.author.is_bot,
                client_ref=message.idempotency_key,
            ),
            received_at=now,
        )
        ids = record_events(
            channel=home,
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
        # What goes on from this post answers it.
        Outgoing.objects.filter(follows_id=outgoing.id).update(in_reply_to_id=outgoing.message_id)
        if outgoing.close_after:
            _close(outgoing)
        elif outgoing.snooze_until is not None:
            _snooze(outgoing, outgoing.snooze_until)
        notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])


def _home(outgoing_id: int, channel: Channel) -> Channel:
    """The channel whose conversation it is; ``channel``, which spoke, for most."""
    threads = Channel.objects.defer("credentials").filter(
        id__in=Outgoing.objects.filter(id=outgoing_id).values("thread__channel_id")
    )
    return threads.exclude(id=channel.id).first() or channel


def record_change(*, outgoing_id: int, channel: Channel, sent: Sent | None) -> None:
    """Record that a message of ours was edited (``sent``) or deleted (None) on the network, once."""
    now = timezone.now()
    home = _home(outgoing_id, channel)
    with transaction.atomic():
        lock_channel(home.id)
        outgoing = (
            Outgoing.objects.select_for_update(of=("self",)).select_related("target").get(id=outgoing_id)
        )
        target = outgoing.target
        if outgoing.state == OutgoingState.SENT or target is None:
            return
        changes: list[Event] = []
        if sent is not None:
            changes.append(
                clean(
                    MessageSeen(
                        external_id=sent.external_id,
                        author=Author(
                            external_id=channel.external_id, handle=channel.handle, name=channel.name
                        ),
                        text=outgoing.text,
                        sent_at=target.sent_at,
                        visibility=_visibility(target.visibility),
                        parent_id=target.parent_external_id,
                        thread_key=target.thread_key,
                        url=sent.url or target.url,
                        lang=target.lang,
                        edited_at=max(sent.sent_at, target.sent_at),
                        facts=target.facts,
                    ),
                    received_at=now,
                )
            )
        if sent is None or sent.external_id != target.external_id:
            changes.append(MessageDeleted(external_id=target.external_id, deleted_at=now))
        record_events(
            channel=home,
            events=[(one, now) for one in changes],
            written_by={sent.external_id: outgoing.author_id} if sent is not None else {},
        )
        if sent is not None:
            # Its files stay as they were: an edit changes the words.
            Message.objects.filter(channel=home, external_id=sent.external_id).update(media=target.media)
        outgoing.refresh_from_db(fields=["case"])
        outgoing.state = OutgoingState.SENT
        outgoing.sent_at = now
        outgoing.lease_until = None
        outgoing.doubtful = False
        outgoing.error = ""
        outgoing.save(update_fields=["state", "sent_at", "lease_until", "doubtful", "error"])
        record(
            action="outgoing.edited" if sent is not None else "outgoing.deleted",
            actor_id=outgoing.author_id,
            brand_id=outgoing.brand_id,
            object_type="outgoing",
            object_id=outgoing.id,
            data={"case": outgoing.case_id, "message": target.id},
        )
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


def _snooze(outgoing: Outgoing, until: datetime) -> None:
    """Put the case away as asked, unless the customer has written again since: then somebody waits."""
    if Case.objects.filter(id=outgoing.case_id, waiting_since__isnull=False).exists():
        return
    try:
        with transaction.atomic():
            snooze_case(actor=outgoing.author, case_id=outgoing.case_id, until=until)
    except ActionError as error:
        # The time is over by now, the case is closed, rights were withdrawn: the reply is out all the same.
        log.info("case %s stays as it is after reply %s: %s", outgoing.case_id, outgoing.id, error)


def _visibility(value: str) -> Visibility:
    return "private" if value == "private" else "public"
