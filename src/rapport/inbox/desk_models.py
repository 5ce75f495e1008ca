"""What people keep about their work at the desk: views they saved, mentions of them, what they did at once.

Read in by ``inbox/models.py``, where Django looks for them.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Mention(models.Model):
    """A note names a colleague. Unread until ``seen_at``: when they first looked at the case."""

    note = models.ForeignKey("inbox.Note", on_delete=models.CASCADE, related_name="mentions")
    case = models.ForeignKey("inbox.Case", on_delete=models.PROTECT, related_name="mentions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "user"], name="mention_once_per_note")]
        indexes = [
            models.Index(fields=["user", "case"], name="mention_of_user"),
            models.Index(fields=["user", "case"], name="mention_unread", condition=Q(seen_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"note {self.note_id} names user {self.user_id}"


class SavedView(models.Model):
    """A list with its filters under a name: its owner's own, or, with ``brand``, everybody's of that brand.

    ``filters`` are the address's, as ``{"tag": ["3"], "q": ["bag"]}``; whoever opens it sees of it what
    they may see. ``deleted_at``: on its way out, and still to be had back.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views", db_index=False
    )
    brand = models.ForeignKey(
        "brands.Brand", null=True, on_delete=models.CASCADE, related_name="saved_views", db_index=False
    )
    name = models.CharField(max_length=80)
    view = models.CharField(max_length=20)
    filters = models.JSONField(default=dict)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position", "id"]
        indexes = [
            models.Index(fields=["owner", "position", "id"], name="saved_view_own"),
            models.Index(
                fields=["brand", "position", "id"],
                name="saved_view_shared",
                condition=Q(brand__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BulkAct(models.Model):
    """Something that was done to many cases at once, kept for a day so that it can be undone as one.

    ``before``: for each case, in the columns that changed, what stood there; see ``actions/bulk_undo.py``.
    """

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    what = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.what} by user {self.actor_id}"
