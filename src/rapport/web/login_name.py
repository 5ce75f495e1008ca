"""The login name that wrong passwords are counted for."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest


def login_name(request: HttpRequest, credentials: Mapping[str, str] | None) -> str:
    """The e-mail address as the login compares it: otherwise each way to write it in capitals would
    be an account of its own, with tries of its own."""
    given = (credentials or {}).get("username") or request.POST.get("username") or ""
    return given.strip().lower()[:255]
