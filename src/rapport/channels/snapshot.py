"""A profile as it is kept on the channel's row, and as it goes through the steps of connecting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from rapport.lib.text import storable_json
from rapport.networks.base import Profile

# Not the public's: they have columns of their own.
_APART = {"settings", "expires_at"}


def snapshot(profile: Profile) -> dict[str, Any]:
    """What the public sees of an account, as JSON."""
    kept: dict[str, Any] = storable_json(
        {one.name: getattr(profile, one.name) for one in fields(profile) if one.name not in _APART}
    )
    return kept


def packed(profile: Profile) -> dict[str, Any]:
    """All of a profile as JSON, for :func:`unpacked`."""
    expires_at = profile.expires_at.isoformat() if profile.expires_at else None
    return snapshot(profile) | {"settings": dict(profile.settings), "expires_at": expires_at}


def unpacked(data: Mapping[str, Any]) -> Profile:
    """The profile that :func:`packed` was given."""
    expires_at = data["expires_at"]
    return Profile(**{**data, "expires_at": datetime.fromisoformat(expires_at) if expires_at else None})
