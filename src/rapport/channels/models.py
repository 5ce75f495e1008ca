"""What is remembered while a channel is being connected, and secrets that are on their way out."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from rapport.lib.crypto import EncryptedJSONField


class PendingStage(models.TextChoices):
    """``away``: the admin's browser is at the network's own login. ``granted``: back, with several accounts
    to choose from. ``checked``: the account is known, its options are being chosen."""

    AWAY = "away"
    GRANTED = "granted"
    CHECKED = "checked"


class PendingChannel(models.Model):
    """A channel between its guide and its first poll. What is secret stays here, and never goes to a browser.

    ``data`` (encrypted): ``values`` (what was typed), ``keep`` (for the way back from the network's login),
    ``granted`` ([{label, credentials, settings}]), ``credentials``, ``settings``, ``profile``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session = models.CharField(max_length=64, help_text="Which session began it, as a digest.")
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=40)
    channel = models.ForeignKey(
        "brands.Channel",
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The channel that is connected again.",
    )
    stage = models.CharField(max_length=10, choices=PendingStage)
    data = EncryptedJSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.network} for brand {self.brand_id}"


class FormerSecret(models.Model):
    """A secret that was replaced, and until when the network may still use it."""

    channel = models.ForeignKey("brands.Channel", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60, help_text="Of the secret that replaced it.")
    until = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "name"], name="former_secret_once")]

    def __str__(self) -> str:
        return f"{self.name} of channel {self.channel_id}"
