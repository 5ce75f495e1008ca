"""What waits to be sent, or was."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rapport.inbox.models import Visibility
from rapport.outbox.draft_models import Draft as Draft
from rapport.outbox.draft_models import DraftAside as DraftAside
from rapport.outbox.draft_models import DraftField as DraftField
from rapport.outbox.saved_reply_models import SavedReply as SavedReply
from rapport.outbox.saved_reply_models import SavedReplyText as SavedReplyText


class OutgoingState(models.TextChoices):
    """``queued`` waits for ``not_before``; ``held`` was scheduled, and the customer wrote meanwhile, so a person
    decides; ``sending`` is leased to a worker; the rest are final but for ``failed``, which a person may queue
    again or, if it is a change, let go of."""

    QUEUED = "queued", _("Queued")
    HELD = "held", _("Held back")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Undone")


class Verb(models.TextChoices):
    """What is to be done on the network."""

    POST = "post", _("Post")
    EDIT = "edit", _("Edit")
    DELETE = "delete", _("Delete")


class Outgoing(models.Model):
    """A reply, or a change to one. The row exists before the network is called, and always says why it
    waits.

    ``doubtful``: an earlier try may have been carried out, so the network is asked before another.
    ``target``: for an edit or a deletion, the message of ours that changes.
    ``scheduled_for``: somebody chose that time; ``known_message``: the case's newest message when they did; what
    the customer writes after it holds the reply back.
    ``lead``, ``follows``, ``part``: of a text that goes out in ``parts`` posts, the first one, and the one
    before, which must have been sent.
    """

    brand = models.ForeignKey("brands.Brand", on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(
        "brands.Channel", on_delete=models.PROTECT, related_name="outgoing", db_index=False
    )
    case = models.ForeignKey("inbox.Case", on_delete=models.PROTECT, related_name="outgoing")
    thread = models.ForeignKey("inbox.Thread", on_delete=models.PROTECT, related_name="+", db_index=False)
    in_reply_to = models.ForeignKey(
        "inbox.Message", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    verb = models.CharField(max_length=10, choices=Verb, default=Verb.POST, db_default=Verb.POST)
    target = models.ForeignKey(
        "inbox.Message", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    visibility = models.CharField(max_length=10, choices=Visibility)
    text = models.TextField(help_text="As it goes out, signature included.")
    typed = models.TextField(
        default="", db_default="", help_text="As its author wrote it; of one post of several, its stretch."
    )
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    form_key = models.UUIDField(help_text="Made by the form: a double submit is one reply.")
    state = models.CharField(max_length=10, choices=OutgoingState, default=OutgoingState.QUEUED)
    not_before = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    doubtful = models.BooleanField(default=False)
    error = models.TextField(blank=True, default="")
    close_after = models.BooleanField(default=False, help_text="Close the case as answered once it is sent.")
    snooze_until = models.DateTimeField(null=True, help_text="Put the case away until then once it is sent.")
    scheduled_for = models.DateTimeField(null=True)
    known_message = models.BigIntegerField(default=0, db_default=0)
    lead = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="followers", db_index=False
    )
    follows = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="next")
    part = models.PositiveSmallIntegerField(default=1, db_default=1)
    parts = models.PositiveSmallIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    message = models.OneToOneField(
        "inbox.Message", null=True, on_delete=models.PROTECT, related_name="outgoing"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "form_key"], name="outgoing_once_per_form")]
        indexes = [
            models.Index(fields=["not_before"], name="outgoing_due", condition=Q(state="queued")),
            models.Index(fields=["lease_until"], name="outgoing_leased", condition=Q(state="sending")),
            models.Index(fields=["channel", "id"], name="outgoing_of_channel"),
            models.Index(fields=["lead"], name="outgoing_of_lead", condition=Q(lead__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"outgoing {self.pk} ({self.state})"


class OutgoingFile(models.Model):
    """A file that goes along with a reply, described for those who cannot see it."""

    outgoing = models.ForeignKey(Outgoing, on_delete=models.CASCADE, related_name="files", db_index=False)
    position = models.PositiveSmallIntegerField()
    file = models.ForeignKey("media.StoredFile", on_delete=models.PROTECT, related_name="+")
    alt = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["outgoing", "position"], name="outgoing_file_once")]

    def __str__(self) -> str:
        return f"file {self.file_id} of outgoing {self.outgoing_id}"
