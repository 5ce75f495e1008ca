"""Every command of the desk, once: the help page, tooltips, the command palette, the docs and the script read
this table. Which key each has for one person is in ``keymap.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from rapport.inbox.queries.views import VIEW_TABLE


class Group(models.TextChoices):
    """What a command is about; the help page has a part for each."""

    LIST = "list", _("In the list")
    MENTION = "mention", _("With a mention")
    VIEWS = "views", _("To another list")
    CASE = "case", _("In a case")
    WRITE = "write", _("Writing")
    EVERYWHERE = "everywhere", _("Everywhere")


class Where(models.TextChoices):
    """What a page must show for a command to do anything there."""

    EVERYWHERE = "everywhere", _("every page")
    LIST = "list", _("a list")
    CASE = "case", _("an open case")
    COMPOSER = "composer", _("an open case that can be answered")
    MENTION = "mention", _("an open mention")


@dataclass(frozen=True, kw_only=True)
class Command:
    """``name`` stands for it wherever something is kept about it. ``key`` is the usual one, written as the
    browser names it with ``Control+``, ``Alt+`` or ``Shift+`` before it, "" for none; ``fixed`` ones are the
    same for everybody. ``action`` is what the script does, else it has the command's name. ``route``: the
    address to go to, with its ``argument``.
    """

    name: str
    does: str | Promise
    group: Group
    where: Where
    key: str = ""
    action: str = ""
    fixed: bool = False
    route: str = ""
    argument: str = ""

    @property
    def script(self) -> str:
        """What the script knows it by."""
        return self.action or self.name


def _list(name: str, key: str, does: str | Promise, fixed: bool = False) -> Command:
    return Command(name=name, key=key, does=does, group=Group.LIST, where=Where.LIST, fixed=fixed)


def _case(name: str, key: str, does: str | Promise) -> Command:
    return Command(name=name, key=key, does=does, group=Group.CASE, where=Where.CASE)


def _write(name: str, key: str, does: str | Promise, fixed: bool = False) -> Command:
    return Command(name=name, key=key, does=does, group=Group.WRITE, where=Where.COMPOSER, fixed=fixed)


def _mention(name: str, key: str, does: str | Promise) -> Command:
    return Command(name=name, key=key, does=does, group=Group.MENTION, where=Where.MENTION)


def _anywhere(name: str, key: str, does: str | Promise, fixed: bool = False) -> Command:
    return Command(name=name, key=key, does=does, group=Group.EVERYWHERE, where=Where.EVERYWHERE, fixed=fixed)


COMMANDS: tuple[Command, ...] = (
    _list("next", "j", _("Next in the list")),
    _list("previous", "k", _("Previous in the list")),
    _list("open", "Enter", _("Open the case"), fixed=True),
    _list("apply", ".", _("Show what is new in the list")),
    _list("pick", "x", _("Pick the case, or pick it no more")),
    _list("range", "X", _("Pick all from the last picked one to this one")),
    _list("all", "Control+a", _("Pick all cases that are shown")),
    _list("search", "/", _("Search")),
    _list("filter", "f", _("Narrow the list")),
    _list("letter", "l", _("Enter a letter or a call")),
    *(
        Command(
            name=f"view-{view}",
            key=spec.key,
            does=format_lazy(_("To the list “{name}”"), name=spec.label),
            group=Group.VIEWS,
            where=Where.EVERYWHERE,
            action="view",
            route="desk-list",
            argument=view,
        )
        for view, spec in VIEW_TABLE.items()
    ),
    _case("message-next", "J", _("Next message of the case")),
    _case("message-previous", "K", _("Previous message of the case")),
    _case("message-menu", "m", _("What can be done with this message")),
    _case("history", "h", _("Unfold or fold what was done to the case")),
    _case("newest", "g", _("Go to the newest message")),
    _case("contact", "i", _("Show or hide what is known about the customer")),
    _case("follow", "w", _("Follow the case, or leave it")),
    _case("assign", "a", _("Assign the case")),
    _case("priority", "p", _("Change the priority")),
    _case("tag", "t", _("Add a tag")),
    _case("snooze", "s", _("Snooze the case")),
    _case("close", "e", _("Close the case, or reopen it")),
    _write("reply", "r", _("Write a reply")),
    _write("note", "n", _("Write a note for colleagues")),
    _write("send", "Control+Enter", _("Send what is in the field"), fixed=True),
    _write("send-ways", "Control+Shift+Enter", _("More ways to send: close or snooze, or later"), fixed=True),
    _mention("mention-case", "c", _("Make a case of the mention, or open its case")),
    _mention("mention-seen", "v", _("The mention is seen")),
    _mention("mention-spam", "z", _("The mention is spam")),
    _mention("mention-mute", "M", _("Mute the author of the mention")),
    _anywhere("palette", "Control+k", _("Find a command, a page, a case or a colleague")),
    _anywhere("undo", "u", _("Undo what was just done or sent")),
    _anywhere("leave", "Escape", _("Leave a field, close a menu, go back to the list"), fixed=True),
    Command(
        name="notices",
        key="b",
        does=_("To your notifications"),
        group=Group.EVERYWHERE,
        where=Where.EVERYWHERE,
        action="view",
        route="notices",
    ),
    Command(
        name="mentions",
        key="",
        does=_("To the mentions"),
        group=Group.EVERYWHERE,
        where=Where.EVERYWHERE,
        action="view",
        route="mentions",
    ),
    _anywhere("away", "", _("Say that you are away, or here again")),
    _anywhere("log-out", "", _("Log out")),
    _anywhere("help", "?", _("Show these keys")),
)
COMMAND_BY_NAME = {one.name: one for one in COMMANDS}
