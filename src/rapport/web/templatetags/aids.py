"""Where what helps to write comes from."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.translation import get_language

register = template.Library()


@register.simple_tag
def emoji_names() -> str:
    """The address of the emoji's names in the reader's language."""
    known = {code for code, _name in settings.LANGUAGES}
    language = (get_language() or "").split("-")[0]
    return static(f"vendor/emoji/{language if language in known else 'en'}.json")
