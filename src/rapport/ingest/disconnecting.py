"""What follows when a network no longer accepts a channel's credentials, whoever noticed."""

from __future__ import annotations

from django.db import transaction

from rapport.audit.actions import record
from rapport.brands import health
from rapport.brands.models import Channel


def disconnect(*, channel_id: int, reason: str) -> None:
    """No more calls until a person connects the channel again. Noted once, however many notice."""
    with transaction.atomic():
        if health.disconnected(channel_id=channel_id, reason=reason):
            brand_id = Channel.objects.values_list("brand_id", flat=True).get(id=channel_id)
            record(
                action="channel.disconnected",
                actor_id=None,
                brand_id=brand_id,
                object_type="channel",
                object_id=channel_id,
            )
