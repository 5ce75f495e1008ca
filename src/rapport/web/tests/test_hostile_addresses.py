"""What stands in any address, behind the ``?`` or before it, is never an error of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axes.utils import reset
from django.test import Client

import rapport.web
from rapport.web.place import FACETS, SINGLES
from rapport.web.tests.doors import DOORS
from rapport.web.tests.doors_world import World, make_world

SHOWN = [door for door in DOORS if "GET" in door.ways and not door.route.startswith("live/")]
# Whatever a page asks an address for by name.
_ASKED = re.compile(r"""GET(?:\.get|\.getlist)?[\[(]["'](\w+)["']""")


def _names() -> list[str]:
    folder = Path(rapport.web.__file__).parent
    sources = (path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if "tests" not in path.parts)
    return sorted(
        {name for source in sources for name in _ASKED.findall(source)} | FACETS.keys() | SINGLES.keys()
    )


@pytest.fixture
def world(db: None) -> Iterator[World]:
    yield make_world()
    reset()


@pytest.mark.parametrize("value", ["\0", "9" * 40, "-1", "١٢", "x" * 5000, "2026-02-30", "' OR 1=1"])
def test_no_page_fails_by_what_its_address_asks(world: World, value: str) -> None:
    names = _names()
    assert len(names) > 20
    client = world.client("owner")
    broken = []
    for door in SHOWN:
        if door.acts:
            continue
        answer = client.get(door.path(world.ours), dict.fromkeys(names, value))
        if answer.status_code >= 500:
            broken.append(door.route)
    assert broken == []


@pytest.mark.parametrize(
    "path", ["invitation/%00/", "thread/%00/", "notices/stop/a%00b/", "%00/", "static/%00"]
)
@pytest.mark.django_db
def test_no_page_fails_by_a_nul_in_its_path(path: str) -> None:
    answer = Client(raise_request_exception=False).get(f"/{path}")
    assert answer.status_code < 500
    assert b"\0" not in answer.content
    reset()
