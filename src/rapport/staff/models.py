"""The people who work here: users, teams, and their role for each brand."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
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


class User(AbstractBaseUser, PermissionsMixin):
    """A person who works in the desk. ``is_superuser`` is the instance's owner: admin of every brand."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    initials = models.CharField(max_length=4, help_text="Used in signatures, as in ^MK.")
    language = models.CharField(max_length=10, blank=True)
    availability = models.CharField(max_length=20, choices=Availability, default=Availability.AVAILABLE)
    is_active = models.BooleanField(default=True)
    is_bot = models.BooleanField(
        default=False, help_text="An automation: its messages never count as an answer."
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


class Team(models.Model):
    """People of one brand who share work."""

    brand = models.ForeignKey("brands.Brand", on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=120)
    members = models.ManyToManyField(User, related_name="teams", blank=True)
    channels = models.ManyToManyField(
        "brands.Channel",
        related_name="teams",
        blank=True,
        help_text="Channels that only these people answer from; a channel without teams is everybody's.",
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["brand", "name"], name="team_name_once_per_brand")]

    def __str__(self) -> str:
        return self.name
