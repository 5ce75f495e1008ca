"""The addresses of alerts: see ``doors.py``."""

from __future__ import annotations

from django.utils import timezone

from rapport.mentions.models import Alert, Query
from rapport.staff.permissions import Permission as Can
from rapport.web.tests.doors_ways import Door, login, of
from rapport.web.tests.doors_world import Site


def _alert(site: Site) -> str:
    query, _new = Query.objects.get_or_create(brand=site.brand, name=f"{site.brand.slug} alone")
    alert, _new = Alert.objects.get_or_create(
        brand=site.brand, query=query, defaults={"began_at": timezone.now(), "seen": 40, "expected": 2.0}
    )
    return f"/listening/alerts/{alert.pk}/"


_SETTING = {"do": "save", "on": "on", "rate": "1.0", "least": "9"}

ALERTS: list[Door] = [
    Door("listening/alerts/", lambda site: "/listening/alerts/", {"GET": login()}),
    Door("listening/alerts/<int:alert_id>/", _alert, {
        "GET": of(Can.VIEW_CASES),
        "POST": of(Can.MANAGE_LISTENING, lambda site: {"do": "mute", "hours": "4"})},
        "/listening/alerts/999999/", acts=True),
    Door("listening/alerts/settings/<slug:slug>/", lambda site: f"/listening/alerts/settings/{site.brand.slug}/", {
        "GET": of(Can.MANAGE_LISTENING), "POST": of(Can.MANAGE_LISTENING, lambda site: dict(_SETTING))},
        "/listening/alerts/settings/nothing/"),
]  # fmt: skip
