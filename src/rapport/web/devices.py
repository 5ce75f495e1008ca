"""What a login is called: the browser and the system, as it says itself, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from axes.helpers import get_client_ip_address
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.staff.models import Session, User
from rapport.staff.sessions import SessionStore

_KEY = "device"
# The first that is found counts: browsers also name those whose pages they can show.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Device:
    """One login. ``number`` names it in a form: a session's key is as good as a password."""

    number: str
    name: str
    address: str
    began_at: datetime | None
    seen_at: datetime
    current: bool


def remember_device(request: HttpRequest) -> None:
    """Note with a new login where it is from."""
    request.session[_KEY] = {
        "agent": request.headers.get("User-Agent", "")[:300],
        "address": str(get_client_ip_address(request) or "")[:45],
        "began": int(timezone.now().timestamp()),
    }


def devices(user: User, *, current: str | None) -> list[Device]:
    """Where ``user`` is logged in, the latest seen first."""
    rows = Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-seen_at")
    return [_device(row, row.session_key == current) for row in rows]


def _device(row: Session, current: bool) -> Device:
    kept = SessionStore().decode(row.session_data).get(_KEY)
    said: dict[str, Any] = kept if isinstance(kept, dict) else {}
    began = said.get("began")
    return Device(
        number=short_key(row.session_key),
        name=called(str(said.get("agent", ""))),
        address=str(said.get("address", "")),
        began_at=datetime.fromtimestamp(began, UTC) if isinstance(began, int) else None,
        seen_at=row.seen_at,
        current=current,
    )


def short_key(session_key: str) -> str:
    """A session's name for forms: too short to be used as the session."""
    return session_key[:10]


def called(agent: str) -> str:
    """``Firefox on Windows``, from what a browser says of itself."""
    browser = next((name for part, name in _BROWSERS if part in agent), "")
    system = next((name for part, name in _SYSTEMS if part in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown device")
