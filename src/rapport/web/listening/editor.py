"""What the editor of a query shows, whole and in parts, so that both are made of the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from rapport.listening.dialects import Dialect
from rapport.mentions.examples import LONGEST_EXAMPLE, MOST_EXAMPLES, Example, Tried, can_be_tried
from rapport.mentions.models import QueryKind
from rapport.mentions.saving import NAME_LENGTH
from rapport.web.listening.builder import ANY, MODES, Group, groups_of
from rapport.web.listening.forms import Checked, Form, check
from rapport.web.templatetags.desk import network_label
from rapport.web.text import language_name

DIALECTS = {
    Dialect.BRANDWATCH: "Brandwatch",
    Dialect.MELTWATER: "Meltwater",
    Dialect.SPRINKLR: "Sprinklr",
    Dialect.X: "X",
}


@dataclass(frozen=True)
class ExampleRow:
    """An example in the form; ``tried`` is None while the query or the example says nothing, or too much."""

    example: Example
    tried: Tried | None

    @property
    def known(self) -> str:
        """What else is known of it, as a form carries it."""
        return json.dumps(dict(self.example.post))

    @property
    def facts(self) -> str:
        """The same for people."""
        post = self.example.post
        language = language_name(post["lang"]) if post.get("lang") else ""
        network = network_label(post["network"]) if post.get("network") else ""
        said = (post.get("author_name") or post.get("author", ""), network, language, post.get("title", ""))
        return " · ".join(filter(None, said))


def rows_of(form: Form, checked: Checked) -> list[ExampleRow]:
    """The examples with what the query makes of each."""
    tried = iter(checked.tried)
    return [ExampleRow(one, next(tried, None) if can_be_tried(one) else None) for one in form.examples]


def checked_form(form: Form) -> Checked:
    """What can be said of the text, with the examples that can be tried on it."""
    return check(form.text, tuple(filter(can_be_tried, form.examples)))


def builder_of(form: Form, checked: Checked) -> dict[str, Any]:
    """The groups of words that the text says, with one more to write into; or what they cannot show."""
    groups: list[Group] = []
    trouble: Promise | None = None
    if checked.query is not None:
        groups, trouble = groups_of(checked.query)
    elif not form.text:
        groups = [one for one in form.groups if one.words]
    return {
        "groups": [*groups, Group(ANY)],
        "modes": MODES,
        "cannot": trouble,
        "unread": bool(form.text) and checked.query is None,
    }


def context_of(form: Form, checked: Checked | None = None) -> dict[str, Any]:
    """What all the templates of the editor need."""
    seen = checked or checked_form(form)
    rows = rows_of(form, seen)
    return {
        "form": form,
        "checked": seen,
        "rows": rows,
        "failing": sum(1 for one in rows if one.tried is not None and not one.tried.right),
        "builder": builder_of(form, seen),
        "kinds": QueryKind.choices,
        "dialects": DIALECTS,
        "name_length": NAME_LENGTH,
        "most_examples": MOST_EXAMPLES,
        "longest_example": LONGEST_EXAMPLE,
        "room_for_examples": len(rows) < MOST_EXAMPLES,
    }
