"""Streams that are listened to without a channel of ours, and what was heard of each. Read in by ``models.py``."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rapport.lib.crypto import EncryptedJSONField


class SourceState(models.TextChoices):
    ACTIVE = "active", _("Listening")
    PAUSED = "paused", _("Paused")


class Source(models.Model):
    """One public stream: a Jetstream, a server's public timeline, a feed. All queries of all brands hear it.

    ``kind`` is a key of ``sources.SOURCES``. The cursor is saved in the transaction that stores what it stands for.
    """

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    options = models.JSONField(default=dict, help_text="As the kind's form asks: address, tags …")
    secrets = EncryptedJSONField(null=True)
    state = models.CharField(max_length=8, choices=SourceState, default=SourceState.ACTIVE)
    cursor = models.JSONField(default=dict, db_default={}, blank=True)
    left_out = models.JSONField(
        default=list, db_default=[], blank=True, help_text="Sentences: what is not listened to, and why."
    )
    lease_until = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, db_default=0)
    last_heard_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Denominator(models.Model):
    """How many posts were heard in five minutes of a source, in a language: what a share is a share of.

    ``source_key``: "source:7", or "channels" for what channels of ours heard. By the network's clock.
    After a month the rows of an hour become one (``counters.py``).
    """

    source_key = models.CharField(max_length=40)
    at = models.DateTimeField(help_text="The beginning of the five minutes, UTC.")
    lang = models.CharField(max_length=16, blank=True)
    heard = models.PositiveBigIntegerField(default=0)
    matched = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source_key", "at", "lang"], name="heard_once_per_time")
        ]
        # A share is asked for a time, of all sources.
        indexes = [models.Index(fields=["at"], name="heard_at")]

    def __str__(self) -> str:
        return f"{self.source_key} {self.at:%F %R}"
