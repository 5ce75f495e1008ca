"""The addresses of sources, which only owners know: see ``doors.py``."""

from __future__ import annotations

from rapport.mentions.models import Source
from rapport.web.tests.doors_ways import Door, Form, Way
from rapport.web.tests.doors_world import Site

_OWNER = frozenset({"owner"})


def _source(site: Site) -> int:
    return Source.objects.get(name="m.example").pk


def _form(site: Site) -> Form:
    return {"with-server": "m.example", "with-timeline": "local", "with-hashtags": ""}


SOURCES: list[Door] = [
    Door(
        "listening/sources/",
        lambda site: "/listening/sources/",
        {"GET": Way(_OWNER, absent=403)},
        shared=True,
    ),
    Door(
        "listening/sources/new/<slug:kind>/",
        lambda site: "/listening/sources/new/mastodon/",
        {"GET": Way(_OWNER, absent=403), "POST": Way(_OWNER, _form, ok=(302, 422), absent=403)},
        "/listening/sources/new/nowhere/",
        shared=True,
    ),
    Door(
        "listening/sources/<int:source_id>/edit/",
        lambda site: f"/listening/sources/{_source(site)}/edit/",
        {"GET": Way(_OWNER, absent=403), "POST": Way(_OWNER, _form, ok=(302, 422), absent=403)},
        "/listening/sources/999999/edit/",
    ),
    Door(
        "listening/sources/<int:source_id>/<slug:what>/",
        lambda site: f"/listening/sources/{_source(site)}/pause/",
        {"POST": Way(_OWNER, absent=403)},
        "/listening/sources/999999/pause/",
        acts=True,
    ),
]
