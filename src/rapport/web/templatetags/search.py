"""Where a search found a case of the list."""

from __future__ import annotations

from django import template

from rapport.inbox.queries.search_snippets import Snippet
from rapport.web.search import Found

register = template.Library()


@register.simple_tag
def snippet_of(found: Found, case_id: int) -> Snippet | None:
    """The piece of a text in which the case was found, None for one that was not found by words."""
    return found.snippets.get(case_id)
