"""How the desk looks to one person: kept in cookies, so that the first byte of a page is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Look:
    """One thing that can be chosen. Of ``values``, "" is what holds when nothing is; ``data-name`` of the page
    says any other."""

    name: str
    label: str | Promise
    values: Mapping[str, str | Promise]

    @property
    def cookie(self) -> str:
        return f"rapport_{self.name}"

    def chosen(self, request: HttpRequest) -> str:
        """What somebody chose, "" for the usual."""
        value = request.COOKIES.get(self.cookie, "")
        return value if value in self.values else ""


THEME = Look("theme", _("Light or dark"), {"": _("As the system"), "light": _("Light"), "dark": _("Dark")})
CONTRAST = Look("contrast", _("Contrast"), {"": _("As the system"), "more": _("High contrast")})
DENSITY = Look(
    "density",
    _("Size of the text"),
    {"compact": _("Compact"), "": _("Normal"), "comfortable": _("Comfortable")},
)
LOOKS = (THEME, CONTRAST, DENSITY)


def theme_of(request: HttpRequest) -> str:
    """The chosen theme, "" to follow the system."""
    return THEME.chosen(request)


def looks_of(request: HttpRequest) -> list[tuple[Look, str]]:
    """Each with what was chosen."""
    return [(look, look.chosen(request)) for look in LOOKS]


def remember(response: HttpResponse, request: HttpRequest, name: str, value: str) -> None:
    """Keep a choice for a year; an empty one is forgotten."""
    if value:
        response.set_cookie(
            name, value, max_age=_YEAR, samesite="Lax", secure=request.is_secure(), httponly=True
        )
    else:
        response.delete_cookie(name, samesite="Lax")
