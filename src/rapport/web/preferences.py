"""How the desk looks to one person: kept in cookies, so that the first byte of a page is right."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

THEMES = {"": _("As the system"), "light": _("Light"), "dark": _("Dark")}
DENSITIES = {"compact": _("Compact"), "": _("Normal"), "comfortable": _("Comfortable")}
_YEAR = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """The chosen theme, "" to follow the system."""
    value = request.COOKIES.get("rapport_theme", "")
    return value if value in THEMES else ""


def density_of(request: HttpRequest) -> str:
    """The chosen text size, "" for the usual one."""
    value = request.COOKIES.get("rapport_density", "")
    return value if value in DENSITIES else ""


def remember(response: HttpResponse, request: HttpRequest, name: str, value: str) -> None:
    """Keep a choice for a year; an empty one is forgotten."""
    if value:
        response.set_cookie(
            name, value, max_age=_YEAR, samesite="Lax", secure=request.is_secure(), httponly=True
        )
    else:
        response.delete_cookie(name, samesite="Lax")
