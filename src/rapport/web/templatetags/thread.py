"""What the templates of a thread need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rapport.inbox.mentions import named_in
from rapport.inbox.queries.became import FileFacts
from rapport.staff.models import User
from rapport.web import text
from rapport.web.text import linked

register = template.Library()


@register.filter
def item(mapping: Mapping[Any, Any], key: Any) -> Any:
    """What a mapping holds for a key, None when it holds nothing."""
    return mapping.get(key)


@register.filter
def day(moment: date) -> str:
    """A day as people name it: today, yesterday, or its weekday and date."""
    ago = (timezone.localdate() - moment).days
    if ago == 0:
        return _("Today")
    if ago == 1:
        return _("Yesterday")
    year = "" if moment.year == timezone.localdate().year else f" {moment.year}"
    return f"{date_format(moment, 'l')}, {date_format(moment, 'MONTH_DAY_FORMAT')}{year}"


@register.simple_tag
def note_words(text: str, people: Iterable[User]) -> SafeString:
    """A note with its links, and colleagues who are named in it marked."""
    parts: list[SafeString] = []
    end = 0
    for named in named_in(text, people):
        parts.append(linked(text[end : named.start]))
        parts.append(format_html('<mark class="named">{}</mark>', text[named.start : named.end]))
        end = named.end
    parts.append(linked(text[end:]))
    return format_html_join("", "{}", ((part,) for part in parts))


@register.filter
def size_of(facts: FileFacts | None) -> str:
    """How large a kept file is, "" where nobody knows."""
    return filesizeformat(facts.size) if facts is not None else ""


@register.filter
def plays(facts: FileFacts | None) -> str:
    """ "audio" or "video" where the browser may play the file here, else ""."""
    kind = facts.content_type.split("/")[0] if facts is not None else ""
    return kind if kind in {"audio", "video"} else ""


@register.filter
def language_name(code: str) -> str:
    """What a message is written in, whichever country's."""
    return text.language_name(code.split("-")[0].lower())
