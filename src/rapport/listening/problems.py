"""What is wrong with a query, or worth knowing about it, and where."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from rapport.listening.tree import Span

# What would steer a terminal.
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")


class Severity(enum.StrEnum):
    """An error stops the query; a warning says that it may not mean what was meant; a note how it was read."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Problem:
    """One of them. Words are made when they are read, in the reader's language."""

    severity: Severity
    span: Span
    template: Promise
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return str(self.template) % self.values if self.values else str(self.template)

    def where(self, source: str) -> tuple[int, int]:
        """Line and column, both from 1, in characters."""
        before = source[: self.span[0]]
        return before.count("\n") + 1, self.span[0] - (before.rfind("\n") + 1) + 1

    def pointed(self, source: str, *, width: int = 100) -> str:
        """The line with carets under the place; of a long line the piece around it. Characters of two columns count so."""
        line, column = self.where(source)
        whole = source.split("\n")[line - 1]
        first = max(0, column - 1 - width // 2)
        shown = whole[first : first + width]
        lead = "…" if first else ""
        before = whole[first : column - 1]
        under = whole[column - 1 : column - 1 + max(1, self.span[1] - self.span[0])][: width // 2]
        carets = "^" * max(1, _columns(under))
        text = lead + shown + ("…" if first + width < len(whole) else "")
        return f"{text.translate(_CONTROL)}\n{' ' * (len(lead) + _columns(before))}{carets}"

    def told(self, source: str) -> str:
        """The message, where it is, and the line it is in."""
        line, column = self.where(source)
        place = _("line %(line)d, column %(column)d") % {"line": line, "column": column}
        return f"{self.message.translate(_CONTROL)} ({place})\n\n{self.pointed(source)}"


def _columns(text: str) -> int:
    """How wide a text is in a terminal."""
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


class QueryError(ValueError):
    """A query that cannot be used; ``problems`` say what to change, the first error first."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        super().__init__(source)

    def __str__(self) -> str:
        return "\n\n".join(one.told(self.source) for one in self.problems)
