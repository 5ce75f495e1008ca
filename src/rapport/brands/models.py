"""Brands and their channels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rapport.brands.hook_keys import hook_key
from rapport.lib.crypto import EncryptedJSONField
from rapport.networks.base import Account


class Brand(models.Model):
    """A company or product that speaks and is spoken to."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    colour = models.CharField(max_length=32, blank=True, help_text="A CSS colour for public pages.")
    time_zone = models.CharField(max_length=64, default="UTC")
    hours = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Published hours, offered to each new channel; {} for none."
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ChannelRole(models.TextChoices):
    """What an account is for (H3 of the map)."""

    MAIN = "main", _("Main")
    SUPPORT = "support", _("Support")
    STATUS = "status", _("Status")
    IDEAS = "ideas", _("Ideas")
    CAREERS = "careers", _("Careers")
    EXECUTIVE = "executive", _("Executive")


class ChannelState(models.TextChoices):
    """``disconnected``: the credentials no longer work and a person must connect it again."""

    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    DISCONNECTED = "disconnected", _("Disconnected")


class SignatureStyle(models.TextChoices):
    """How an agent's reply is signed on this channel (A5)."""

    NONE = "none", _("Not signed")
    INITIALS = "initials", _("Initials, as ^MK")
    NAME = "name", _("First name")


class Channel(models.Model):
    """One account of a brand on one network, with its credentials, its place in the stream, its health."""

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="channels")
    network = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200, help_text="The account's id on the network.")
    handle = models.CharField(max_length=200)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=20, choices=ChannelRole, default=ChannelRole.MAIN)
    state = models.CharField(max_length=20, choices=ChannelState, default=ChannelState.ACTIVE)
    signature = models.CharField(max_length=20, choices=SignatureStyle, default=SignatureStyle.INITIALS)
    credentials = EncryptedJSONField(null=True)
    credentials_expire_at = models.DateTimeField(null=True, blank=True)
    credentials_given_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When these credentials were stored: how long they live follows from it.",
    )
    renew_lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Somebody renews the credentials; nobody else may before this time."
    )
    hook_key = models.CharField(
        max_length=64, default="", db_default="", editable=False,
        help_text="Equal for channels whose deliveries are verified with the same secrets.",
    )  # fmt: skip
    settings = models.JSONField(default=dict, blank=True)
    hours = models.JSONField(
        default=dict, blank=True, help_text='Published hours: {"mon": [["09:00", "17:00"]], …}; {} for none.'
    )
    hide_deleted = models.BooleanField(
        default=True, db_default=True, help_text="Whether the words of a deleted message are hidden from us."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # Listening: the cursor is saved in the transaction that stores the events it stands for.
    polled = models.BooleanField(default=False, help_text="Whether the listener polls it.")
    cursor = models.JSONField(default=dict, blank=True)
    next_poll_at = models.DateTimeField(null=True, blank=True)
    poll_lease_until = models.DateTimeField(null=True, blank=True)
    streamed = models.BooleanField(default=False, db_default=False, help_text="Whether its stream is read.")
    stream_cursor = models.JSONField(default=dict, db_default={}, blank=True)
    stream_lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Its stream is open until then."
    )
    stream_retry_at = models.DateTimeField(
        null=True, blank=True, help_text="Its stream broke and is not opened again before this time."
    )
    pushed_at = models.DateTimeField(
        null=True, blank=True, help_text="When a webhook or stream last brought something."
    )

    # The past, fetched once it is connected: {"since", "cursor", "found", "reached", "state", "error"}.
    backfill = models.JSONField(default=dict, db_default={}, blank=True)

    # The account as the public sees it (E5), as last read.
    profile = models.JSONField(default=dict, db_default={}, blank=True)
    profile_read_at = models.DateTimeField(null=True, blank=True)

    # Health, written by the listener and the worker, read by doctor and the desk.
    last_event_at = models.DateTimeField(null=True, blank=True)
    silent_after = models.DurationField(
        null=True, blank=True, help_text="Longer without a message is unusual here; null: too little history."
    )
    last_ok_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Failed calls in a row.")
    open_until = models.DateTimeField(
        null=True, blank=True, help_text="Circuit breaker: no call before this time, then one probe."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "network", "external_id"], name="channel_once_per_brand"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_poll_at"], name="channel_poll_due", condition=Q(state="active", polled=True)
            ),
            models.Index(fields=["network", "external_id"], name="channel_account"),
            models.Index(fields=["network", "hook_key"], name="channel_hook_key"),
        ]

    def __str__(self) -> str:
        return f"{self.handle} ({self.network})"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Also keeps ``hook_key`` as the credentials are."""
        fields = None if update_fields is None else set(update_fields)
        if "credentials" not in self.get_deferred_fields() and (fields is None or "credentials" in fields):
            self.hook_key = hook_key(self.network, self.credentials)
            if fields is not None:
                fields.add("hook_key")
        super().save(*args, update_fields=fields, **kwargs)

    def account(self) -> Account:
        """What a connector needs. Holds decrypted credentials: do not keep or log it."""
        return Account(
            external_id=self.external_id,
            handle=self.handle,
            credentials=self.credentials or {},
            settings=self.settings,
        )


class Allowance(models.Model):
    """What is left of one of a channel's budgets. Rows appear as they are used; see ``pacing.py``.

    ``left`` refills steadily, but until ``told_until`` it is what the network itself said is left.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="allowances", db_index=False)
    budget = models.CharField(max_length=40)
    left = models.FloatField()
    counted_at = models.DateTimeField()
    told_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "budget"], name="allowance_once")]

    def __str__(self) -> str:
        return f"{self.budget} of channel {self.channel_id}"


class AlertKind(models.TextChoices):
    """What is wrong with a channel before customers notice."""

    DISCONNECTED = "disconnected", _("Disconnected")
    EXPIRING = "expiring", _("Credentials end soon")
    SILENT = "silent", _("Silent longer than usual")
    FAILING = "failing", _("Calls fail")
    LATE = "late", _("Not listened to")


class Alert(models.Model):
    """Something a lead should know about a channel, from when it began until it ended."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    kind = models.CharField(max_length=20, choices=AlertKind)
    detail = models.JSONField(default=dict, db_default={})
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True, help_text="When the leads were written to.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "kind"], condition=Q(ended_at__isnull=True), name="alert_open_once"
            )
        ]
        indexes = [models.Index(fields=["channel", "began_at"], name="alert_of_channel")]

    def __str__(self) -> str:
        return f"{self.kind} of channel {self.channel_id}"
