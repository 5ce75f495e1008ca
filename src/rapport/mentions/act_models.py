"""What people did to mentions, kept for a day so that it can be undone as one. Read in by ``models.py``."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class MentionAct(models.Model):
    """Something that was done to one mention or many at once.

    ``before``: {"mentions": {id: [state before, version after, who handled it before, when]},
    "mutes": [ids of what it muted]}; of cases also "cases": [[mention, what was done to its case (``inbox/taking_back.py``),
    the case that it had before]], in their order.
    """

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    what = models.CharField(max_length=8, help_text="seen, spam or mute")
    number = models.PositiveIntegerField(help_text="Of mentions that somebody chose.")
    before = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["actor", "-id"], name="mention_act_of_actor")]

    def __str__(self) -> str:
        return f"{self.what} by user {self.actor_id}"
