"""The tables of the practice network. Nothing in Rapport but this folder and the demo reads them."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rapport.lib.crypto import EncryptedJSONField
from rapport.networks.practice.limits import MAX_ALT, MAX_LENGTH


class Account(models.Model):
    """A person or a company on the network. Companies have an event stream and may hold tokens."""

    handle = models.CharField(max_length=40, unique=True, help_text="Lower case, without the @.")
    name = models.CharField(max_length=120)
    bio = models.CharField(max_length=300, blank=True)
    lang = models.CharField(max_length=16, blank=True)
    voice = models.CharField(max_length=1, blank=True, help_text="f or m, for texts with grammatical gender.")
    followers = models.PositiveIntegerField(default=0)
    is_company = models.BooleanField(default=False)
    is_bot = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"@{self.handle}"

    @property
    def initials(self) -> str:
        """Up to two letters, for the round picture."""
        return "".join(word[0] for word in self.name.split()[:2]).upper()

    @property
    def hue(self) -> int:
        """Which of the twelve colours of the style sheet its picture has."""
        return int(self.pk or 0) % 12


class Token(models.Model):
    """A bearer token. Only its hash is kept. The counters are its rate limit's current minute."""

    class Scope(models.TextChoices):
        """``operator`` may also read and change the network's weather (:class:`Chaos`)."""

        ACCOUNT = "account", _("Account")
        OPERATOR = "operator", _("Operator")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80, blank=True)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.ACCOUNT)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)
    window_start = models.DateTimeField(null=True)
    window_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"token {self.pk} of {self.account_id}"


class PostVisibility(models.TextChoices):
    PUBLIC = "public", _("Public")
    PRIVATE = "private", _("Private")


class Post(models.Model):
    """A public post, or one private message (``recipient`` and ``conversation`` are then set).

    ``root`` is the first post of a public thread, the post itself when it starts one.
    ``mentions`` holds everybody the post speaks to: named in it, or spoken to further up the thread.
    """

    author = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="posts", db_index=False)
    text = models.CharField(max_length=MAX_LENGTH)
    visibility = models.CharField(max_length=10, choices=PostVisibility, default=PostVisibility.PUBLIC)
    in_reply_to = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="replies")
    root = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="thread", db_index=False
    )
    recipient = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    conversation = models.CharField(max_length=60, blank=True)
    lang = models.CharField(max_length=16, blank=True)
    client_ref = models.CharField(max_length=64, blank=True, help_text="The client's own name for it.")
    idempotency_key = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    mentions = models.ManyToManyField(Account, related_name="mentioned_in", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["author", "idempotency_key"], name="practice_post_idempotent"),
        ]
        indexes = [
            models.Index(fields=["root", "id"], name="practice_post_thread"),
            models.Index(fields=["author", "-id"], name="practice_post_author"),
            models.Index(
                fields=["author", "client_ref"], name="practice_post_ref", condition=~Q(client_ref="")
            ),
            models.Index(
                fields=["conversation", "id"], name="practice_post_dm", condition=~Q(conversation="")
            ),
        ]

    def __str__(self) -> str:
        return f"post {self.pk}"

    @property
    def is_private(self) -> bool:
        return self.visibility == PostVisibility.PRIVATE


class Picture(models.Model):
    """A picture of a post. ``content_type`` is by its bytes. Its author cannot change it, only delete the post."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="pictures", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    content_type = models.CharField(max_length=20)
    alt = models.CharField(max_length=MAX_ALT, blank=True, help_text="For those who cannot see it.")
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post", "position"], name="practice_picture_place"),
        ]

    def __str__(self) -> str:
        return f"picture {self.pk} of post {self.post_id}"


class Repost(models.Model):
    """Somebody passed a post on."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="reposts", db_index=False)
    author = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="reposts")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post", "author"], name="practice_repost_once"),
        ]

    def __str__(self) -> str:
        return f"repost {self.pk}"


class Reading(models.Model):
    """How far somebody has read in a private conversation: up to this post of the other one's."""

    reader = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    conversation = models.CharField(max_length=60)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "reader"], name="practice_reading_once"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation} read up to post {self.post_id}"


class StreamEvent(models.Model):
    """One event in one company's stream, as it was when it happened.

    Ids rise in the order of commit within a stream (``actions`` holds a lock for that), so a reader
    that remembers the last id it saw misses nothing.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["account", "id"], name="practice_stream")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Subscription(models.Model):
    """Where a company's events are delivered, and the secret they are signed with."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="subscriptions")
    url = models.URLField(max_length=500)
    secret = EncryptedJSONField()
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "url"], name="practice_subscription_once"),
        ]

    def __str__(self) -> str:
        return f"subscription {self.pk}"


class WebhookDelivery(models.Model):
    """One event on its way to one subscriber. It waits until ``not_before``; delivered or given up, it is done."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        ABANDONED = "abandoned", _("Given up")

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(StreamEvent, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    last_error = models.CharField(max_length=200, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["not_before"], name="practice_delivery_due", condition=Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


_RATE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Chaos(models.Model):
    """The network's weather: one row, all calm by default. Rates are probabilities from 0 to 1."""

    outage = models.BooleanField(_("Outage: every call fails with 503"), default=False)
    duplicate_rate = models.FloatField(_("Share of events delivered twice"), default=0, validators=_RATE)
    reorder_rate = models.FloatField(_("Share of events delivered out of order"), default=0, validators=_RATE)
    lost_response_rate = models.FloatField(
        _("Share of posts accepted whose answer is lost"), default=0, validators=_RATE
    )
    slow_ms = models.PositiveIntegerField(
        _("Every call takes this much longer (milliseconds)"),
        default=0,
        validators=[MaxValueValidator(60_000)],
    )
    rate_limit = models.PositiveIntegerField(_("Calls per token and minute (0: no limit)"), default=600)
    ignore_idempotency = models.BooleanField(_("Idempotency keys are ignored"), default=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="practice_chaos_one_row")]
        verbose_name_plural = "chaos"

    def __str__(self) -> str:
        return "chaos"


class RunStep(models.TextChoices):
    """What a simulated customer does next; ``wait`` is for the company to answer."""

    EDIT = "edit", _("Edits the post")
    DELETE = "delete", _("Deletes the post")
    JOIN = "join", _("Joins the thread")
    REPOST = "repost", _("Passes the post on")
    WAIT = "wait", _("Waits for an answer")
    REACT = "react", _("Reacts to the answer")
    DONE = "done", _("Done")


class Run(models.Model):
    """One simulated customer in one situation. It is a row so that a restart forgets nobody.

    ``due_at``: when the next step is taken; for ``wait`` when patience ends, null when it has ended.
    ``impatience`` counts nudges, ``turns`` the customer's posts after the first.
    """

    situation = models.CharField(max_length=80)
    customer = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    company = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+", help_text="Their newest post.")
    answer = models.ForeignKey(Post, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    step = models.CharField(max_length=10, choices=RunStep)
    due_at = models.DateTimeField(null=True)
    turns = models.PositiveSmallIntegerField(default=0)
    impatience = models.PositiveSmallIntegerField(default=0)
    fill = models.JSONField(default=dict, help_text="What stands in the text's gaps this time.")
    seed = models.CharField(max_length=80)
    said = models.JSONField(default=list, help_text="Which of the situation's lines they have used.")
    number = models.PositiveIntegerField(
        null=True, unique=True, help_text="Counts the situations; null for people who only join one."
    )

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="practice_run_due", condition=~Q(step="done")),
            models.Index(fields=["company"], name="practice_run_waiting", condition=Q(step="wait")),
        ]

    def __str__(self) -> str:
        return f"{self.situation} ({self.step})"
