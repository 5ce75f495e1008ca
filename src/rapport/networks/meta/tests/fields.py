"""The Graph API's field expressions: ``id,comments.limit(2){id,from}``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_NAME = re.compile(r"[a-z_0-9]+")
_ARGUMENT = re.compile(r"\.([a-z_]+)\(([^()]*)\)")


class BadFields(ValueError):
    pass


@dataclass
class Asked:
    """One field: its modifiers (``limit``, ``order`` …) and the fields wanted of it."""

    arguments: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Asked] = field(default_factory=dict)


def asked(expression: str) -> dict[str, Asked]:
    found, end = _list(expression, 0)
    if end != len(expression):
        raise BadFields(f"Syntax error at character {end}")
    return found


def _list(text: str, at: int) -> tuple[dict[str, Asked], int]:
    found: dict[str, Asked] = {}
    while True:
        name = _NAME.match(text, at)
        if name is None:
            raise BadFields(f"Syntax error at character {at}")
        at, one = name.end(), Asked()
        while argument := _ARGUMENT.match(text, at):
            one.arguments[argument[1]], at = argument[2], argument.end()
        if text[at : at + 1] == "{":
            one.fields, at = _list(text, at + 1)
            if text[at : at + 1] != "}":
                raise BadFields(f"Syntax error at character {at}")
            at += 1
        found[name[0]] = one
        if text[at : at + 1] != ",":
            return found, at
        at += 1


def shown(thing: dict[str, Any], wanted: dict[str, Asked], known: set[str]) -> dict[str, Any]:
    """``thing`` with the wanted fields only. Refuses fields that such a thing does not have."""
    for name in wanted:
        if name not in known:
            raise BadFields(f"(#100) Tried accessing nonexisting field ({name})")
    return {name: thing[name] for name in (*wanted, "id") if thing.get(name) is not None}
