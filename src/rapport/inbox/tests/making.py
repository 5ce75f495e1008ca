"""A small world for tests of the desk: brands, colleagues, customers, and what they say."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from django.db import transaction

from rapport.brands.models import Brand, Channel, SignatureStyle
from rapport.contacts.models import Contact, Identity
from rapport.inbox import cases
from rapport.inbox.models import Case, Message, Thread
from rapport.staff.models import Membership, Role, User

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def make_brand(slug: str = "aero") -> Brand:
    return Brand.objects.create(slug=slug, name=slug.title())


def make_channel(
    brand: Brand, network: str = "somewhere", signature: str = SignatureStyle.INITIALS
) -> Channel:
    number = next(_numbers)
    return Channel.objects.create(
        brand=brand,
        network=network,
        external_id=f"account-{number}",
        handle=f"@{brand.slug}",
        signature=signature,
        credentials={"token": "secret"},
    )


def make_user(name: str = "Mara Kovač", *, brand: Brand | None = None, role: str = Role.AGENT) -> User:
    number = next(_numbers)
    initials = "".join(word[0] for word in name.split())
    user = User(email=f"user{number}@example.com", name=name, initials=initials)
    user.save()
    if brand is not None:
        Membership.objects.create(user=user, brand=brand, role=role)
    return user


def make_contact(channel: Channel, name: str = "Ana", handle: str = "") -> Identity:
    number = next(_numbers)
    contact = Contact.objects.create(name=name)
    return Identity.objects.create(
        contact=contact,
        network=channel.network,
        external_id=f"person-{number}",
        handle=handle or f"@{name.lower()}{number}",
        name=name,
        seen_at=START,
    )


def say(
    channel: Channel,
    identity: Identity | None,
    text: str = "Where is my bag?",
    minutes: float = 0,
    *,
    to: Message | None = None,
    thread: Thread | None = None,
    visibility: str = "public",
    automatic: bool = False,
) -> Message:
    """A message by a contact, or by the brand when ``identity`` is None; its case follows."""
    if identity is None:
        identity, _new = Identity.objects.get_or_create(
            network=channel.network,
            external_id=channel.external_id,
            defaults={
                "contact": Contact.objects.create(name=channel.handle),
                "handle": channel.handle,
                "is_brand": True,
                "seen_at": START,
            },
        )
    own = identity.external_id == channel.external_id
    thread = thread or (to.thread if to else None)
    if thread is None:
        thread = Thread.objects.create(brand_id=channel.brand_id, channel=channel, visibility=visibility)
    message = Message.objects.create(
        brand_id=channel.brand_id,
        channel=channel,
        thread=thread,
        external_id=f"m{next(_numbers)}",
        parent_external_id=to.external_id if to else None,
        identity=identity,
        own=own,
        from_brand=own,
        automatic=automatic,
        visibility=visibility,
        text=text,
        sent_at=at(minutes),
    )
    with transaction.atomic():
        cases.follow(channel=channel, thread_ids=[thread.id], merged={}, new_message_ids=[message.id])
    return message


def case_of(message: Message) -> Case:
    """The case of the message's author in its thread."""
    return Case.objects.get(case_threads__thread_id=message.thread_id, contact_id=message.identity.contact_id)


def make_case(
    channel: Channel, name: str = "Ana", text: str = "Where is my bag?", minutes: float = 0
) -> Case:
    return case_of(say(channel, make_contact(channel, name), text, minutes))
