"""How far people have read what was said to them. Read in by ``inbox/models.py``, where Django looks for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Receipt(models.Model):
    """Until when a person has read, or been given, what we said in a private conversation: one row for each
    conversation, person and kind, however many messages there are. ``at``: when they did.

    Receipts that name a message we do not know yet wait in rows of their own: ``message_external_id`` says
    which, and ``until`` is null.
    """

    class Kind(models.TextChoices):
        READ = "read", _("Read")
        DELIVERED = "delivered", _("Delivered")

    channel = models.ForeignKey("brands.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    thread_key = models.CharField(max_length=500)
    reader_external_id = models.CharField(max_length=500)
    kind = models.CharField(max_length=10, choices=Kind)
    message_external_id = models.CharField(max_length=500, blank=True, default="", db_default="")
    until = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "thread_key", "reader_external_id", "kind", "message_external_id"],
                name="receipt_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "message_external_id"],
                name="receipt_waiting",
                condition=~Q(message_external_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.thread_key} until {self.until}"
