"""The people we talk with, and who they are on each network."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Now, Upper


class Contact(models.Model):
    """A person. One contact may have many identities."""

    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

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
        indexes = [
            # By the beginning of a handle, whatever the database's order of letters is.
            models.Index(F("network"), Collate(Upper("handle"), "C"), name="identity_by_handle"),
        ]

    def __str__(self) -> str:
        return self.handle or self.name or self.external_id


class ContactMerge(models.Model):
    """Two contacts that turned out to be one person, with the identities that moved, so that it can be undone."""

    source = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    made_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)
    moved = models.JSONField(help_text="{identities, attributes, notes}: ids.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source"], name="contact_merged_once", condition=Q(undone_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"contact {self.source_id} into {self.target_id}"


class ContactAttribute(models.Model):
    """What a brand keeps about a person under a name: a customer number, a size, a home airport."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="attributes", db_index=False)
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=60)
    value = models.CharField(max_length=400)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                F("contact"), F("brand"), Upper("name"), name="attribute_once_per_contact_and_brand"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of contact {self.contact_id}"


class ContactNote(models.Model):
    """What colleagues of a brand should know of a person, whatever the case. ``removed_at``: taken away, and
    still to be had back."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="notes")
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="+", db_index=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"note {self.pk} on contact {self.contact_id}"
