"""New secrets for webhooks, without a gap: the one before stays good for a day."""

from __future__ import annotations

import secrets as random
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.models import Channel
from rapport.channels.access import access_channel
from rapport.channels.models import FormerSecret
from rapport.lib.crypto import Undecryptable
from rapport.lib.errors import Conflict, Invalid
from rapport.networks.registry import connector_class
from rapport.staff.models import User

OVERLAP = timedelta(hours=24)
# Made by whoever connects the channel and given to the network, by the names that connectors use.
OURS = ("webhook_secret", "verify_token")
# Made by the network, and what it signs its deliveries with.
THEIRS = ("app_secret", "consumer_secret", "signing_secret")


def make_secret() -> str:
    """A secret nobody can guess."""
    return random.token_urlsafe(32)


def rotatable(network: str) -> list[tuple[str, str]]:
    """Secrets of a network's webhooks that can be replaced: name and label."""
    cls = connector_class(network)
    if not cls.capabilities.webhook or cls.guide is None:
        return []
    return [
        (field.name, str(field.label))
        for field in cls.guide.fields
        if field.secret and field.name in (*OURS, *THEIRS)
    ]


def rotate_webhook_secret(
    *, actor: User | None, channel_id: int, name: str = "webhook_secret", secret: str = ""
) -> str:
    """Replace a secret by ``secret``, or by one that is made here; returns the new one, to be shown once.

    Deliveries signed with the one before are taken for another day. Raises Invalid for a name that is no
    webhook secret of the network's, or one that must come from the network and was not given.
    """
    channel = access_channel(user=actor, channel_id=channel_id)
    if name not in dict(rotatable(channel.network)):
        raise Invalid(_("That is no webhook secret of this network."))
    secret = secret.strip()
    if not secret and name not in OURS:
        raise Invalid(_("The network makes this secret. Paste the new one."))
    secret = secret or make_secret()
    with transaction.atomic():
        locked = Channel.objects.select_for_update(no_key=True).get(id=channel_id)
        if locked.credentials is None:
            raise Conflict(_("This channel is disconnected. Connect it again first."))
        if _is_renewed_now(locked):
            raise Conflict(_("Its credentials are being renewed at this moment. Try again in a minute."))
        kept = dict(locked.credentials)
        if kept.get(name):
            kept[f"{name}_previous"] = kept[name]
            FormerSecret.objects.update_or_create(
                channel_id=channel_id, name=name, defaults={"until": timezone.now() + OVERLAP}
            )
        kept[name] = secret
        locked.credentials = kept
        locked.save(update_fields=["credentials"])
        record(
            action="channel.secret_rotated",
            actor_id=actor.id if actor is not None else None,
            brand_id=channel.brand_id,
            object_type="channel",
            object_id=channel_id,
            data={"name": name},
        )
    return secret


def shown_secrets(*, actor: User, channel_id: int) -> dict[str, str]:
    """The secrets that are ours and must be pasted at the network, by name; {} when they cannot be read."""
    channel = access_channel(user=actor, channel_id=channel_id)
    try:
        kept = Channel.objects.only("id", "credentials").get(id=channel.id).credentials or {}
    except Undecryptable:
        return {}
    return {name: str(kept[name]) for name in OURS if kept.get(name)}


def forget_former_secrets() -> int:
    """End the overlap where its day is over; returns how many secrets were forgotten."""
    count = 0
    for due in FormerSecret.objects.filter(until__lte=timezone.now()).order_by("channel_id", "name"):
        with transaction.atomic():
            channel = Channel.objects.select_for_update(no_key=True).get(id=due.channel_id)
            if _is_renewed_now(channel):
                continue
            # It may have been rotated again while we waited for the row.
            if not FormerSecret.objects.filter(id=due.id, until__lte=timezone.now()).delete()[0]:
                continue
            if channel.credentials and channel.credentials.pop(f"{due.name}_previous", None):
                channel.save(update_fields=["credentials"])
                count += 1
    return count


def _is_renewed_now(channel: Channel) -> bool:
    """Whoever renews stores the outcome only over the credentials that were there: changing them now would
    lose a token that the network gives once."""
    return channel.renew_lease_until is not None and channel.renew_lease_until > timezone.now()
