"""From what somebody wants to say to the rows that wait: checked by the network's rules, split if asked for.

Called by :mod:`rapport.outbox.actions`, which locks the case and owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid5

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox.actions.life import check_snooze
from rapport.inbox.models import Case, Message, Visibility
from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.media.actions import NewFile, keep
from rapport.outbox import checks, splitting
from rapport.outbox.checks import NewMedia
from rapport.outbox.defer import defer_delivery
from rapport.outbox.models import Outgoing, OutgoingFile
from rapport.outbox.outcome import heard_at
from rapport.outbox.recipient import recipient_of_reply
from rapport.outbox.splitting import Piece
from rapport.outbox.telling import tell
from rapport.outbox.voices import voice
from rapport.staff.access import require_answer_from
from rapport.staff.models import User

# More posts than these are no answer any more.
MOST_PARTS = 25
LONGEST_SCHEDULE = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants to send, as they said it.

    ``send_at``: not before that time; None for at once. ``snooze_until``: put the case away until then, once it is
    sent. ``split``: in as many posts as it takes, ``numbered`` 1/3, 2/3 …. ``channel_id``: another channel of the
    brand that speaks.
    """

    text: str
    visibility: str
    form_key: UUID
    in_reply_to_id: int | None = None
    close_after: bool = False
    snooze_until: datetime | None = None
    send_at: datetime | None = None
    split: bool = False
    numbered: bool = False
    channel_id: int | None = None
    files: Sequence[NewMedia] = ()


def queue(*, actor: User, case: Case, wish: Wish) -> Outgoing:
    """Make the rows, and ask for the delivery of the first. Raises Invalid with what to change."""
    now = timezone.now()
    parent = answered(case=case, message_id=wish.in_reply_to_id, visibility=wish.visibility)
    channel = voice(user=actor, parent=parent, visibility=wish.visibility, channel_id=wish.channel_id)
    require_answer_from(actor, channel)
    checks.check_connected(channel)
    way = checks.check_visibility(channel=channel, visibility=wish.visibility, parent=parent)
    leaves = check_times(wish.send_at, wish.snooze_until, now=now)
    recipient = recipient_of_reply(parent=parent, thread=parent.thread, contact_id=case.contact_id)
    signature = checks.signature(channel=channel, author=actor)
    text = checks.clean_text(wish.text)
    if wish.split:
        pieces = split(
            channel=channel,
            text=text,
            signature=signature,
            visibility=way,
            recipient=recipient,
            numbered=wish.numbered,
        )
    else:
        pieces = [Piece(text=checks.signed(text=text, signature=signature), typed=text)]
        checks.check_length(channel=channel, text=pieces[0].text, visibility=way, recipient=recipient)
    checks.check_media(channel=channel, visibility=way, files=wish.files)
    if way == Visibility.PRIVATE and parent.visibility == Visibility.PRIVATE:
        checks.check_window(
            windows=checks.connector_of(channel).rules.windows,
            heard_at=heard_at(case_id=case.id, thread_id=parent.thread_id),
            now=leaves,
            by_person=not actor.is_bot,
        )
    rows = Outgoing.objects.bulk_create(
        Outgoing(
            brand_id=case.brand_id,
            channel=channel,
            case=case,
            thread_id=parent.thread_id,
            in_reply_to=parent,
            author=actor,
            visibility=way,
            text=piece.text,
            typed=piece.typed,
            form_key=wish.form_key if number == 1 else uuid5(wish.form_key, str(number)),
            not_before=leaves,
            close_after=wish.close_after and number == len(pieces),
            snooze_until=wish.snooze_until if number == len(pieces) else None,
            scheduled_for=wish.send_at,
            known_message=newest_message(case.id) if wish.send_at and number == 1 else 0,
            part=number,
            parts=len(pieces),
        )
        for number, piece in enumerate(pieces, start=1)
    )
    for before, row in pairwise(rows):
        row.lead, row.follows = rows[0], before
    Outgoing.objects.bulk_update(rows[1:], ["lead", "follows"])
    _attach(rows[0], wish.files)
    defer_delivery(outgoing_id=rows[0].id, not_before=leaves)
    tell(action="outgoing.scheduled" if wish.send_at else "outgoing.queued", actor=actor, outgoing=rows[0])
    return rows[0]


def check_times(send_at: datetime | None, snooze_until: datetime | None, *, now: datetime) -> datetime:
    """When it leaves. Raises Invalid for times that are past, too far away, or in the wrong order."""
    leaves = now + timedelta(seconds=settings.RAPPORT_UNDO_SECONDS)
    if send_at is not None:
        if timezone.is_naive(send_at):
            raise Invalid(_("Say in which time zone that is."))
        if send_at <= now:
            raise Invalid(_("That time is over. Choose a later one."))
        if send_at > now + LONGEST_SCHEDULE:
            raise Invalid(_("Choose a time within a year."))
        leaves = max(leaves, send_at)
    if snooze_until is not None:
        check_snooze(snooze_until)
        if snooze_until <= leaves:
            raise Invalid(_("The case would be back before the reply has left. Choose a later time."))
    return leaves


def split(
    *,
    channel: Channel,
    text: str,
    signature: str,
    visibility: Visibility,
    recipient: Identity | None,
    numbered: bool = False,
) -> list[Piece]:
    """``text`` in posts that fit, the last one signed. Raises Invalid where that is not possible."""
    can = checks.connector_of(channel).rules
    if not can.threads or visibility != Visibility.PUBLIC:
        raise Invalid(_("A text cannot go out in several posts here. Make it shorter."))
    fits = checks.fits(channel=channel, visibility=visibility, recipient=recipient)
    try:
        pieces = splitting.split(
            checks.unsigned(text=text, signature=signature),
            fits=fits,
            last=lambda words: checks.signed(text=words, signature=signature),
            numbered=numbered,
        )
    except splitting.TooLongToCut as error:
        raise Invalid(
            _("“%(start)s…” is too long for one post and must not be cut. Shorten it.")
            % {"start": error.word[:40]}
        ) from error
    if len(pieces) > MOST_PARTS:
        raise Invalid(
            ngettext(
                "This would be %(count)d post; at most %(most)d go out in one thread. Make it shorter.",
                "This would be %(count)d posts; at most %(most)d go out in one thread. Make it shorter.",
                len(pieces),
            )
            % {"count": len(pieces), "most": MOST_PARTS}
        )
    return pieces


def newest_message(case_id: int) -> int:
    """The id of the newest message of a case, as it was recorded; 0 for none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(m.id), 0) FROM inbox_casethread ct "
            "JOIN inbox_message m ON m.thread_id = ct.thread_id WHERE ct.case_id = %s",
            [case_id],
        )
        found: int = cursor.fetchone()[0]
    return found


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
