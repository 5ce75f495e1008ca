"""The bell, for the page around every page."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from rapport.notices import webpush, wording
from rapport.notices.queries import unread_count
from rapport.staff.models import User

register = template.Library()
register.filter("news_path", wording.path_of)


@register.simple_tag(takes_context=True)
def unread_cases(context: dict[str, Any]) -> int:
    """How many cases have something the reader has not seen."""
    user = context["request"].user
    return unread_count(user) if isinstance(user, User) else 0


@register.simple_tag
def push_key() -> str:
    """What a browser needs to subscribe to our pushes."""
    return webpush.public_key()


@register.simple_tag
def worker_address() -> str:
    """The app's worker, with the page it keeps in the reader's language."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    return f"{reverse('service-worker')}?lang={language}"
