"""How far an import came, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class ImportRun(models.Model):
    """One file imported in one way. ``rows_done`` is saved in the transaction that stores those rows.

    It only saves time: raw events are unique, so rows that are read twice change nothing.
    """

    file_hash = models.CharField(max_length=64, help_text="BLAKE2b of the file's bytes.")
    file_format = models.CharField(max_length=10)
    brand_option = models.CharField(max_length=120, blank=True, help_text="The --brand that was given.")
    file_name = models.CharField(max_length=255)
    rows_done = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["file_hash", "file_format", "brand_option"], name="import_run_once_per_file"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_name}: {self.rows_done} rows"
