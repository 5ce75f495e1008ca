"""Whether the desk offers to enter letters and calls."""

from __future__ import annotations

from typing import Any

from django import template

from rapport.networks.registry import is_here
from rapport.staff.access import may_anywhere
from rapport.staff.models import User
from rapport.staff.permissions import Permission

register = template.Library()


@register.simple_tag(takes_context=True)
def may_enter_letters(context: dict[str, Any]) -> bool:
    """For whoever may answer for some brand."""
    user = context["request"].user
    return is_here("letters") and isinstance(user, User) and may_anywhere(user, Permission.REPLY)
