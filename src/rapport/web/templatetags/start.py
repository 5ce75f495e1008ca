"""The first steps of an instance, where somebody meets an empty page."""

from __future__ import annotations

from typing import Any

from django import template

from rapport.channels.beginning import Progress, progress
from rapport.staff.models import User

register = template.Library()


@register.simple_tag(takes_context=True)
def first_steps(context: dict[str, Any]) -> Progress | None:
    """How far they are, for whoever can go on with them and as long as they are not done."""
    user = context["request"].user
    found = progress(user=user) if isinstance(user, User) else None
    return found if found is not None and not found.finished else None


@register.simple_tag(takes_context=True)
def first_steps_card(context: dict[str, Any]) -> Progress | None:
    """The same, unless this person put them away."""
    user = context["request"].user
    return None if isinstance(user, User) and user.start_put_away_at is not None else first_steps(context)
