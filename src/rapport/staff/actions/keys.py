"""The keys somebody chose for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rapport.staff.models import User


def save_keys(*, user: User, choices: Mapping[str, Any]) -> User:
    """Keep what the pages found to be in order; empty is the usual keys. It is nobody else's matter, so the
    audit log does not hear of it."""
    user.keys = dict(choices)
    user.save(update_fields=["keys"])
    return user
