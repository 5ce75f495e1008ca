"""Many people at one case: who follows it. Read in by ``inbox/models.py``, where Django looks for them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class CaseFollow(models.Model):
    """Somebody follows a case: they chose to, were given it, were named in it, or wrote in it.

    ``muted``: they left it. The row stays, so that nothing of that brings them back but themselves.
    Triggers (migration 0016) begin it for whoever is given a case, writes a note or is named in one, so that
    no way of doing so can forget it; a reply does in ``outbox/actions.py``.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows", db_index=False
    )
    case = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="follows")
    created_at = models.DateTimeField(db_default=Now())
    muted = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "case"], name="case_follow_once")]
        indexes = [
            models.Index(fields=["user", "case"], name="case_followed", condition=Q(muted=False)),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} follows case {self.case_id}"
