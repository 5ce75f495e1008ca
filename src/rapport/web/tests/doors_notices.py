"""The addresses of notifications, and of the desk as an app: see ``doors.py``."""

from __future__ import annotations

from rapport.notices.choosing import stop_token
from rapport.notices.models import Device
from rapport.staff.models import Session
from rapport.web.tests.doors_ways import Door, Form, Way, anybody, login
from rapport.web.tests.doors_world import Site

_KEYS: Form = {
    "endpoint": "https://push.example.com/1",
    # The keys of RFC 8291, appendix A.
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


def _device(site: Site) -> int:
    """A device of somebody else than who asks, but the admin."""
    session, _new = Session.objects.get_or_create(
        session_key="a-login-of-the-admin", defaults={"expire_date": "2100-01-01T00:00Z", "user": site.admin}
    )
    device, _new = Device.objects.get_or_create(
        endpoint_sha256="0" * 64, defaults={**_KEYS, "user": site.admin, "session": session}
    )
    return device.pk


def _of_device(action: str) -> Door:
    return Door(
        f"account/devices/<int:device_id>/{action}/",
        lambda site: f"/account/devices/{_device(site)}/{action}/",
        {"POST": Way({"admin"}, refused=404)},
        f"/account/devices/999999/{action}/",
        acts=True,
    )


NOTICES: list[Door] = [
    Door("notices/", lambda site: "/notices/", {"GET": login()}),
    Door("notices/bell/", lambda site: "/notices/bell/", {"GET": login()}),
    Door(
        "notices/read/", lambda site: "/notices/read/", {"POST": login(lambda site: {"case": site.case.id})}
    ),
    Door(
        "notices/<int:notice_id>/",
        lambda site: f"/notices/{site.notice.pk}/",
        {"GET": Way({"admin"}, ok=(302,), refused=404)},
        "/notices/999999/",
    ),
    Door("notices/unread/", lambda site: "/notices/unread/", {"POST": login(ok=(422,))}),
    Door(
        "notices/stop/<str:token>/",
        lambda site: f"/notices/stop/{stop_token(site.target)}/",
        {"GET": anybody(), "POST": anybody(csrf=False)},
        "/notices/stop/nonsense/",
        shared=True,
    ),
    Door(
        "account/notices/",
        lambda site: "/account/notices/",
        {"GET": login(), "POST": login(lambda site: {"part": "mail", "after": "15"}, ok=(302, 422))},
    ),
    Door(
        "account/devices/", lambda site: "/account/devices/", {"POST": login(lambda site: _KEYS, ok=(204,))}
    ),
    _of_device("remove"),
    _of_device("try"),
    Door("manifest.webmanifest", lambda site: "/manifest.webmanifest", {"GET": anybody()}),
    Door("service-worker.js", lambda site: "/service-worker.js", {"GET": anybody()}),
    Door("offline/", lambda site: "/offline/", {"GET": anybody()}),
]
