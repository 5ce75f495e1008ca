"""What the variables of a saved reply stand for in one case."""

from __future__ import annotations

import re

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox.models import Case
from rapport.lib.text import storable
from rapport.outbox.saved_replies_variables import Variable
from rapport.staff.models import User
from rapport.web.text import plain_name

_LONGEST = 100
# What stands before a name and is none: Dr., Prof.
_TITLE = re.compile(r"^(?:\w{1,6}\.\s+)+")


def variables_of(
    *, case: Case, agent: User, channel: Channel, identity: Identity | None
) -> dict[Variable, str]:
    """The values, each on one line; "" where nothing is known. ``identity``: whom the answer is for."""
    name = _one_line(case.contact.name) or (_one_line(identity.name) if identity else "")
    return {
        Variable.NAME: name,
        Variable.FIRST_NAME: first_name(name),
        Variable.AGENT: _one_line(agent.name),
        Variable.BRAND: _one_line(case.brand.name),
        Variable.CASE: str(case.pk),
        Variable.HANDLE: _one_line(channel.handle),
    }


def first_name(name: str) -> str:
    """How somebody is called; "" for a handle, an address, or what holds no letter."""
    words = _TITLE.sub("", name).split()
    if not words or "@" in name or "/" in name or not words[0][0].isalpha():
        return ""
    return words[0].rstrip(",")


def _one_line(text: str) -> str:
    """A name from outside as data: on one line, and without what turns the direction of words around it."""
    return storable(" ".join(plain_name(text).split()), limit=_LONGEST)
