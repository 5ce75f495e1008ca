"""Each page in its reader's time zone; and that they were here, noted at most once a minute."""

from __future__ import annotations

import zoneinfo
from asyncio import iscoroutinefunction
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from rapport.staff.actions.profile import note_seen
from rapport.staff.models import User


class PresenceMiddleware(MiddlewareMixin):
    """Not for async views: they hold a socket open, and must not hold a database connection with it."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> None:
        if iscoroutinefunction(view):
            return
        user = request.user
        if not isinstance(user, User):
            timezone.deactivate()
            return
        zone = zone_of(user)
        if zone is None:
            timezone.deactivate()
        else:
            timezone.activate(zone)
        note_seen(user=user, session_key=request.session.session_key)


def zone_of(user: User) -> zoneinfo.ZoneInfo | None:
    """The time zone somebody chose; None for the instance's, and for one this machine does not know."""
    try:
        return zoneinfo.ZoneInfo(user.time_zone) if user.time_zone else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
