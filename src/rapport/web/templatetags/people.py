"""Faces, and whether somebody is here."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rapport.staff.access import may_anywhere
from rapport.staff.models import User
from rapport.staff.permissions import Permission
from rapport.web.text import initials, language_name

register = template.Library()
register.filter("language_name", language_name)


@register.simple_tag(takes_context=True)
def manages_people(context: dict[str, Any]) -> bool:
    """Whether the reader manages the people of some brand."""
    user = context["request"].user
    return isinstance(user, User) and may_anywhere(user, Permission.MANAGE_TEAM)


@register.simple_tag
def face(user: User, css: str = "") -> SafeString:
    """Somebody's picture, else their initials; decoration, beside their name."""
    if user.picture:
        # A list of hundreds draws only what is looked at.
        return format_html(
            '<span class="avatar {}" aria-hidden="true"><img src="{}?v={}" alt="" loading="lazy"></span>',
            css,
            reverse("person-picture", args=[user.pk]),
            user.picture,
        )
    return format_html(
        '<span class="avatar {}" aria-hidden="true">{}</span>', css, user.initials or initials(user.name)
    )
