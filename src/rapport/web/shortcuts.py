"""Every key of the desk, once: the help page and the script both read this table."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from rapport.inbox.queries.views import VIEW_TABLE


@dataclass(frozen=True)
class Shortcut:
    """``key`` as the browser names it; ``action`` as the script knows it."""

    key: str
    action: str
    does: str | Promise
    shown: str = ""

    @property
    def label(self) -> str:
        return self.shown or self.key


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("j", "next", _("Next case in the list")),
    Shortcut("k", "previous", _("Previous case in the list")),
    Shortcut("Enter", "open", _("Open the case"), "↵"),
    Shortcut("Escape", "leave", _("Leave a field, close a menu, go back to the list"), "Esc"),
    Shortcut(".", "apply", _("Show what is new in the list")),
    Shortcut("x", "pick", _("Pick the case, or pick it no more")),
    Shortcut("X", "range", _("Pick all from the last picked one to this one"), "⇧ x"),
    Shortcut("Control+a", "all", _("Pick all cases that are shown"), "Ctrl a"),
    Shortcut("/", "search", _("Search")),
    Shortcut("J", "message-next", _("Next message of the case")),
    Shortcut("K", "message-previous", _("Previous message of the case")),
    Shortcut("m", "message-menu", _("What can be done with this message")),
    Shortcut("h", "history", _("Unfold or fold what was done to the case")),
    Shortcut("g", "newest", _("Go to the newest message")),
    Shortcut("f", "filter", _("Narrow the list")),
    *(
        Shortcut(spec.key, "view", format_lazy(_("To the list “{name}”"), name=spec.label))
        for spec in VIEW_TABLE.values()
    ),
    Shortcut("r", "reply", _("Write a reply")),
    Shortcut("n", "note", _("Write a note for colleagues")),
    Shortcut("a", "assign", _("Assign the case")),
    Shortcut("p", "priority", _("Change the priority")),
    Shortcut("t", "tag", _("Add a tag")),
    Shortcut("s", "snooze", _("Snooze the case")),
    Shortcut("e", "close", _("Close the case, or reopen it")),
    Shortcut("l", "letter", _("Enter a letter or a call")),
    Shortcut("u", "undo", _("Undo what was just done or sent")),
    Shortcut("?", "help", _("Show these keys")),
)
