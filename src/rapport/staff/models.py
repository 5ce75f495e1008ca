"""The people who work here: users, teams, and their role for each brand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Creates users; the e-mail address is the login name, compared without case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class Availability(models.TextChoices):
    """Whether new work may be given to somebody."""

    AVAILABLE = "available", _("Available")
    AWAY = "away", _("Away")


# Who did something within this time is looking at the desk.
HERE = timedelta(minutes=5)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who works in the desk. ``is_superuser`` is the instance's owner: admin of every brand."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    initials = models.CharField(max_length=4, help_text="Used in signatures, as in ^MK.")
    language = models.CharField(max_length=10, blank=True)
    availability = models.CharField(max_length=20, choices=Availability, default=Availability.AVAILABLE)
    away_until = models.DateTimeField(
        null=True, blank=True, help_text="Away ends by itself then; null: when they say so."
    )
    away_reason = models.CharField(max_length=80, blank=True, default="", db_default="")
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When they last did something, to the minute."
    )
    time_zone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Empty: the instance's."
    )
    speaks = ArrayField(
        models.CharField(max_length=16), default=list, db_default=[], blank=True, help_text="Language codes."
    )
    skills = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    picture = models.CharField(
        max_length=16, blank=True, default="", db_default="", help_text="Which picture; empty: none."
    )
    keys = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="Keys of their own: {off: those of one character, keys: {command: key}}.",
    )
    is_active = models.BooleanField(default=True)
    is_bot = models.BooleanField(
        default=False, help_text="An automation: its messages never count as an answer."
    )
    start_put_away_at = models.DateTimeField(
        null=True, blank=True, help_text="When they put the first steps of the instance away."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name", "initials"]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def first_name(self) -> str:
        """The name's first word, for signatures."""
        return self.name.split()[0] if self.name.split() else self.name

    @property
    def is_away(self) -> bool:
        """Whether they are away now."""
        if self.availability != Availability.AWAY:
            return False
        return self.away_until is None or self.away_until > timezone.now()

    @property
    def is_here(self) -> bool:
        """Whether they did something in the last few minutes."""
        return self.seen_at is not None and self.seen_at > timezone.now() - HERE


class Role(models.TextChoices):
    """What somebody may do for a brand; each includes the ones below it."""

    ADMIN = "admin", _("Admin")
    LEAD = "lead", _("Lead")
    AGENT = "agent", _("Agent")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """A user's role for one brand."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "brand"], name="one_role_per_brand")]

    def __str__(self) -> str:
        return f"{self.user} {self.role} {self.brand}"


class _TeamsThatAre(models.Manager["Team"]):
    def get_queryset(self) -> QuerySet[Team]:
        return super().get_queryset().filter(deleted_at=None)


class Team(models.Model):
    """People of one brand who share work. One that was deleted is kept for closed cases, which still name
    it, and for undo; no list and no rule counts it."""

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=120)
    members = models.ManyToManyField(User, related_name="teams", blank=True)
    channels = models.ManyToManyField(
        "brands.Channel",
        related_name="teams",
        blank=True,
        help_text="Channels that only these people answer from; a channel without teams is everybody's.",
    )

    deleted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[_TeamsThatAre] = _TeamsThatAre()
    everything: ClassVar[models.Manager[Team]] = models.Manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "name"], name="team_name_once_per_brand", condition=Q(deleted_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.name


class Signature(models.Model):
    """What stands for somebody under their replies for one brand, where it is not the usual: empty fields
    are the usual."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="signatures", db_index=False)
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="+", db_index=False)
    initials = models.CharField(max_length=4, blank=True)
    name = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "brand"], name="one_signature_per_brand")]

    def __str__(self) -> str:
        return f"^{self.initials} {self.name}"


class Picture(models.Model):
    """A person's face, small and without what cameras write beside it. Not of a brand: a person's own."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="+")
    content_type = models.CharField(max_length=40)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"picture of {self.user_id}"


class Session(AbstractBaseSession):
    """One login on one device. The row knows whose it is, so that it can be ended from elsewhere."""

    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="sessions", db_constraint=False
    )
    seen_at = models.DateTimeField(db_default=Now())


class Invitation(models.Model):
    """Somebody is asked by e-mail to work for a brand. The token of its link is kept hashed only."""

    email = models.EmailField()
    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=20, choices=Role)
    teams = models.ManyToManyField(Team, related_name="+", blank=True)
    token_sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    renewed_at = models.DateTimeField(db_default=Now(), help_text="When its present link was made.")
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "email"],
                name="one_open_invitation",
                condition=Q(accepted_at=None, revoked_at=None),
            )
        ]
        indexes = [models.Index(fields=["invited_by", "renewed_at"], name="invitations_by_person")]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    @property
    def is_expired(self) -> bool:
        """Whether its link is too old."""
        return self.expires_at <= timezone.now()


class Reversal(models.Model):
    """How to take back what one person did to people or teams: what it was before, kept for a day."""

    class Kind(models.TextChoices):
        LEFT = "left", _("Somebody left")
        TEAM = "team", _("A team was deleted")

    kind = models.CharField(max_length=10, choices=Kind)
    actor = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)
    data = models.JSONField()

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
