"""For whom a message of ours is: the person whose name some networks put into it."""

from __future__ import annotations

from rapport.contacts.models import Identity
from rapport.inbox.models import Message, Thread, Visibility


def recipient_of_reply(*, parent: Message | None, thread: Thread, contact_id: int) -> Identity | None:
    """The person a reply goes to: who wrote ``parent``, or else the contact, as they last wrote in ``thread``."""
    if parent is not None and not parent.from_brand:
        return parent.identity
    written = thread.messages.filter(from_brand=False, identity__contact_id=contact_id)
    newest = written.select_related("identity").order_by("-sent_at", "-id").first()
    return newest.identity if newest is not None else None


def recipient_of_own(message: Message, *, contact_id: int) -> Identity | None:
    """The person whom a message of ours answered; nobody for a public one that goes on from our own words."""
    answered = Message.objects.filter(
        channel_id=message.channel_id, external_id=message.parent_external_id or ""
    )
    parent = answered.select_related("identity").first()
    if message.visibility == Visibility.PUBLIC and (parent is None or parent.from_brand):
        return None
    return recipient_of_reply(parent=parent, thread=message.thread, contact_id=contact_id)
