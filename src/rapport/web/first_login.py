"""Whether somebody who logs in begins with the first steps."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from rapport.channels.beginning import progress
from rapport.staff.models import User


def begins(user: User | AnonymousUser) -> bool:
    """For an owner of an instance without any brand, who did not put the steps away."""
    if not isinstance(user, User) or not user.is_superuser or user.start_put_away_at is not None:
        return False
    found = progress(user=user)
    return found is not None and found.brand is None
