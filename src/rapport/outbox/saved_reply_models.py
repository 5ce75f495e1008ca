"""Answers that are written once and used often. Read in by ``outbox/models.py``, where Django looks for them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper


class SavedReply(models.Model):
    """An answer under a name: its owner's own or, with ``brand``, everybody's who works for that brand.

    ``shortcut``: what is typed after ``/``, without it. ``words``: name, shortcut, category and texts as
    :func:`~rapport.lib.normalise.normalise` writes them, for search. ``version`` grows with every change,
    so that nobody saves over a change they did not see. ``deleted_at``: on its way out, and still to be had back.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_replies", db_index=False
    )
    brand = models.ForeignKey(
        "brands.Brand", null=True, on_delete=models.CASCADE, related_name="saved_replies", db_index=False
    )
    name = models.CharField(max_length=80)
    shortcut = models.CharField(max_length=40, blank=True)
    category = models.CharField(max_length=60, blank=True)
    words = models.TextField(blank=True)
    used = models.PositiveIntegerField(default=0, help_text="How often it was put into a reply.")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "saved replies"
        constraints = [
            models.UniqueConstraint(
                F("brand"), Upper("shortcut"), name="saved_reply_shortcut_shared",
                condition=Q(deleted_at__isnull=True, brand__isnull=False) & ~Q(shortcut=""),
            ),
            models.UniqueConstraint(
                F("owner"), Upper("shortcut"), name="saved_reply_shortcut_own",
                condition=Q(deleted_at__isnull=True, brand__isnull=True) & ~Q(shortcut=""),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["brand"],
                name="saved_reply_shared",
                condition=Q(deleted_at__isnull=True, brand__isnull=False),
            ),
            models.Index(fields=["owner"], name="saved_reply_own"),
            models.Index(
                fields=["deleted_at"], name="saved_reply_deleted", condition=Q(deleted_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SavedReplyText(models.Model):
    """A saved reply's words in one language; ``language`` is "" for words that fit any."""

    reply = models.ForeignKey(SavedReply, on_delete=models.CASCADE, related_name="texts", db_index=False)
    language = models.CharField(max_length=16, blank=True)
    text = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["reply", "language"], name="saved_reply_text_once_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.language or 'any language'} of saved reply {self.reply_id}"
