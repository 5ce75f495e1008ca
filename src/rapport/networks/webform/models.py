"""How often somebody has sent a form lately: the only thing it keeps beside what was sent."""

from __future__ import annotations

from django.db import models


class Tries(models.Model):
    """Submissions counted in one window of time. ``sender``: a keyed hash of the address, "" for all of
    the channel's. Rows are deleted when they are a day old."""

    channel_id = models.BigIntegerField()
    sender = models.CharField(max_length=64)
    began_at = models.DateTimeField()
    used = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel_id", "sender"], name="webform_tries_once")]
        indexes = [models.Index(fields=["began_at"], name="webform_tries_old")]

    def __str__(self) -> str:
        return f"{self.used} tries on channel {self.channel_id}"
