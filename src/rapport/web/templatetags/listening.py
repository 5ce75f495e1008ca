"""What the pages of listening need of templates."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def plain(number: float) -> str:
    """A number for a drawing: a point in every language, and no thousands apart."""
    return f"{number:g}"
