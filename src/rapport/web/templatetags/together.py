"""Who else is at a case, for the list's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django import template

from rapport.web.together import open_words

register = template.Library()


@register.simple_tag
def open_with(open_by: Mapping[int, Sequence[str]], case_id: int) -> str:
    """Who else has the case open, in words; "" when nobody has."""
    return open_words(open_by.get(case_id, ()))
