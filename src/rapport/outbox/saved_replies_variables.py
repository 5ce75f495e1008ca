"""What stands in braces in a saved reply: the grammar, and filling it in.

``{{customer.first_name}}`` becomes the value of that name; ``{{customer.first_name|there}}`` becomes
``there`` where there is no value. Values are data: what looks like a variable inside one stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rapport.lib.errors import Invalid

MOST_FALLBACK = 100  # characters
_OPEN = "{{"
_VARIABLE = re.compile(r"\{\{([^{}|]*)(?:\|([^{}|]*))?\}\}")


class Variable(StrEnum):
    FIRST_NAME = "customer.first_name"
    NAME = "customer.name"
    AGENT = "agent.name"
    BRAND = "brand.name"
    CASE = "case.number"
    HANDLE = "channel.handle"


MEANINGS: dict[Variable, str | Promise] = {
    Variable.FIRST_NAME: gettext_lazy("The customer's first name"),
    Variable.NAME: gettext_lazy("The customer's name"),
    Variable.AGENT: gettext_lazy("The name of whoever answers"),
    Variable.BRAND: gettext_lazy("The brand's name"),
    Variable.CASE: gettext_lazy("The case's number"),
    Variable.HANDLE: gettext_lazy("The account that answers"),
}


def check(text: str) -> None:
    """Raise :class:`Invalid` with what to change, unless every variable of ``text`` can be filled in."""
    for found in _VARIABLE.finditer(text):
        name, fallback = found[1].strip(), found[2]
        if name not in set(Variable):
            raise Invalid(
                _("There is no variable “%(name)s”. There are: %(known)s.")
                % {"name": name[:60], "known": ", ".join(Variable)}
            )
        if fallback is not None and len(fallback.strip()) > MOST_FALLBACK:
            raise Invalid(
                _("What stands for “%(name)s” when it is empty can have %(limit)s characters.")
                % {"name": name, "limit": MOST_FALLBACK}
            )
    if _OPEN in _VARIABLE.sub(" ", text):
        raise Invalid(
            _("“{{” begins a variable, and one has no end. Write for example %(example)s.")
            % {"example": "{{customer.first_name|there}}"}
        )


def fill(text: str, values: Mapping[Variable, str]) -> str:
    """``text`` with its variables filled in, once; what :func:`check` would refuse stays as it is written."""

    def one(found: re.Match[str]) -> str:
        try:
            name = Variable(found[1].strip())
        except ValueError:
            return found[0]
        return values.get(name, "") or (found[2] or "").strip()

    return _VARIABLE.sub(one, text)
