"""Threads, messages and cases: what people say, and the work that comes of it.

Times called ``sent_at``, ``at``, ``asked_at`` and ``answered_at`` are the platform's; ``arrived_at``
and ``recorded_at`` are ours. Clocks and figures use the platform's.

Where a row repeats the brand or channel of the thread or case it belongs to (so that indexes can begin
with it), the database checks the thread or case and not the copy: on the busiest tables the checks of
copies were a quarter of all checks.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _

from rapport.inbox.casework import BrandReason as BrandReason
from rapport.inbox.casework import CaseLink as CaseLink
from rapport.inbox.casework import CaseMerge as CaseMerge
from rapport.inbox.casework import CaseSeen as CaseSeen
from rapport.inbox.desk_models import BulkAct as BulkAct
from rapport.inbox.desk_models import Mention as Mention
from rapport.inbox.desk_models import SavedView as SavedView
from rapport.inbox.receipt_models import Receipt as Receipt
from rapport.inbox.together_models import CaseFollow as CaseFollow
from rapport.inbox.together_models import CaseHandover as CaseHandover
from rapport.inbox.together_models import CaseLook as CaseLook


class Visibility(models.TextChoices):
    PUBLIC = "public", _("Public")
    PRIVATE = "private", _("Private")


class Thread(models.Model):
    """Messages of one channel that belong together: joined by reply links, or by a private conversation.

    When a late parent joins two threads, the younger one's messages move to the older one and it is
    left empty, pointing there through ``merged_into``.
    """

    brand = models.ForeignKey("brands.Brand", on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey("brands.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    visibility = models.CharField(max_length=10, choices=Visibility)
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["merged_into"], name="thread_merged", condition=Q(merged_into__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"thread {self.pk}"


class Message(models.Model):
    """One piece of content on one channel. ``own``: written by the channel's account itself."""

    brand = models.ForeignKey(
        "brands.Brand", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    channel = models.ForeignKey(
        "brands.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="messages", db_index=False)
    external_id = models.CharField(max_length=500)
    parent_external_id = models.CharField(max_length=500, null=True)
    thread_key = models.CharField(max_length=500, null=True)
    identity = models.ForeignKey(
        "contacts.Identity", on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    own = models.BooleanField()
    from_brand = models.BooleanField(
        help_text="Written by any brand's account here, so not a contact's voice."
    )
    automatic = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Neither asks nor answers: written by a machine, or kept for context only.",
    )
    context = models.BooleanField(
        default=False, db_default=False, help_text="Not said to us; kept so that the thread can be read."
    )
    visibility = models.CharField(max_length=10, choices=Visibility)
    text = models.TextField()
    lang = models.CharField(max_length=16, blank=True)
    url = models.CharField(max_length=1000, blank=True)
    media = models.JSONField(default=list, help_text="[{url | file, kind, alt, name, type}]")
    facts = models.JSONField(
        default=dict, db_default={}, help_text="What only some networks know; see networks/events.py."
    )
    sent_at = models.DateTimeField()
    arrived_at = models.DateTimeField(db_default=Now())
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    hidden_at = models.DateTimeField(null=True)
    repost_count = models.PositiveIntegerField(default=0, db_default=0)
    like_count = models.PositiveIntegerField(default=0, db_default=0)
    parted = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A colleague began a thread of its own with it, whatever it answers.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The agent who wrote it here.",
    )

    class Meta:
        constraints = [
            # The dedupe.
            models.UniqueConstraint(fields=["channel", "external_id"], name="message_once_per_channel"),
        ]
        indexes = [
            models.Index(fields=["thread", "sent_at", "id"], name="message_in_thread"),
            # One person's words in a thread of thousands; also serves the foreign key.
            models.Index(fields=["identity", "thread"], name="message_by_identity"),
            # Finds children that came before their parent.
            models.Index(
                fields=["channel", "parent_external_id"],
                name="message_by_parent",
                condition=Q(parent_external_id__isnull=False),
            ),
            models.Index(
                fields=["channel", "thread_key"], name="message_by_key", condition=Q(thread_key__isnull=False)
            ),
            # Where a conversation goes on that was split.
            models.Index(fields=["channel", "thread_key"], name="message_parted", condition=Q(parted=True)),
            # What came lately, over all channels. Rows lie in the order they came, so this costs next to nothing.
            BrinIndex(fields=["arrived_at"], name="message_arrival", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class MessageChange(models.Model):
    """What became of a message, kept as the event it was.

    ``text`` is what an edit replaced, or which reaction it was. ``external_id`` names a repost or a
    reaction, so that it can be withdrawn.
    """

    class Kind(models.TextChoices):
        EDITED = "edited", _("Edited")
        DELETED = "deleted", _("Deleted")
        REPOSTED = "reposted", _("Reposted")
        LIKED = "liked", _("Liked")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        HIDDEN = "hidden", _("Hidden")
        SHOWN = "shown", _("Shown again")

    channel = models.ForeignKey("brands.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    message_external_id = models.CharField(max_length=500)
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    external_id = models.CharField(max_length=500, blank=True, default="", db_default="")
    identity = models.ForeignKey("contacts.Identity", null=True, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(blank=True, default="", db_default="")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "message_external_id", "kind", "at", "external_id"],
                name="message_change_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_external_id}"


class CaseStatus(models.TextChoices):
    OPEN = "open", _("Open")
    SNOOZED = "snoozed", _("Snoozed")
    CLOSED = "closed", _("Closed")
    MERGED = "merged", _("Merged")


class Priority(models.IntegerChoices):
    LOW = 1, _("Low")
    NORMAL = 2, _("Normal")
    HIGH = 3, _("High")
    URGENT = 4, _("Urgent")


class CloseReason(models.TextChoices):
    """Why a case needs no more work (A4: answered, or closed with a stated reason)."""

    ANSWERED = "answered", _("Answered")
    NO_REPLY_NEEDED = "no_reply_needed", _("No reply needed")
    SPAM = "spam", _("Spam")
    DUPLICATE = "duplicate", _("Duplicate")
    ELSEWHERE = "elsewhere", _("Handled elsewhere")
    IMPORTED = "imported", _("Answered before it was imported")


class Tag(models.Model):
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=60)

    class Meta:
        ordering = ["name"]
        constraints = [
            # Upper is what a lookup by __iexact compares.
            models.UniqueConstraint(F("brand"), Upper("name"), name="tag_once_per_brand"),
        ]

    def __str__(self) -> str:
        return self.name


# Who waits sorts first, longest first, and who does not wait after them: as queries/views.py sorts.
_WAITS = Func(
    F("waiting_since"),
    template="coalesce(%(expressions)s, 'infinity'::timestamptz)",
    output_field=models.DateTimeField(),
)


class Case(models.Model):
    """The unit of work: one contact, one matter, one or more threads.

    ``version`` grows with every change; an action that says which version its person saw is refused
    when another came first. ``waiting_since`` is the platform time of the contact's oldest message
    that has no answer yet, null when nobody waits.
    """

    brand = models.ForeignKey("brands.Brand", on_delete=models.PROTECT, related_name="cases", db_index=False)
    channel = models.ForeignKey(
        "brands.Channel", on_delete=models.PROTECT, related_name="cases", db_index=False
    )
    contact = models.ForeignKey("contacts.Contact", on_delete=models.PROTECT, related_name="cases")
    status = models.CharField(max_length=10, choices=CaseStatus, default=CaseStatus.OPEN)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL, db_default=2)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="cases", db_index=False
    )
    team = models.ForeignKey(
        "staff.Team", null=True, on_delete=models.SET_NULL, related_name="cases", db_index=False
    )
    tags = models.ManyToManyField(Tag, related_name="cases", blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility)
    preview = models.CharField(max_length=200, blank=True, help_text="One line of the newest message.")
    lang = models.CharField(max_length=16, blank=True)
    opened_at = models.DateTimeField()
    waiting_since = models.DateTimeField(null=True)
    last_message_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(
        null=True, help_text="What had arrived when the case was last closed was dealt with, answered or not."
    )
    close_reason = models.CharField(max_length=20, choices=CloseReason, blank=True, default="", db_default="")
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        indexes = [
            # Each list of the desk reads one of these, newest or longest-waiting first, by keyset.
            models.Index(F("brand"), F("last_message_at").desc(), F("id").desc(), name="case_open_recent",
                         condition=Q(status="open")),
            models.Index(F("brand"), F("assignee"), F("last_message_at").desc(), F("id").desc(),
                         name="case_open_assignee", condition=Q(status="open")),
            models.Index(F("brand"), _WAITS, F("id"), name="case_open_wait", condition=Q(status="open")),
            models.Index(F("brand"), F("priority") * -1, _WAITS, F("id"), name="case_open_urgent",
                         condition=Q(status="open")),
            models.Index(F("brand"), F("team"), F("last_message_at").desc(), F("id").desc(),
                         name="case_open_team", condition=Q(status="open", team__isnull=False)),
            models.Index(F("brand"), F("status"), F("last_message_at").desc(), F("id").desc(),
                         name="case_not_open", condition=~Q(status="open")),
            models.Index(F("brand"), F("last_message_at").desc(), F("id").desc(), name="case_spam",
                         condition=Q(status="closed", close_reason="spam")),
            models.Index(F("channel"), F("status"), F("last_message_at").desc(), F("id").desc(),
                         name="case_by_channel"),
            models.Index(fields=["merged_into"], name="case_merged", condition=Q(merged_into__isnull=False)),
            models.Index(fields=["snoozed_until"], name="case_snoozed", condition=Q(status="snoozed")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"case {self.pk}"


class CaseThread(models.Model):
    """Which case a contact's messages in a thread belong to: one per contact and thread."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="case_threads")
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="case_threads", db_index=False)
    contact = models.ForeignKey(
        "contacts.Contact", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    settled_at = models.DateTimeField(
        null=True, help_text="As a case's: what had been dealt with when this came to the case from another."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["thread", "contact"], name="one_case_per_contact_and_thread")
        ]

    def __str__(self) -> str:
        return f"case {self.case_id} thread {self.thread_id}"


class CaseEventKind(models.TextChoices):
    OPENED = "opened", _("Opened")
    RECEIVED = "received", _("Customer wrote")
    REPLIED = "replied", _("Replied")
    NOTED = "noted", _("Note added")
    ASSIGNED = "assigned", _("Assigned")
    PRIORITISED = "prioritised", _("Priority changed")
    TAGGED = "tagged", _("Tagged")
    UNTAGGED = "untagged", _("Tag removed")
    SNOOZED = "snoozed", _("Snoozed")
    WOKE = "woke", _("Back from snooze")
    CLOSED = "closed", _("Closed")
    REOPENED = "reopened", _("Reopened")
    MERGED = "merged", _("Merged")
    PARTED = "parted", _("Taken out again")
    SPLIT = "split", _("Split")
    LINKED = "linked", _("Linked")
    UNLINKED = "unlinked", _("Link removed")


class CaseEvent(models.Model):
    """One change of a case, with its time. Append-only; figures come from here and from turns."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="events", db_index=False)
    brand = models.ForeignKey(
        "brands.Brand", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=20, choices=CaseEventKind)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    message = models.ForeignKey(
        Message, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    data = models.JSONField(default=dict, db_default={})

    class Meta:
        constraints = [
            # A message is told once per case, however often it is delivered.
            models.UniqueConstraint(
                fields=["case", "kind", "message"],
                name="case_event_once_per_message",
                condition=Q(message__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "at", "id"], name="case_event_history"),
            models.Index(fields=["brand", "kind", "at"], name="case_event_figures"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} case {self.case_id}"


class Turn(models.Model):
    """One wait in a conversation: from a contact's first unanswered message to the brand's next one.

    Derived from the thread's messages alone (see ``inbox/turns.py``), so any order of arrival gives
    the same turns. ``number`` 1 is the conversation's first response. Automatic messages and other
    brands' messages neither ask nor answer. ``response_s``: seconds, null while unanswered.
    """

    brand = models.ForeignKey(
        "brands.Brand", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    channel = models.ForeignKey(
        "brands.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="turns", db_index=False)
    number = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    response_s = models.PositiveIntegerField(null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["thread", "number"], name="turn_once")]
        indexes = [
            models.Index(fields=["brand", "asked_at"], name="turn_by_time"),
        ]

    def __str__(self) -> str:
        return f"turn {self.number} of thread {self.thread_id}"


class Note(models.Model):
    """Words between colleagues about a case. Never leaves the desk."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"note {self.pk}"


class MessageWords(models.Model):
    """A message's terms, for search (see ``lib/terms.py``). Derived: ``inbox/words.py`` fills it behind the ingest."""

    message = models.OneToOneField(Message, primary_key=True, on_delete=models.CASCADE, related_name="words")
    words = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["words"], name="words_of_messages")]

    def __str__(self) -> str:
        return f"words of message {self.message_id}"


class IdentityWords(models.Model):
    """The terms of somebody's handle and names, for search. Derived, as above."""

    identity = models.OneToOneField(
        "contacts.Identity", primary_key=True, on_delete=models.CASCADE, related_name="words"
    )
    words = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["words"], name="words_of_identities")]

    def __str__(self) -> str:
        return f"words of identity {self.identity_id}"


class NoteWords(models.Model):
    """The terms of a note, for search. Derived, as above."""

    note = models.OneToOneField(Note, primary_key=True, on_delete=models.CASCADE, related_name="words")
    words = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["words"], name="words_of_notes")]

    def __str__(self) -> str:
        return f"words of note {self.note_id}"


class KnownWord(models.Model):
    """A word that stands somewhere in a text, so that whole words can be found by their beginning.

    An index of terms answers a whole word in the time of one page, and a beginning in the time of
    everything that begins so. Compared byte by byte, for which any PostgreSQL has an order.
    """

    word = models.CharField(max_length=40, primary_key=True, db_collation="C")

    def __str__(self) -> str:
        return self.word


class WordsWanted(models.Model):
    """What search has not read yet: a new or edited message or note, a new or renamed identity.

    Filled by triggers, so that no writer can forget it; no foreign keys, so that it costs a writer
    next to nothing.
    """

    message_id = models.BigIntegerField(null=True)
    identity_id = models.BigIntegerField(null=True)
    note_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"message {self.message_id} identity {self.identity_id} note {self.note_id}"
