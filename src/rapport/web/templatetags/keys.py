"""The keys of who reads the page: the table of them, and what a control says of its own."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rapport.web.keymap import Keymap, keymap_of, label, spoken

register = template.Library()


@register.simple_tag(takes_context=True)
def keymap(context: dict[str, Any]) -> Keymap:
    """Every command with the reader's key for it."""
    return keymap_of(context["request"])


@register.simple_tag(takes_context=True)
def keyed(context: dict[str, Any], name: str, title: str | Promise) -> SafeString:
    """The attributes of a control that a command works like: its tooltip with the key, and the key itself."""
    request: HttpRequest | None = context.get("request")
    key = keymap_of(request).key(name) if request else ""
    if not key:
        return format_html(' title="{}"', title)
    shown = _("%(title)s (%(key)s)") % {"title": title, "key": label(key)}
    return format_html(' title="{}" aria-keyshortcuts="{}"', shown, spoken(key))


@register.simple_tag(takes_context=True)
def keys_of(context: dict[str, Any], *names: str) -> dict[str, str]:
    """The keys of these commands as people read them, by name; nothing when one of them has none."""
    own = keymap_of(context["request"])
    keys = {name: label(own.key(name)) for name in names}
    return keys if all(keys.values()) else {}
