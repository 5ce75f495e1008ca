"""Alerts about more, or angrier, talk than is normal for that hour. Read in by ``models.py``."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class AlertSetting(models.Model):
    """How much it takes until a brand is alerted. No row: the defaults."""

    brand = models.OneToOneField("brands.Brand", on_delete=models.CASCADE, related_name="alert_setting")
    on = models.BooleanField(default=True)
    false_per_week = models.FloatField(
        default=0.2, help_text="Alerts by chance alone that are put up with, per query."
    )
    least = models.PositiveIntegerField(default=5, help_text="Fewer mentions in the window never alert.")
    muted_until = models.DateTimeField(null=True)
    webhook_url = models.CharField(max_length=1000, blank=True)
    emails = models.BooleanField(default=True)
    country = models.CharField(
        max_length=2, blank=True, default="", help_text="ISO 3166: its public holidays are like Sundays."
    )
    replayed = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="How many alerts each choice would have made: {at, least, alerts: {choice: n}}.",
    )

    def __str__(self) -> str:
        return f"alerts of brand {self.brand_id}"


class KeptCounts(models.Model):
    """A query's counts of five minutes before ``until``, so that a look reads the newest hours' mentions alone.

    ``buckets``: numbers of five minutes since 1970, ascending, of those with any; ``counts``: how many, in that order.
    """

    query = models.OneToOneField("mentions.Query", on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()
    kept_at = models.DateTimeField(help_text="When they were counted; they are counted anew every six hours.")
    buckets = ArrayField(models.IntegerField(), default=list)
    counts = ArrayField(models.IntegerField(), default=list)

    def __str__(self) -> str:
        return f"counts of query {self.query_id}"


class AlertVerdict(models.TextChoices):
    RIGHT = "right", _("It was right")
    NOISE = "noise", _("It was noise")


class Alert(models.Model):
    """One event, from when it began until it is over: alerted once, however long it lasts."""

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="alerts", db_index=False)
    query = models.ForeignKey("mentions.Query", null=True, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=8, default="volume", help_text="volume or mood")
    began_at = models.DateTimeField(help_text="The beginning of what is unusual, by the network's clock.")
    found_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    seen = models.PositiveIntegerField(help_text="Mentions so far.")
    expected = models.FloatField(help_text="What is normal for these hours.")
    # {"languages", "posts", "authors", "links", "terms", "hours"}: as of the newest look.
    about = models.JSONField(default=dict)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    acknowledged_at = models.DateTimeField(null=True)
    muted_until = models.DateTimeField(null=True)
    incident = models.CharField(max_length=1000, blank=True, help_text="A link to where it is dealt with.")
    verdict = models.CharField(max_length=8, choices=AlertVerdict, blank=True)
    verdict_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    told = models.JSONField(default=dict, help_text="How it was told: {way: time}.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "query", "kind"],
                condition=Q(ended_at__isnull=True),
                name="alert_once_per_event",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["brand", "-began_at", "-id"], name="alert_list")]

    def __str__(self) -> str:
        return f"alert {self.id}"
