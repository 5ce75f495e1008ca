"""The people we talk with, and who they are on each network."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Contact(models.Model):
    """A person. One contact may have many identities."""

    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name or f"contact {self.pk}"


class Identity(models.Model):
    """A contact on one network. The network's stable id is the key; handle and name may change."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="identities")
    network = models.CharField(max_length=40)
    external_id = models.CharField(max_length=500)
    handle = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200, blank=True)
    avatar_url = models.CharField(max_length=1000, blank=True)
    url = models.CharField(max_length=1000, blank=True)
    followers = models.BigIntegerField(null=True, blank=True)
    is_brand = models.BooleanField(
        default=False, db_default=False, help_text="One of the channels here: never a contact's voice."
    )
    unproven = models.BooleanField(
        default=False, db_default=False,
        help_text="The handle is only what the person says, such as an address typed into a form: it joins nothing.",
    )  # fmt: skip
    seen_at = models.DateTimeField(
        help_text="Platform time of the newest message the fields were taken from."
    )

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["network", "external_id"], name="identity_once_per_network")
        ]

    def __str__(self) -> str:
        return self.handle or self.name or self.external_id
