"""What people make of cases: joined, linked, read until here, closed for a reason of the brand's own."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper


class CaseMerge(models.Model):
    """A case that a person made part of another, with what moved, so that it can be taken out again.

    ``moved``: see ``inbox/joining.py``; ids, codes and times only. ``undone_at`` is when it was taken
    out; a case may go into another, come out and go again.
    """

    source = models.ForeignKey("inbox.Case", on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey("inbox.Case", on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    made_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)
    moved = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source"], name="case_merged_once", condition=Q(undone_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"case {self.source_id} into {self.target_id}"


class CaseLink(models.Model):
    """Two cases of a brand that belong together but stay two: ``one`` is the older."""

    one = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="+")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="case_link_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="case_link_older_first"),
        ]

    def __str__(self) -> str:
        return f"cases {self.one_id} and {self.other_id}"


class CaseSeen(models.Model):
    """How far somebody has read a case: ``message_id`` is the newest arrival they had on the screen.

    A plain number and no foreign key: it is compared, never followed, and written at every reading.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    case = models.ForeignKey("inbox.Case", on_delete=models.CASCADE, related_name="+")
    message_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "case"], name="case_seen_once")]

    def __str__(self) -> str:
        return f"case {self.case_id} until message {self.message_id}"


class BrandReason(models.Model):
    """A brand's own reason for closing a case, beside the ones everybody has.

    A reason is never deleted, because closed cases name it; one that is retired is offered no more.
    """

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="close_reasons")
    label = models.CharField(max_length=60)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["label"]
        constraints = [
            models.UniqueConstraint(F("brand"), Upper("label"), name="reason_once_per_brand"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def code(self) -> str:
        """What ``Case.close_reason`` holds for it."""
        return f"brand-{self.pk}"
