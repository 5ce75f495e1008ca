"""What networks sent, stored before anything else looks at it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class RawState(models.TextChoices):
    """``parked``: could not be understood; kept with its error, shown to an operator, replayable.
    ``lookup``: the network told only that it is there; what it says is still to be asked for."""

    LOOKUP = "lookup", _("To be looked up")
    PENDING = "pending", _("Waiting")
    DONE = "done", _("Done")
    IGNORED = "ignored", _("Of no interest")
    PARKED = "parked", _("Parked")


class Via(models.TextChoices):
    """How an event came first."""

    POLL = "poll", _("Poll")
    WEBHOOK = "webhook", _("Webhook")
    STREAM = "stream", _("Stream")
    HISTORY = "history", _("History")
    IMPORT = "import", _("Import")


class RawEvent(models.Model):
    """One delivery from a network. The row is also its own place in the queue."""

    channel = models.ForeignKey("brands.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=60)
    dedupe_key = models.CharField(max_length=64)
    payload = models.JSONField()
    via = models.CharField(max_length=10, choices=Via, default=Via.POLL, db_default=Via.POLL)
    pushed = models.BooleanField(
        default=False, db_default=False, help_text="A webhook or stream brought it, first or later."
    )
    only_polled = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Polling found it although the channel's events are pushed, and no push brought it since.",
    )
    received_at = models.DateTimeField(db_default=Now())
    state = models.CharField(
        max_length=10, choices=RawState, default=RawState.PENDING, db_default=RawState.PENDING
    )
    error = models.TextField(blank=True, default="", db_default="")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # The dedupe: a network may deliver as often as it likes.
            models.UniqueConstraint(fields=["channel", "dedupe_key"], name="raw_event_once_per_channel"),
        ]
        indexes = [
            models.Index(fields=["channel", "id"], name="raw_event_pending", condition=Q(state="pending")),
            models.Index(fields=["channel", "id"], name="raw_event_parked", condition=Q(state="parked")),
            models.Index(fields=["channel", "id"], name="raw_event_lookup", condition=Q(state="lookup")),
            models.Index(
                fields=["channel", "received_at"],
                name="raw_event_only_polled",
                condition=Q(only_polled=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class StrayDelivery(models.Model):
    """Deliveries of a network on a day (UTC) that were genuine, for accounts that nobody connected here."""

    network = models.CharField(max_length=40)
    day = models.DateField()
    count = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "stray deliveries"
        constraints = [models.UniqueConstraint(fields=["network", "day"], name="stray_delivery_once")]

    def __str__(self) -> str:
        return f"{self.count} by {self.network} on {self.day}"
