"""Which key each command has for one person: the usual ones, changed by them, or none of one character.

A key is written as in :mod:`rapport.web.shortcuts`: ``a``, ``A`` (with Shift), ``?``, ``Control+k``,
``Control+Shift+k``, ``Alt+k``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid
from rapport.staff.models import User
from rapport.web.shortcuts import COMMAND_BY_NAME, COMMANDS, Command, Group, Where

LONGEST_KEY = 24
_MODIFIERS = {
    **dict.fromkeys(("control", "ctrl", "strg", "cmd", "command", "meta", "⌘"), "Control"),
    **dict.fromkeys(("alt", "option", "⌥"), "Alt"),
    **dict.fromkeys(("shift", "⇧"), "Shift"),
}
# With Control these copy, paste, search, print, zoom, open and close: a page that took them would break what
# every browser does. With Shift as well, what its own tools are under.
_OF_BROWSER = frozenset("acvxzynwtqrlfpsdouhj0123456789+-=")
_OF_BROWSER_SHIFTED = _OF_BROWSER | frozenset("ijckmob")
_OF_BROWSER_ALT = frozenset("def")
_SHOWN = {"Control": "Ctrl", "Shift": "⇧", "Enter": "↵", "Escape": "Esc"}


@dataclass(frozen=True)
class Keyed:
    """A command with the key it has for somebody; ``key`` is "" for none."""

    command: Command
    key: str

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def does(self) -> str | Promise:
        return self.command.does

    @property
    def script(self) -> str:
        return self.command.script

    @property
    def where(self) -> Where:
        return self.command.where

    @property
    def group(self) -> Group:
        return self.command.group

    @property
    def label(self) -> str:
        return label(self.key)

    @property
    def url(self) -> str:
        """Where the command leads, "" when it does something here."""
        command = self.command
        return (
            reverse(command.route, args=[command.argument] if command.argument else [])
            if command.route
            else ""
        )


def label(key: str) -> str:
    """A key for people: ``Ctrl k``, ``⇧ x``."""
    if not key:
        return ""
    if is_character(key):
        return key if key.lower() == key else f"⇧ {key.lower()}"
    return " ".join(_SHOWN.get(part, part) for part in _parts(key))


def spoken(key: str) -> str:
    """A key as ``aria-keyshortcuts`` has it: ``Control+K``, ``Shift+X``."""
    if is_character(key):
        if key.lower() != key:
            return f"Shift+{key}"
        return "Plus" if key == "+" else key
    return "+".join(part.upper() if len(part) == 1 else part for part in _parts(key))


def is_character(key: str) -> bool:
    """Whether it is one character alone, which speech input and screen readers type too."""
    return len(key) == 1


def _parts(key: str) -> list[str]:
    """Its modifiers and what is pressed with them; the latter may be a plus."""
    head, last = (key[:-2], "+") if key.endswith("++") else key.rpartition("+")[::2]
    return [*filter(None, head.split("+")), last]


def read_key(typed: str) -> str:
    """What somebody typed, or the browser named, as a key; "" for none. Raises Invalid with what is wrong."""
    text = typed.strip()
    if len(text) > LONGEST_KEY:
        raise Invalid(_("A key is one character, with Ctrl or Alt before it if you like."))
    if not text or (len(text) == 1 and text.isprintable() and text not in _MODIFIERS):
        return text
    *before, last = (
        [text[:-1].strip(" +"), "+"] if re.search(r"[\s+]\+$", text) else re.split(r"[\s+]+", text)
    )
    held = {_MODIFIERS.get(one.lower(), "") for part in before for one in re.split(r"[\s+]+", part)}
    if last.lower() in _MODIFIERS:
        raise Invalid(
            _("Ctrl, Alt and Shift are no keys by themselves: screen readers and browsers use them.")
        )
    if "" in held or len(last) != 1 or not last.isprintable():
        raise Invalid(
            _("“%(key)s” is not a key we know. Give one character, with Ctrl or Alt before it if you like.")
            % {"key": text}
        )
    return _with_modifiers(text, held, last)


def _with_modifiers(text: str, held: set[str], last: str) -> str:
    shifted, lower = "Shift" in held, last.lower()
    if held == {"Shift"}:
        if lower == last.upper():
            raise Invalid(_("Give the character that Shift makes, such as ? or A."))
        return last.upper()
    if held >= {"Control", "Alt"}:
        raise Invalid(_("Ctrl and Alt together write characters on many keyboards. Use one of them."))
    taken = _OF_BROWSER_ALT if "Alt" in held else _OF_BROWSER_SHIFTED if shifted else _OF_BROWSER
    usual = {one.key for one in COMMANDS}
    key = "+".join([*(one for one in ("Control", "Alt", "Shift") if one in held), lower])
    if lower in taken and key not in usual:
        raise Invalid(_("“%(key)s” belongs to the browser. Choose another one.") % {"key": text})
    if "Alt" in held and not (lower.isascii() and lower.isalnum()):
        raise Invalid(_("With Alt only letters and digits work: other characters are typed with it."))
    return key


class Keymap:
    """The keys of one person. ``choices`` is what is kept: ``{"off": bool, "keys": {name: key}}``."""

    def __init__(self, choices: Mapping[str, Any]) -> None:
        kept = choices.get("keys")
        own = kept if isinstance(kept, dict) else {}
        self.characters_off = choices.get("off") is True
        self._own = {
            name: str(key)
            for name, key in own.items()
            if name in COMMAND_BY_NAME and not COMMAND_BY_NAME[name].fixed
        }

    @property
    def chosen(self) -> dict[str, str]:
        """The key of every command by name, whether or not keys of one character are off."""
        # A usual key of a newer Rapport may be one that the person gave to something else: theirs stays.
        theirs = set(self._own.values())
        return {
            one.name: self._own.get(one.name, "" if one.key in theirs and not one.fixed else one.key)
            for one in COMMANDS
        }

    def working(self, key: str) -> str:
        """``key``, or "" where the person has switched such keys off."""
        return "" if self.characters_off and is_character(key) else key

    def key(self, name: str) -> str:
        """The key that works for a command, "" for none."""
        return self.working(self.chosen[name])

    def __iter__(self) -> Iterator[Keyed]:
        """Every command with the key that works for it, in the order of the table."""
        chosen = self.chosen
        return (Keyed(one, self.working(chosen[one.name])) for one in COMMANDS)

    def groups(self) -> list[tuple[str, list[Keyed]]]:
        """The same in parts, each with its title."""
        every = list(self)
        return [(str(group.label), [one for one in every if one.group == group]) for group in Group]


def keymap_of(request: HttpRequest) -> Keymap:
    """The keys of who asks, read once for a request."""
    known = request.META.get("rapport.keymap")
    if not isinstance(known, Keymap):
        known = Keymap(request.user.keys if isinstance(request.user, User) else {})
        request.META["rapport.keymap"] = known
    return known


def choices_from(given: Mapping[str, str], *, off: bool, before: Keymap) -> dict[str, Any]:
    """What to keep when somebody gave these keys, by command name. A command that is not named keeps the one
    it has. Raises Invalid for a key that cannot be used, and for one that two commands would have.
    """
    keys: dict[str, str] = {}
    for one in COMMANDS:
        if one.fixed:
            keys[one.name] = one.key
            continue
        try:
            keys[one.name] = read_key(given[one.name]) if one.name in given else before.chosen[one.name]
        except Invalid as error:
            raise Invalid(
                _("“%(command)s”: %(problem)s") % {"command": one.does, "problem": str(error)}
            ) from error
    taken: dict[str, str] = {}
    for name, key in keys.items():
        if key and key in taken:
            raise Invalid(
                _("“%(key)s” would be for “%(first)s” and for “%(second)s”. Give one of them another key.")
                % {
                    "key": label(key),
                    "first": COMMAND_BY_NAME[taken[key]].does,
                    "second": COMMAND_BY_NAME[name].does,
                }
            )
        taken[key] = name
    changed = {name: key for name, key in keys.items() if key != COMMAND_BY_NAME[name].key}
    return {"off": off, "keys": changed} if off or changed else {}
