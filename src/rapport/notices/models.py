"""What people are told, how each of them wants to be told, and the devices that can be."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from rapport.notices.kinds import NoticeKind


class Happening(models.Model):
    """What nobody has been told of yet.

    Triggers fill it (see its migrations), so that no writer can forget it and what is rolled back is told to
    nobody; ``making.py`` empties it. No foreign keys, so that it costs a writer next to nothing.
    """

    event_id = models.BigIntegerField(null=True)
    message_id = models.BigIntegerField(null=True)
    mention_id = models.BigIntegerField(null=True)
    outgoing_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"happening {self.pk}"


class Notice(models.Model):
    """Somebody is told of one thing that happened in a case. Screens, pushes and e-mails fold them.

    ``case`` is null for what concerns none or many: an alert, cases that changed hands together. ``key`` names the thing, so that nobody is told of it twice. ``in_desk``: it shows in the desk.
    ``push_at``, ``mail_at``: from when on it may be told that way; null when it will not be, or was.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="+", db_index=False)
    case = models.ForeignKey(
        "inbox.Case", null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=10, choices=NoticeKind)
    key = models.CharField(max_length=60)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    data = models.JSONField(default=dict, help_text="What it speaks of: message, note, to, n, alert, name.")
    at = models.DateTimeField()
    made_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)
    in_desk = models.BooleanField(default=True)
    push_at = models.DateTimeField(null=True)
    mail_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notice_once")]
        indexes = [
            models.Index(fields=["user", "case"], name="notice_of_case"),
            models.Index(F("user"), F("made_at").desc(), name="notice_newest", condition=Q(in_desk=True)),
            models.Index(
                fields=["user", "case"], name="notice_unread", condition=Q(read_at=None, in_desk=True)
            ),
            models.Index(fields=["push_at"], name="notice_push_due", condition=Q(push_at__isnull=False)),
            models.Index(fields=["mail_at"], name="notice_mail_due", condition=Q(mail_at__isnull=False)),
            models.Index(fields=["made_at"], name="notice_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for user {self.user_id}"


class Choice(models.Model):
    """How somebody wants to be told of one kind of thing. No row: as the table says."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=10, choices=NoticeKind)
    desk = models.BooleanField()
    push = models.BooleanField()
    mail = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="notice_choice_once")]

    def __str__(self) -> str:
        return f"{self.kind} of user {self.user_id}"


class Preferences(models.Model):
    """When somebody wants to be left alone, and what may leave the desk. No row: the defaults.

    ``quiet``: ``{"mon": ["18:00", "08:00"], …}`` in their time zone; an end that is not later is the next
    day's. ``mail_stopped``: no e-mails at all, whatever is chosen for each kind.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="notice_preferences",
    )
    quiet = models.JSONField(default=dict)
    urgent_through = models.BooleanField(default=True)
    words = models.BooleanField(
        default=False, help_text="Pushes and e-mails may carry what customers and colleagues wrote."
    )
    mail_after = models.PositiveSmallIntegerField(default=15, help_text="Minutes.")
    mail_stopped = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"notices of user {self.user_id}"


class Device(models.Model):
    """A browser that takes pushes (RFC 8030), as long as its login lives. ``error``: why it takes none."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices")
    session = models.ForeignKey(
        "staff.Session", on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    endpoint = models.TextField()
    endpoint_sha256 = models.CharField(max_length=64, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    told_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"device {self.pk} of user {self.user_id}"
