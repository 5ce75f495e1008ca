"""Words that somebody writes and has not sent. Read in by ``outbox/models.py``, where Django looks for them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DraftField(models.TextChoices):
    REPLY = "reply", _("Reply")
    NOTE = "note", _("Note")


class Draft(models.Model):
    """What one person writes in one field of a case, on whichever device.

    ``revision``: grows with every change, so that a device that goes on from older words is noticed; it is in
    microseconds since 1970 by our clock, never the same twice. ``typed_at``: when a key was last pressed.
    ``sent``: the words that left this field last, until ``sent_at``'s day is over.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    case = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="+")
    field = models.CharField(max_length=10, choices=DraftField)
    text = models.TextField(blank=True, default="")
    revision = models.BigIntegerField(default=0)
    typed_at = models.DateTimeField()
    sent = models.TextField(blank=True, default="")
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "case", "field"], name="draft_once")]

    def __str__(self) -> str:
        return f"{self.field} of user {self.user_id} in case {self.case_id}"


class DraftAside(models.Model):
    """Words that newer ones from another tab or device took the place of: kept, and offered.

    ``dropped_at``: thrown away, and for a day still to be had back.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    case = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="+", db_index=False)
    field = models.CharField(max_length=10, choices=DraftField)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["case", "user"], name="draft_aside_of_case")]

    def __str__(self) -> str:
        return f"aside {self.pk} of user {self.user_id} in case {self.case_id}"
